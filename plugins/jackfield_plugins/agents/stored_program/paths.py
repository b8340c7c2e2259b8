"""What files may be called: relative paths of plain names."""

from __future__ import annotations

_NAME = r"\.?[A-Za-z0-9_-]{1,40}(?:\.[A-Za-z0-9_-]{1,20}){0,3}"
PATH = rf"{_NAME}(?:/{_NAME}){{0,4}}"
"""A regular expression; nothing that leads out of a folder can match it."""
