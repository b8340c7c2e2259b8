"""Runs on record: start, look, follow, cancel, decide."""
