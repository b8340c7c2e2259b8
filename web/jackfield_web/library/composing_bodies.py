"""The bodies of requests that take files together, or say in words what is to be done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jackfield_web.library.asked import MOST_VERSIONS
from jackfield_web.library.bodies import Change, FilePath, Name

ModelName = Annotated[str, Meta(max_length=200, description="The model to ask; the default model if empty.")]
Folder = Annotated[str, Meta(max_length=4096, description="Only files below this path.")]
Number = Annotated[int, Meta(ge=1, le=MOST_VERSIONS)]


class OfFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which collection; the default one if left out."""

    collection: Name | None = None


class GroupingWanted(OfFiles, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which words to group files; without any it is by what they are about, in `count` groups if that is said.

    With `names` a model names the groups.
    """

    words: Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=50)] = []
    under: Folder = ""
    count: Annotated[int, Meta(ge=2, le=100)] | None = None
    names: bool = False
    model: ModelName = ""


class JoiningWanted(OfFiles, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files to join, as which; with a `topic` only what they, or all files, say about that."""

    into: FilePath
    paths: Annotated[list[FilePath], Meta(max_length=1000)] = []
    topic: Annotated[str, Meta(max_length=2000)] = ""
    under: Folder = ""
    change: Change = ""


class SummaryWanted(OfFiles, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to sum up: what files say about a topic, or whole files."""

    topic: Annotated[str, Meta(max_length=2000)] = ""
    paths: Annotated[list[FilePath], Meta(max_length=100)] = []
    under: Folder = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 8
    model: ModelName = ""


class ComparisonWanted(OfFiles, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which versions of a file to compare, by default the newest two; or `other`, another file."""

    path: FilePath
    old: Number | None = None
    new: Number | None = None
    other: FilePath | None = None
    model: ModelName = ""


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which plan somebody agreed, as it was told, and when it was made."""

    to: Annotated[str, Meta(min_length=64, max_length=64)]
    as_of: Annotated[datetime, Meta(tz=True)]


class WordsSaid(OfFiles, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done, in words. Nothing is changed without an agreement to the plan.

    `choices` say which files are meant by names that fit several.
    """

    words: Annotated[str, Meta(min_length=1, max_length=4000)]
    agreed: Agreement | None = None
    choices: dict[str, list[str]] = {}
    model: ModelName = ""
