"""Vectors as the database keeps them: little-endian 16-bit floats, half the bytes for a thousandth of the cosine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def stored(vectors: NDArray[np.float32]) -> list[bytes]:
    """Each row's bytes."""
    return [row.tobytes() for row in vectors.astype("<f2")]


def loaded(rows: Sequence[bytes]) -> NDArray[np.float32]:
    """Rows of equal length as (n, dimensions); of none, (0, 0)."""
    import numpy as np

    if not rows:
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(rows), dtype="<f2").reshape(len(rows), -1).astype(np.float32)
