"""Where a long prompt is evaluated, so that it does not scan the cells of all other sequences.

In a context whose sequences share one pool of cells, attention reads every used cell for every row. Here the prompt is
alone, with a copy of what the pool has of it; once it is read, its new cells are copied into the pool, which takes
milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.engine import TokenBatch
from jackfield_engines.llama_cpp.native import Adapter
from jackfield_engines.llama_cpp.native_context import Context

Logits = dict[int, NDArray[np.float32]]
"""The logits of a batch's flagged rows, (n_vocab,) each."""

ONLY = 0
FEWEST_ROWS = 8
"""A prompt of fewer rows is evaluated in the pool, together with everybody's."""


class PrefillContext:
    """One guest at a time: a sequence of the pool that lives here until it is brought home."""

    def __init__(self, context: Context, cells: int) -> None:
        self._context = context
        self._cells = cells
        self._at_home = 0
        self.guest: int | None = None

    def takes(self, positions: Sequence[int], *, ends: bool) -> bool:
        """Whether rows at these positions are worth a pass of their own, and fit; many, or a piece of more to come."""
        return (not ends or len(positions) >= FEWEST_ROWS) and positions[-1] < self._cells

    def invite(self, sequence: int, pool: Context) -> None:
        """Take a sequence of the pool in, its cells there copied; on EngineFailure it is not the guest."""
        self.bring_home(pool)
        self._at_home = pool.last_position(sequence) + 1
        if self._at_home:
            pool.settle()
            self._context.set_state(ONLY, pool.state(sequence))
        self.guest = sequence

    def evaluate(self, batch: TokenBatch, rows: Sequence[int]) -> Logits:
        """One forward pass over the guest's rows of a batch; raises EngineFailure, and then it is as it was."""
        flagged = [row for row in rows if batch.wants_logits[row]]
        self._context.decode(
            [batch.tokens[row] for row in rows],
            [batch.positions[row] for row in rows],
            [ONLY] * len(rows),
            [batch.wants_logits[row] for row in rows],
        )
        # A later pass for the next guest would overwrite them.
        return dict(zip(flagged, self._context.outputs(len(flagged)).copy(), strict=True))

    def adapt(self, adapter: Adapter | None) -> None:
        """Let the passes from here on go through an adapter, or none."""
        self._context.adapt(adapter)

    def last_position(self) -> int:
        """Of the guest's last token, -1 where there is none."""
        return self._context.last_position(ONLY)

    def truncate(self, length: int, pool: Context) -> bool:
        """Keep the guest's first tokens; False where the model cannot."""
        if not self._context.remove(ONLY, length):
            return False
        if self.guest is not None and length < self._at_home:
            pool.remove(self.guest, length)
            self._at_home = length
        return True

    def bring_home(self, pool: Context) -> None:
        """Copy what is new of the guest into the pool; on CellsExhausted and EngineFailure it is still here."""
        if self.guest is None:
            return
        new = range(self._at_home, self.last_position() + 1)
        if new:
            self._context.share(ONLY, self._context.scratch, new.stop, start=new.start)
            try:
                pool.set_state(pool.scratch, self._context.state(self._context.scratch))
            finally:
                self._context.remove(self._context.scratch, 0)
            pool.share(pool.scratch, self.guest, new.stop, start=new.start)
            pool.remove(pool.scratch, 0)
        self._context.remove(ONLY, 0)
        self.guest = None

    def close(self) -> None:
        """Free the context."""
        self._context.close()
