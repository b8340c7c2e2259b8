"""What models may be called, and the folders their files lie in."""

from __future__ import annotations

import hashlib
import re

from jackfield.errors import InvalidRequest

DEFAULT = "default"
"""Stands for the default model wherever a name is asked for, so no model can have it."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,118}[A-Za-z0-9_-])?")


def checked_name(name: str) -> str:
    """The name itself; raises InvalidRequest where no model may be called so."""
    if name == DEFAULT:
        raise InvalidRequest("No model can be named 'default': that stands for the default one.", parameter="name")
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"'{name:.140}' cannot be a model's name: letters, digits and . _ - : / are allowed, "
            "a letter or digit comes first, no . : / last, and 120 characters are the most.",
            parameter="name",
        )
    return name


def folder_name(name: str) -> str:
    """A folder for a model's files: the name where every file system keeps it apart, else with a digest."""
    plain = re.sub(r"[^a-z0-9._-]", "-", name.lower())
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
