"""Runs on record: look, follow, cancel."""
