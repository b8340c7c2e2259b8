"""Runs as HTTP answers: several merged, streamed, and stopped when nobody reads them any more."""
