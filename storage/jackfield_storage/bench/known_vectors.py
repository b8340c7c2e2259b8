"""Vectors of passages that were made once, kept in a file of the bench so that another run need not make them again.

Questions are never looked up here: each is embedded when it is asked.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], Awaitable["NDArray[np.float32]"]]

AT_ONCE = 256
"""Texts that are embedded in one call when many are made beforehand."""
ASKED_AT_ONCE = 500


class VectorShelf:
    """Vectors by the digest of their text, of one model, in a SQLite file."""

    def __init__(self, path: Path, model: str) -> None:
        self._model = model
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = wal")
        self._database.execute("CREATE TABLE IF NOT EXISTS vectors (digest BLOB PRIMARY KEY, vector BLOB NOT NULL)")

    def known(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those texts that are here."""
        import numpy as np

        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(texts), ASKED_AT_ONCE):
            by_digest = {self._digest(text): text for text in texts[start : start + ASKED_AT_ONCE]}
            marks = ",".join("?" * len(by_digest))
            asked = f"SELECT digest, vector FROM vectors WHERE digest IN ({marks})"  # noqa: S608 - marks only
            rows = self._database.execute(asked, list(by_digest))
            found |= {by_digest[digest]: np.frombuffer(vector, dtype=np.float32) for digest, vector in rows}
        return found

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep vectors, (n, dimensions)."""
        rows = [(self._digest(text), vector.tobytes()) for text, vector in zip(texts, vectors, strict=True)]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(f"{self._model}\0{text}".encode(), digest_size=16).digest()


class ShelvedEmbedder:
    """Implements `jackfield.contracts.files.Embedder`; while `asking` is set, nothing comes from the shelf."""

    def __init__(self, model: str, embed: Embed, shelf: VectorShelf) -> None:
        self.asking = False
        self.made = 0
        self.made_characters = 0
        self.seconds = 0.0
        self._model = model
        self._embed = embed
        self._shelf = shelf

    async def key(self) -> str | None:
        return self._model

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if self.asking:
            return await self._embed(texts)
        known = self._shelf.known(texts)
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            known |= dict(zip(missing, await self._made(missing), strict=True))
        return np.stack([known[text] for text in texts])

    async def make(self, texts: Sequence[str], progress: Callable[[int, int], None]) -> None:
        """See that each text has its vector, short ones beside short ones."""
        known = self._shelf.known(texts)
        missing = sorted({text for text in texts if text not in known}, key=len)
        for start in range(0, len(missing), AT_ONCE):
            await self._made(missing[start : start + AT_ONCE])
            progress(min(start + AT_ONCE, len(missing)), len(missing))

    async def _made(self, texts: Sequence[str]) -> NDArray[np.float32]:
        began = time.perf_counter()
        vectors = await self._embed(texts)
        self.seconds += time.perf_counter() - began
        self.made += len(texts)
        self.made_characters += sum(map(len, texts))
        self._shelf.put(texts, vectors)
        return vectors
