"""What a content's bytes say, worked out before the transaction that writes it down."""

from __future__ import annotations

import msgspec
from blake3 import blake3

from jackfield.contracts.files import IndexState


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a content's text, from byte `start` to before byte `end`; `key` is the hash of heading and text."""

    key: str
    start: int
    end: int
    heading: str
    text: str


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A content as `contents.entered` writes it.

    `extractor` is `name:version`, or empty where nobody reads such files. `text_digest` is the blob of the text that
    was read, `vectors` are those of passages that had none under `model`, by key, as the table keeps them.
    """

    digest: str
    extractor: str
    size: int
    filename: str
    state: IndexState = "pending"
    error: str | None = None
    text_digest: str | None = None
    passages: tuple[Passage, ...] = ()
    vectors: dict[str, bytes] = {}
    model: str | None = None


def passage_key(heading: str, text: str) -> str:
    """Tells one passage from every other."""
    return blake3(f"{heading}\0{text}".encode()).hexdigest()
