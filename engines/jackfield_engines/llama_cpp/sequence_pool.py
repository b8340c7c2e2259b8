"""All sequences of an engine: most in one pool of cells, a prompt that is just being read apart from them."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.engine import TokenBatch
from jackfield.errors import JackfieldError
from jackfield_engines.llama_cpp.native import Adapter
from jackfield_engines.llama_cpp.native_context import Context
from jackfield_engines.llama_cpp.prefill_context import Logits, PrefillContext

WORTH_AVOIDING = 256
"""Cells of other sequences from which on a prompt is read apart from them."""

COPIED_CELL = 25
"""What copying a cell costs, in cells of others that one row reads in vain."""


class SequencePool:
    """Says where each sequence's cells are, and evaluates every row there."""

    def __init__(self, context: Context, prefill: PrefillContext | None, *, sequences: int) -> None:
        self._context = context
        self._prefill = prefill
        self._sequences = sequences
        self._borrowed: dict[int, int] = {}
        self._shared: dict[int, int] = {}

    def evaluate(self, batch: TokenBatch) -> Logits:
        """A forward pass over the pool's rows and one over each prompt that is read apart.

        Raises CellsExhausted or EngineFailure, and then every sequence is as it was.
        """
        logits: Logits = {}
        pooled: list[int] = []
        apart: dict[int, int] = {}
        try:
            for sequence, rows in _rows_by_sequence(batch).items():
                positions = [batch.positions[row] for row in rows]
                drawn = sum(batch.wants_logits[row] for row in rows)
                if (
                    drawn < 2
                    and self._prefill
                    and self._goes_apart(self._prefill, sequence, positions, ends=drawn == 1)
                ):
                    logits |= self._prefill.evaluate(batch, rows)
                    apart[sequence] = positions[0]
                else:
                    self.bring_home(sequence)
                    pooled += rows
            if pooled:
                logits |= self._evaluate_pooled(batch, sorted(pooled))
        except JackfieldError:
            for sequence, length in apart.items():
                self.truncate(sequence, length)
            raise
        return logits

    def adapt(self, adapter: Adapter | None) -> None:
        """Let the passes from here on go through an adapter, or none."""
        self._context.adapt(adapter)
        if self._prefill:
            self._prefill.adapt(adapter)

    def bring_home(self, sequence: int) -> Context:
        """The pool, with this sequence in it; raises CellsExhausted or EngineFailure where it could not be copied."""
        if self._prefill and self._prefill.guest == sequence:
            self._prefill.bring_home(self._context)
        return self._context

    def last_position(self, sequence: int) -> int:
        """The position of a sequence's last token, -1 when it is empty."""
        if self._prefill and self._prefill.guest == sequence:
            return self._prefill.last_position()
        return self._context.last_position(sequence)

    def share(self, source: int, target: int, length: int) -> None:
        """Put the first tokens of one sequence into another, empty one too."""
        self.bring_home(target)
        self.bring_home(source).share(source, target, length)
        self._borrowed[target] = length
        for sequence in (source, target):
            self._shared[sequence] = max(self._shared.get(sequence, 0), length)

    def truncate(self, sequence: int, length: int) -> bool:
        """Keep a sequence's first tokens; False where the model cannot, and nothing changed."""
        if self._prefill and self._prefill.guest == sequence:
            cut = self._prefill.truncate(length, self._context)
        else:
            cut = self._context.remove(sequence, length)
        if not cut:
            return False
        for lengths in (self._shared, self._borrowed):
            lengths[sequence] = min(lengths.get(sequence, 0), length)
        return True

    def slide(self, sequence: int, keep: int, discard: int) -> None:
        """Drop `discard` tokens after the first `keep` and move the rest down, in cells of its own where they move."""
        context = self.bring_home(sequence)
        moved = keep + discard
        if self._shared.get(sequence, 0) > moved:
            self._own(sequence)
        context.remove(sequence, keep, moved)
        context.shift(sequence, moved, -discard)
        for lengths in (self._shared, self._borrowed):
            lengths[sequence] = min(lengths.get(sequence, 0), keep)

    def close(self) -> None:
        """Free the contexts."""
        self._context.close()
        if self._prefill:
            self._prefill.close()

    def _own(self, sequence: int) -> None:
        """Give a sequence cells of its own: moving shared ones would move them under the others."""
        context = self._context
        context.settle()
        context.set_state(context.scratch, context.state(sequence))
        context.remove(sequence, 0)
        context.share(context.scratch, sequence, context.last_position(context.scratch) + 1)
        context.remove(context.scratch, 0)
        self._shared[sequence] = self._borrowed[sequence] = 0

    def _goes_apart(self, prefill: PrefillContext, sequence: int, positions: Sequence[int], *, ends: bool) -> bool:
        """Whether a sequence's rows are evaluated apart, where it may take the place of one that is read."""
        if not prefill.takes(positions, ends=ends):
            return False
        used = self._used_cells()
        if used + len(positions) > self._context.cells:
            return False
        if prefill.guest == sequence:
            return True
        held = positions[0]
        others = used - held
        if others < WORTH_AVOIDING or len(positions) * others < COPIED_CELL * held:
            return False
        prefill.invite(sequence, self._context)
        return True

    def _used_cells(self) -> int:
        """Cells in use, those of the guest as if it were home; a prefix whose owner is gone is not counted."""
        tokens = sum(self.last_position(sequence) + 1 for sequence in range(self._sequences))
        return tokens - sum(self._borrowed.values())

    def _evaluate_pooled(self, batch: TokenBatch, rows: Sequence[int]) -> Logits:
        context = self._context
        if len(rows) == len(batch):
            context.decode(batch.tokens, batch.positions, batch.sequences, batch.wants_logits)
        else:
            context.decode(
                [batch.tokens[row] for row in rows],
                [batch.positions[row] for row in rows],
                [batch.sequences[row] for row in rows],
                [batch.wants_logits[row] for row in rows],
            )
        flagged = [row for row in rows if batch.wants_logits[row]]
        return dict(zip(flagged, context.outputs(len(flagged)), strict=True))


def _rows_by_sequence(batch: TokenBatch) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = {}
    for row, sequence in enumerate(batch.sequences):
        rows.setdefault(sequence, []).append(row)
    return rows
