"""/api/memory: what is remembered of whoever asks."""
