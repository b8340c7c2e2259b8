"""Makes indexes of vectors; FAISS is loaded with the first, for most commands look for nothing by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jackfield_storage.vectors.faiss_index import FaissIndex


class FaissIndexes:
    """Implements `jackfield.contracts.files.VectorIndexFactory`."""

    def open(self, dimensions: int) -> FaissIndex:
        from jackfield_storage.vectors.faiss_index import FaissIndex

        return FaissIndex(dimensions)
