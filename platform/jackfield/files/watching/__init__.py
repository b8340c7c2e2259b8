"""Folders that are kept in step with a collection: what differs is a pure plan, and carrying it out loses nothing."""
