"""What stands in files, as sources that an answer may cite, not yet numbered."""

from __future__ import annotations

from jackfield.contracts.files import FileVersion, Found
from jackfield.events import Source


def source_of(found: Found) -> Source:
    """A passage that was found."""
    return Source(
        number=0,
        kind="file",
        id=found.file_id,
        version=found.version,
        text=found.text,
        collection=found.collection,
        path=found.path,
        start=found.start,
        end=found.end,
        heading=found.heading,
    )


def shown_name(source: Source) -> str:
    """What a file's source is called where a model is given it."""
    return f"{source.path}, version {source.version}"


def span_source(collection: str, version: FileVersion, text: str, *, start: int = 0) -> Source:
    """A stretch of a version's text, from the byte `start` on."""
    return Source(
        number=0,
        kind="file",
        id=version.file_id,
        version=version.number,
        text=text,
        collection=collection,
        path=version.path,
        start=start,
        end=start + len(text.encode()),
    )
