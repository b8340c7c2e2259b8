"""How full a model's KV cache is, and what it spares."""

from __future__ import annotations

import msgspec


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """KV cells that hold something, of all; and the part of all prompt tokens so far that was in them already."""

    used_cells: int
    cells: int
    hit_rate: float
