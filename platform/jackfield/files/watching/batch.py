"""What one round of keeping in step did."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

Side = Literal["collection", "folder"]
Done = Literal["added", "changed", "renamed", "deleted", "kept_both", "left"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to one file, on which side; `left` is one that nothing could be done with, `detail` says why.

    `to` is its new path, or where the other text is kept that it had.
    """

    done: Done
    side: Side
    path: str
    to: str = ""
    version: int | None = None
    detail: str = ""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a round, which are one step in the collection; `waiting` are files that are still written.

    `ignored` counts by reason what is never kept in step.
    """

    change: str
    changes: tuple[Change, ...]
    waiting: tuple[str, ...]
    ignored: dict[str, int]
    files: int
    seconds: float

    @property
    def left(self) -> int:
        """How many files nothing could be done with."""
        return sum(change.done == "left" for change in self.changes)

    @property
    def counts(self) -> Counter[tuple[Side, Done]]:
        return Counter((change.side, change.done) for change in self.changes)
