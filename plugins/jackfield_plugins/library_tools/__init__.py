"""Tools over semantic files: finding, reading, and changing them without losing a version."""
