"""Models: which are installed, and which are loaded."""
