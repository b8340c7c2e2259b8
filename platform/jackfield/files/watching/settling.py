"""Telling files that are still being written from those that are done."""

from __future__ import annotations

import time
from collections.abc import Callable

from jackfield.files.watching.scan import Seen


class Settling:
    """A file is done when it has not changed for `quiet` seconds.

    Where its time lies in the future, as on disks of machines whose clock is wrong, two looks decide.
    """

    def __init__(self, quiet: float, clock: Callable[[], float] = time.time) -> None:
        self.quiet = quiet
        self._clock = clock
        self._looks: dict[str, tuple[Seen, float]] = {}

    def is_settled(self, path: str, seen: Seen) -> bool:
        """Whether a file may be read now; to be asked again after `quiet` seconds where not."""
        now = self._clock()
        if now - seen.modified_ns / 1e9 >= self.quiet:
            self._looks.pop(path, None)
            return True
        before, since = self._looks.get(path, (None, now))
        if before != seen:
            self._looks[path] = (seen, now)
            return self.quiet <= 0
        return now - since >= self.quiet
