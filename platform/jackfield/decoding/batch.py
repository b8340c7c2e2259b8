"""One step's batch: rows for the engine, and which row each sequence draws from."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.engine import TokenBatch
from jackfield.decoding.scheduler import Share

Draws = list[tuple[Share, list[int]]]
"""Who draws, and from which rows: one, or as many more as there are drafted tokens to verify."""


def batch_of(shares: Sequence[Share]) -> tuple[TokenBatch, Draws]:
    """Rows for all shares, which have one adapter; logits wanted only where a token will be drawn."""
    batch = TokenBatch(adapter=next((share.sequence.family for share in shares), "") or None)
    draws: Draws = []
    for share in shares:
        sequence = share.sequence
        slot = sequence.slot
        if slot is None:
            continue
        tokens = sequence.tokens[sequence.evaluated : sequence.evaluated + share.rows]
        first_flagged = len(tokens) - 1 if share.draws else share.width
        flagged = []
        for offset, token in enumerate((*tokens, *share.draft)):
            wanted = offset >= first_flagged
            row = batch.add(token, position=sequence.evaluated + offset, sequence=slot, logits=wanted)
            if wanted:
                flagged.append(row)
        if flagged:
            draws.append((share, flagged))
    return batch, draws
