"""How well models call, and how little they wait for it, measured on this machine."""
