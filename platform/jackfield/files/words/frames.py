"""Every sentence pattern, by call."""

from __future__ import annotations

from functools import cache

from jackfield.files.words.grammar import Pattern, compiled
from jackfield.files.words.sentence_files import sentences

CALLS = (
    *("copy", "create", "append", "overwrite", "rename", "rollback", "undelete", "delete", "undo"),
    *("unlock", "lock", "unlink", "links", "link", "index", "changes", "compare", "history", "list"),
    *("group", "join", "summarise", "find", "read"),
)
"""In this order, where two readings explain a sentence equally well."""


@cache
def patterns() -> tuple[Pattern, ...]:
    """All of them, compiled once."""
    return tuple(compiled(call, line) for call in CALLS for line in sentences(call))
