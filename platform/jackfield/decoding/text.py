"""From token bytes to text that is safe to show: whole characters, and nothing that a stop string may still claim."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Collects the bytes of one answer and gives its text as soon as it is certain."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(stop)
        self._held = ""
        self.stop_found: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether a stop string is complete."""
        return self.stop_found is not None

    @property
    def is_whole(self) -> bool:
        """Whether no character is half there and nothing is held back for a stop string."""
        return not self._held and not self._decoder.getstate()[0]

    def feed(self, piece: bytes) -> str:
        """Text that this piece made certain; sets `stop_found` once a stop string is complete."""
        return self._certain(self._decoder.decode(piece))

    def finish(self) -> str:
        """What was held back when the answer ended; a broken character becomes U+FFFD."""
        text = self._certain(self._decoder.decode(b"", final=True))
        if self.stopped:
            return text
        text, self._held = text + self._held, ""
        return text

    def _certain(self, text: str) -> str:
        if self.stopped:
            return ""
        if not self._stop:
            return text
        text = self._held + text
        found = [(place, stop) for stop in self._stop if (place := text.find(stop)) >= 0]
        if found:
            place, self.stop_found = min(found)
            self._held = ""
            return text[:place]
        keep = max(_overlap(text, stop) for stop in self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many of the last characters could be the beginning of a stop string."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
