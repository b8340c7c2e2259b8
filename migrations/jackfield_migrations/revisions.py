"""The revisions there are: one file each in `versions`, named NNNN_what_it_does, in one line without branches."""

from __future__ import annotations

from pathlib import Path

SCRIPTS = Path(__file__).parent
"""The folder that Alembic reads as its script location."""


def revision_names() -> tuple[str, ...]:
    """The names of all revisions, oldest first."""
    return tuple(sorted(path.stem for path in (SCRIPTS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")))


def revision_of(name: str) -> str:
    """The identifier at the front of a revision's name, which is what a database records."""
    return name.partition("_")[0]


def newest_revision() -> str:
    """The identifier of the last one."""
    return revision_of(revision_names()[-1])


def names_after(revision: str | None) -> tuple[str, ...] | None:
    """What a database at a revision lacks, oldest first; None where the revision is not one of ours."""
    names = revision_names()
    identifiers = [None, *map(revision_of, names)]
    return names[identifiers.index(revision) :] if revision in identifiers else None
