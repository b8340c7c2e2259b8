"""Guards: what may be read, and what may be called because of it."""
