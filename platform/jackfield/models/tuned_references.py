"""What stands for a reference where a model was made here from another: whose weights, in which format."""

from __future__ import annotations

PREFIX, MARK = "tuned:", "#"
"""No name of a model has the mark in it, and no source claims the prefix."""


def tuned_reference(origin: str, format_name: str) -> str:
    """`tuned:starter#Q4_0`."""
    return f"{PREFIX}{origin}{MARK}{format_name}"


def tuned_origin(reference: str) -> tuple[str, str] | None:
    """The name and the format in such a reference; None for any other."""
    origin, mark, format_name = reference.removeprefix(PREFIX).rpartition(MARK)
    return (origin, format_name) if mark and reference.startswith(PREFIX) else None
