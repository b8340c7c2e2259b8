"""Where in an answer others may put tokens in, and where it waits for them."""

from __future__ import annotations

from collections.abc import Sequence

Block = tuple[str, str]
"""What opens and what closes a stretch that must not be torn."""


class SafePoints:
    """Follows one answer's text; its blocks do not nest."""

    def __init__(self, blocks: Sequence[Block], parks_at: Sequence[str]) -> None:
        self._blocks = tuple(blocks)
        self._parks_at = tuple(parks_at)
        self._markers = (*(opens for opens, _ in self._blocks), *self._parks_at)
        self._longest = max(map(len, (*parks_at, *(marker for block in blocks for marker in block))), default=0)
        self._closes: str | None = None
        self._tail = ""

    @property
    def here(self) -> bool:
        """Whether no block is open, and no marker perhaps half written."""
        return self._closes is None and not any(map(self._begins, self._markers))

    def feed(self, text: str) -> bool:
        """Read on; whether the answer is to wait here, since this text completed one it parks at."""
        parked = False
        for character in text if self._longest else "":
            self._tail = (self._tail + character)[-self._longest :]
            self._turn_at_marker()
            parked = parked or any(self._tail.endswith(marker) for marker in self._parks_at)
        return parked

    def forget(self) -> None:
        """What comes next follows something else than what was read."""
        self._tail = ""

    def _turn_at_marker(self) -> None:
        if self._closes is None:
            self._closes = next((closes for opens, closes in self._blocks if self._tail.endswith(opens)), None)
        elif self._tail.endswith(self._closes):
            self._closes = None

    def _begins(self, marker: str) -> bool:
        return any(self._tail.endswith(marker[:length]) for length in range(1, len(marker)))
