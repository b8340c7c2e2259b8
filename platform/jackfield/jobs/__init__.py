"""Where runs execute, and how their events travel."""
