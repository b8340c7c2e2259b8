"""Nearest neighbours by FAISS: every vector looked at while there are few, the likeliest lists of them beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = 30_000
"""Vectors beyond which they are kept in lists: looking at each of 384 dimensions takes 2 ms by then."""
GROWTH = 4
"""Times as many vectors as the lists were made for, after which they are made anew."""
TRAINING_POINTS = 64
"""Vectors per list that the lists' centres are found from."""
PROBED = 8
"""One in so many lists is searched, which found 998 in 1,000 of the ten nearest."""


class FaissIndex:
    """Implements `jackfield.contracts.files.VectorIndex`, in 16-bit floats, which is what the database keeps.

    HNSW was measured, too: several times faster than lists, but eight times as long to build, and it cannot remove.
    """

    def __init__(self, dimensions: int, *, large: int = LARGE, probed: int = PROBED) -> None:
        self._dimensions = dimensions
        self._probed = probed
        self._held: set[int] = set()
        self._made_for = large
        self._index: Any = _flat(dimensions)
        self._in_lists = False

    def add(self, identifiers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        given = dict(zip(identifiers, range(len(identifiers)), strict=True))  # the last of several under one number
        if not given:
            return
        _one_thread()
        self.remove(given.keys() & self._held)
        ids = np.fromiter(given, dtype=np.int64, count=len(given))
        self._index.add_with_ids(np.ascontiguousarray(vectors[list(given.values())], dtype=np.float32), ids)
        self._held |= given.keys()
        if len(self._held) > self._made_for:
            self._make_lists()

    def remove(self, identifiers: Sequence[int] | set[int]) -> None:
        there = self._held.intersection(identifiers)
        if there:
            _one_thread()
            ids = np.fromiter(there, dtype=np.int64, count=len(there))
            self._index.remove_ids(faiss.IDSelectorArray(len(ids), faiss.swig_ptr(ids)) if self._in_lists else ids)
            self._held -= there

    def search(
        self, vector: NDArray[np.float32], limit: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        _one_thread()
        wanted = min(limit, len(self._held) if among is None else len(among))
        if wanted <= 0:
            return []
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        similarities, identifiers = self._index.search(query, wanted, params=self._only(among))
        found = zip(identifiers[0].tolist(), similarities[0].tolist(), strict=True)
        return [(identifier, similarity) for identifier, similarity in found if identifier >= 0]

    def __len__(self) -> int:
        return len(self._held)

    def _only(self, among: Sequence[int] | None) -> Any:
        """What restricts a search; lists are then searched all."""
        if among is None:
            return None
        selector = faiss.IDSelectorBatch(np.asarray(among, dtype=np.int64))
        if self._in_lists:
            return faiss.SearchParametersIVF(sel=selector, nprobe=self._index.nlist)  # type: ignore[call-arg]
        return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]

    def _make_lists(self) -> None:
        """Part all vectors into as many lists as the root of their number, each around its centre."""
        ids = np.fromiter(self._held, dtype=np.int64, count=len(self._held))
        vectors = self._index.reconstruct_batch(ids)
        number = int(len(ids) ** 0.5)
        lists = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(self._dimensions),
            self._dimensions,
            number,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,  # the vectors themselves, not what parts them from their centre
        )
        lists.cp.max_points_per_centroid = TRAINING_POINTS
        lists.cp.min_points_per_centroid = 1
        lists.nprobe = max(number // self._probed, 1)
        lists.train(vectors)
        lists.set_direct_map_type(faiss.DirectMap.Hashtable)  # type: ignore[attr-defined]
        self._index, self._in_lists = lists, True
        self._made_for = GROWTH * len(ids)
        lists.add_with_ids(vectors, ids)


def _flat(dimensions: int) -> Any:
    return faiss.IndexIDMap2(
        faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    )


def _one_thread() -> None:
    """Searches of several collections, and the models beside them, are not to fight for the same cores."""
    faiss.omp_set_num_threads(1)
