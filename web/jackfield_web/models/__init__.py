"""The models that are installed, and those that are loaded."""
