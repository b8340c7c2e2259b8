"""The bodies of requests about semantic files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jackfield.contracts.files import GrantKind, Level, SearchMode
from jackfield_web.library.asked import MOST_VERSIONS
from jackfield_web.library.holders import NAMED

Name = Annotated[str, Meta(min_length=1, max_length=100, description="The collection's name.")]
FilePath = Annotated[str, Meta(min_length=1, max_length=4096, description="The file's path in the collection.")]
Reason = Annotated[str, Meta(max_length=2000, description="Why, for the history.")]
Change = Annotated[
    str, Meta(max_length=200, description="A name for what is done; changes of one name are undone together.")
]
Moment = Annotated[datetime, Meta(tz=True)]
Bytes = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class CollectionAddition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collection to be made."""

    name: Name


class CollectionPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be another."""

    name: Name


class QuotaSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many bytes all versions of a collection's files may take; null for any number."""

    bytes: Bytes | None


class GrantSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody may do in a collection: each level with those before it."""

    kind: GrantKind
    id: Annotated[str, Meta(max_length=320, description=NAMED)] = ""
    level: Level


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of one file."""

    path: FilePath
    reason: Reason = ""
    change: Change = ""


class Rollback(Step, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version to bring back: by number, or the one that was the newest at a time."""

    version: Annotated[int, Meta(ge=1, le=MOST_VERSIONS)] | None = None
    at: Moment | None = None


class Renaming(Step, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file is to be called."""

    new_path: FilePath


class Undeletion(Step, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deleted file to bring back, and where to, if not to where it was."""

    as_path: FilePath | None = None


class Undoing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which change to take back. With `force` also where its files were changed since."""

    change: Annotated[str, Meta(min_length=1, max_length=200, description="The change, as histories name it.")]
    force: bool = False


class Locking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file to keep for oneself, and until when."""

    path: FilePath
    until: Moment


class PathOnly(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file is meant."""

    path: FilePath


class LinkAddition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a link lets others read: a file, always the newest version of it or always one; or a whole folder."""

    path: Annotated[str, Meta(max_length=4096, description="A file's path, or a folder's; empty for everything.")]
    folder: bool = False
    version: Annotated[int, Meta(ge=1, le=MOST_VERSIONS)] | None = None
    expires_at: Moment | None = None


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for: in the named collections or all of one's own, below a path, by words or by meaning."""

    text: Annotated[str, Meta(min_length=1, max_length=8192, description="A question, or words.")]
    collections: Annotated[list[Name], Meta(max_length=100)] = []
    under: Annotated[str, Meta(max_length=4096, description="Only below this path.")] = ""
    mode: SearchMode = "hybrid"
    limit: Annotated[int, Meta(ge=1, le=100, description="How many passages at most.")] = 10
    whole_files: Annotated[bool, Meta(description="Find each file once, by its best passage.")] = False
    rerank: Annotated[bool, Meta(description="Look at the best ones more closely; it takes longer.")] = False


class Verification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How closely to look: `deep` reads every byte; `repair` mends what can be mended."""

    deep: bool = False
    repair: bool = False
