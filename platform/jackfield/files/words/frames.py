"""Every sentence pattern, by call, and those of what words do not do."""

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


@cache
def refusals() -> tuple[Pattern, ...]:
    """Sentences that are understood, and that no call does; their flag `why` is a name in `why_not`."""
    return tuple(compiled("refused", line) for line in sentences("refused"))
