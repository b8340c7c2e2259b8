"""What both sides of a watched folder have in common: in memory, and soon after on record."""

from __future__ import annotations

from jackfield.contracts.files import CommonFile, Watches

FLUSH = 100
"""Files whose state is put down at once; what a killed process did not put down is found out again."""


class Ledger:
    """Advanced for a file only when both sides hold the same of it."""

    def __init__(self, watches: Watches, watch_id: str) -> None:
        self.files: dict[str, CommonFile] = {}
        self._watches = watches
        self._watch_id = watch_id
        self._unwritten: dict[str, CommonFile | None] = {}

    async def load(self) -> None:
        self.files = {file.path: file for file in await self._watches.files(self._watch_id)}

    async def put(self, file: CommonFile) -> None:
        self.files[file.path] = file
        await self._note(file.path, file)

    async def drop(self, path: str) -> None:
        if self.files.pop(path, None) is not None:
            await self._note(path, None)

    async def flush(self) -> None:
        """Put down what is not on record yet, in one transaction."""
        if self._unwritten:
            in_step = [file for file in self._unwritten.values() if file is not None]
            gone = [path for path, file in self._unwritten.items() if file is None]
            await self._watches.advance(self._watch_id, in_step, gone)
            self._unwritten.clear()

    async def _note(self, path: str, file: CommonFile | None) -> None:
        self._unwritten[path] = file
        if len(self._unwritten) >= FLUSH:
            await self.flush()
