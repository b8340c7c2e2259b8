"""The tools that come with the platform."""
