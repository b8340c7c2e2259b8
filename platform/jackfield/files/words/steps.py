"""The calls on files that words may stand for, as plain data: one struct a call, one union of all."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from jackfield.contracts.files import SearchMode


class Which(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Files as they were named: paths, patterns, or words for what a file is called or about.

    `every` says that all that fit are meant, without those that fit one of `but`; no names and `every` are all files,
    `it` those of the step before, and `the original` what that step made them of.
    """

    names: tuple[str, ...] = ()
    every: bool = False
    but: tuple[str, ...] = ()


class Version(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which version is meant: by number, by how many texts back, or the newest at a time; else the newest.

    Only versions with other bytes count as back.
    """

    number: int | None = None
    back: int | None = None
    at: datetime | None = None


NOW = Version()
IT = "it"
"""Stands for the files of the step before."""
ORIGINAL = "the original"
"""Stands for what the step before copied, joined or renamed."""


class _Step(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="call",
    tag=str.lower,
):
    """What all calls have: a tag under `call`."""


class Create(_Step, frozen=True):
    """A new file; with `keep` one that is there already is left as it is, otherwise that is an error."""

    file: Which
    text: str = ""
    keep: bool = False


class Append(_Step, frozen=True):
    file: Which
    text: str


class Overwrite(_Step, frozen=True):
    file: Which
    text: str


class Delete(_Step, frozen=True):
    file: Which


class Undelete(_Step, frozen=True):
    """Of files that fit, with times only those that were deleted within them."""

    file: Which
    new: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Rename(_Step, frozen=True):
    """To another path; one that ends in `/` is a folder that the file moves to."""

    file: Which
    new: str


class Copy(_Step, frozen=True):
    """The newest version, written to another path too, or to one like its own; one that ends in `/` is a folder."""

    file: Which
    new: str = ""


class Rollback(_Step, frozen=True):
    file: Which
    to: Version


class Read(_Step, frozen=True):
    file: Which
    at: Version = NOW


class List(_Step, frozen=True):
    file: Which = Which(every=True)
    deleted: bool = False


class History(_Step, frozen=True):
    file: Which


class Compare(_Step, frozen=True):
    """Two versions of a file, by default the newest and the one before, or two files; `lines` wants no words."""

    file: Which
    old: Version = Version(back=1)
    new: Version = NOW
    lines: bool = False


class Find(_Step, frozen=True):
    text: str
    mode: SearchMode = "hybrid"
    file: Which = Which(every=True)
    limit: int = 10


class Group(_Step, frozen=True):
    """By which keywords files hold, or without `words` by what they are about."""

    file: Which = Which(every=True)
    words: tuple[str, ...] = ()
    count: int | None = None


class Join(_Step, frozen=True):
    """Whole files, or with a `topic` what is about it in them, as one new file."""

    file: Which = Which(every=True)
    topic: str = ""
    into: str = ""


class Summarise(_Step, frozen=True):
    """What files say, or with a `topic` what they say about that."""

    file: Which = Which(every=True)
    topic: str = ""


class Lock(_Step, frozen=True):
    file: Which
    until: datetime | None = None


class Unlock(_Step, frozen=True):
    file: Which


class Link(_Step, frozen=True):
    """A share link, which expires `until` then or never; with a version it shows that one for ever."""

    file: Which
    until: datetime | None = None
    at: Version = NOW


class Unlink(_Step, frozen=True):
    """Revoke every share link of a file."""

    file: Which


class Links(_Step, frozen=True):
    """Share links that hold now."""

    file: Which = Which(every=True)


class Index(_Step, frozen=True):
    """Index what waits; with `retry` also what failed, and with `ask` only say how far it is."""

    retry: bool = False
    ask: bool = False


class Changes(_Step, frozen=True):
    """What was changed lately, in all files."""

    since: datetime | None = None


class Undo(_Step, frozen=True):
    """Take the last change back."""


Step = (
    Create
    | Append
    | Overwrite
    | Delete
    | Undelete
    | Rename
    | Copy
    | Rollback
    | Read
    | List
    | History
    | Compare
    | Find
    | Group
    | Join
    | Summarise
    | Lock
    | Unlock
    | Link
    | Unlink
    | Links
    | Index
    | Changes
    | Undo
)

WRITING = (
    *(Create, Append, Overwrite, Delete, Undelete, Rename, Copy, Rollback, Join),
    *(Lock, Unlock, Link, Unlink, Undo),
)
"""Calls that change something, and so are shown and confirmed first."""

FOR_WRITERS = (*WRITING, Links)
"""Calls for those who may write: who has links is nobody else's business."""

Reader = Literal["rules", "model"]
"""Who made steps of words."""


def call_of(step: Step) -> str:
    """A step's call, by the name that it has in JSON."""
    return type(step).__name__.lower()


def writes(step: Step) -> bool:
    """Whether a step changes something."""
    return isinstance(step, WRITING)
