"""What a file store works with, in its plainest form: bytes in memory, text as it is, exact vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jackfield.contracts.files import Embedder, Extracted, FileStoreParts, VectorIndex
from jackfield.contracts.uploads import BlobStore
from jackfield.errors import FileUnreadable
from jackfield.testing.memory_blobs import InMemoryBlobs
from jackfield.testing.word_embedder import WordEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNREADABLE = b"%locked"
"""How a file begins that the extractor of slow files cannot read."""


class PlainExtractor:
    """Implements `jackfield.contracts.files.Extractor` for `.txt` and `.md`."""

    name = "plain"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        """By its name only."""
        return filename.endswith((".txt", ".md"))

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        """The bytes themselves."""
        return Extracted(text=data.decode(errors="replace"), kind="text", own=True)


class ShoutingExtractor:
    """As for documents: not quick, and its text is not the file's own bytes, but those of `.doc` in capitals."""

    name = "shouting"
    version = 1
    quick = False

    def claims(self, filename: str, head: bytes) -> bool:
        """By its name only."""
        return filename.endswith(".doc")

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        """Raises FileUnreadable for what begins with `%locked`."""
        if data.startswith(UNREADABLE):
            raise FileUnreadable("The document is encrypted; save it without a password.")
        return Extracted(text=data.decode(errors="replace").upper(), kind="text")


class ExactVectors:
    """Implements `jackfield.contracts.files.VectorIndex`."""

    def __init__(self) -> None:
        self._vectors: dict[int, NDArray[np.float32]] = {}

    def add(self, identifiers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Replaces those that are there."""
        self._vectors.update(zip(identifiers, vectors, strict=True))

    def remove(self, identifiers: Sequence[int]) -> None:
        """Those that are not there are passed over."""
        for identifier in identifiers:
            self._vectors.pop(identifier, None)

    def search(
        self, vector: NDArray[np.float32], limit: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """By comparing with each."""
        looked_at = self._vectors.keys() if among is None else self._vectors.keys() & set(among)
        scored = [(identifier, float(self._vectors[identifier] @ vector)) for identifier in looked_at]
        return sorted(scored, key=lambda pair: -pair[1])[:limit]

    def __len__(self) -> int:
        return len(self._vectors)


class ExactVectorIndexes:
    """Implements `jackfield.contracts.files.VectorIndexFactory`."""

    def open(self, dimensions: int) -> VectorIndex:
        """An empty one."""
        return ExactVectors()


def plain_parts(
    *,
    blobs: BlobStore | None = None,
    embedder: Embedder | None = None,
    largest: int = 1 << 30,
    largest_indexed: int = 1 << 20,
) -> FileStoreParts:
    """Parts of which some may be given."""
    return FileStoreParts(
        blobs=blobs or InMemoryBlobs(),
        embedder=embedder or WordEmbedder(),
        extractors=[PlainExtractor(), ShoutingExtractor()],
        vector_indexes=ExactVectorIndexes(),
        largest=largest,
        largest_indexed=largest_indexed,
    )
