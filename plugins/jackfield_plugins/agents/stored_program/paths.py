"""What files may be called: relative paths of plain names."""

from __future__ import annotations

_FOLDER = r"\.?[A-Za-z0-9_-]{1,40}"
_FILE = r"(?:[A-Za-z0-9_-]{0,40}(?:\.[A-Za-z0-9_-]{1,20}){1,3}|Makefile|Dockerfile|LICENSE|README)"
PATH = rf"(?:{_FOLDER}/){{0,4}}{_FILE}"
"""A regular expression; nothing that leads out of a folder can match it.

A file has an extension, or one of the names that are known without: small models would write folders as files.
"""
