"""Whether the server lives, and whether it would answer."""
