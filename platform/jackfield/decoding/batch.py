"""One step's batch: rows for the engine, and which row each sequence draws from."""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.contracts.engine import TokenBatch
from jackfield.decoding.scheduler import Share
from jackfield.decoding.sequence import DecodingSequence

Draws = list[tuple[DecodingSequence, int]]


def batch_of(shares: Iterable[Share]) -> tuple[TokenBatch, Draws]:
    """Rows for all shares, logits wanted only where a token will be drawn."""
    batch = TokenBatch()
    draws: Draws = []
    for share in shares:
        sequence = share.sequence
        slot = sequence.slot
        if slot is None:
            continue
        row = -1
        for offset in range(share.rows):
            position = sequence.evaluated + offset
            last = share.draws and offset == share.rows - 1
            row = batch.add(sequence.tokens[position], position=position, sequence=slot, logits=last)
        if share.draws:
            draws.append((sequence, row))
    return batch, draws
