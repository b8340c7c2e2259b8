"""Who uses an installation, what they may do, and what they may spend."""
