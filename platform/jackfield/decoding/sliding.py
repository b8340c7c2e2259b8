"""Overflow policy `slide`: where the context ends, old tokens make room (StreamingLLM, arXiv 2309.17453)."""

from __future__ import annotations

from jackfield.contracts.engine import TokenEngine
from jackfield.decoding.kv_cache import KVCache
from jackfield.decoding.request import DecodeRequest
from jackfield.decoding.sequence import DecodingSequence

SINKS = 4
"""First tokens that stay: attention rests on them whatever they say."""

DISCARDED_PART = 8
"""Of the context, one part in this many goes at once, since moving what stays costs a pass over it."""


def slide(sequence: DecodingSequence, engine: TokenEngine, cache: KVCache) -> bool:
    """Drop a running sequence's oldest tokens but the sinks, if what is pending has no room; whether it did.

    Raises InvalidRequest where the model cannot slide.
    """
    context_length = engine.limits.context_length
    lacking = len(sequence.tokens) - context_length
    if sequence.slot is None or lacking <= 0:
        return False
    discard = _discarded(lacking, sequence.evaluated, context_length)
    if discard < 1:
        return False
    # Where a prefix is shared, the sequence is copied into cells of its own before it moves.
    cache.make_room(sequence.evaluated)
    engine.slide(sequence.slot, SINKS, discard)
    cache.slid(sequence.slot, discard)
    del sequence.tokens[SINKS : SINKS + discard]
    sequence.evaluated -= discard
    return True


def left_of(request: DecodeRequest, context_length: int) -> list[int]:
    """The prompt and what was written before, as much of it as slides had left when the last of it was written."""
    tokens = [*request.prompt]
    for token in request.written:
        if request.slides and len(tokens) > context_length:
            discard = _discarded(len(tokens) - context_length, len(tokens) - 1, context_length)
            del tokens[SINKS : SINKS + max(discard, 0)]
        tokens.append(token)
    return tokens


def _discarded(lacking: int, evaluated: int, context_length: int) -> int:
    return min(max(lacking, context_length // DISCARDED_PART), evaluated - SINKS)
