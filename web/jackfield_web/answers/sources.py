"""Files to look in for an answer, and the sources that it was given, as every protocol here words them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.files import SearchMode
from jackfield.contracts.runs import FileUse
from jackfield.events import Source
from jackfield.runs.citations import cited_numbers


class FileSearch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files to look in for what the last message asks; the answer cites its sources as [1]."""

    collections: (
        Annotated[
            list[str], Meta(max_length=100, description="All of one's own, and those one was granted, if left out.")
        ]
        | None
    ) = None
    under: Annotated[str, Meta(max_length=4096, description="Only files below this path.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=50, description="How many passages at most; 5 if left out.")] | None = None
    mode: Annotated[SearchMode, Meta(description="By words, by meaning, or both, which is `hybrid`.")] | None = None


Remembers = Annotated[
    bool, Meta(description="Recall what bears on the question, and remember what its asker says of themselves.")
]


class ToldSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source that an answer was given: a passage of a file's version, from byte to byte of its text, or a memory.

    `cited` says whether the answer has its number.
    """

    number: int
    kind: Literal["file", "memory"]
    id: str
    collection: str
    path: str
    version: int
    start: int
    end: int
    heading: str
    text: str
    cited: bool


def file_use(asked: FileSearch | None) -> FileUse | None:
    """What a run is to look in."""
    if asked is None:
        return None
    said = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None}
    return FileUse(**said | {"collections": tuple(asked.collections or ())})


def told_sources(sources: Iterable[Source], text: str = "") -> list[ToldSource]:
    """Sources in the order of their numbers, and which of them a text cites."""
    known = tuple(sources)
    cited = cited_numbers(text, known)
    return [
        ToldSource(
            number=source.number,
            kind=source.kind,
            id=source.id,
            collection=source.collection,
            path=source.path,
            version=source.version,
            start=source.start,
            end=source.end,
            heading=source.heading,
            text=source.text,
            cited=source.number in cited,
        )
        for source in known
    ]
