"""Models that were looked up a moment ago, so that not every request reads the store and looks at the disk."""

from __future__ import annotations

import time

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import ModelRecords

REMEMBERED = 1.0
"""Seconds after which what other processes changed is seen."""


class RecentModels:
    """Models whose files were in place, by the name that was asked for."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, InstalledModel]] = {}

    def get(self, name: str) -> InstalledModel | None:
        """What was put under a name lately."""
        seen = self._seen.get(name)
        return seen[1] if seen and time.monotonic() - seen[0] < REMEMBERED else None

    def put(self, name: str, model: InstalledModel) -> None:
        """Remember a model."""
        self._seen[name] = (time.monotonic(), model)

    def forget(self) -> None:
        """Remember none."""
        self._seen.clear()


class ForgettingRecords:
    """Model records that forget the recent ones with each change made here."""

    def __init__(self, records: ModelRecords, recent: RecentModels) -> None:
        self._records = records
        self._recent = recent
        self.get = records.get
        self.all = records.all

    async def put(self, model: InstalledModel) -> None:
        """Add a model, or replace the one of that name."""
        await self._records.put(model)
        self._recent.forget()

    async def remove(self, name: str) -> bool:
        """Whether there was one."""
        removed = await self._records.remove(name)
        self._recent.forget()
        return removed
