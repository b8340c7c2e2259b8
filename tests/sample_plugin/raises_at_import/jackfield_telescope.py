"""Looks for its hardware at import, where a plugin should look for nothing."""

raise RuntimeError("no telescope is attached to this machine")
