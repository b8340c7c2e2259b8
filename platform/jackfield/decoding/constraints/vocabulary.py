"""What a constraint is compiled against."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class MatchedVocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens that a model writes with, `piece` as the engine's; it must never write those that are `suppressed`."""

    size: int
    piece: Callable[[int], bytes]
    end_tokens: frozenset[int]
    suppressed: frozenset[int] = frozenset()
