"""A run's journey: assemble the prompt, decode it, and record every event of it."""
