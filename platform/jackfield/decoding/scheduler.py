"""Who is evaluated next: admission by slots and KV cells, and one step's share of the token budget.

Decodes go first, one row each; prefills share what is left in the order they came. A sequence is admitted when
its prompt and a little room to write fit; should the cells run out all the same, the youngest gives its place
back and is evaluated again later (recomputation, as in vLLM), so that no room is kept for answers of unknown length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from jackfield.contracts.engine import EngineLimits
from jackfield.decoding.sequence import DecodingSequence

WRITING_ROOM = 32
"""Cells kept free for a sequence's first tokens at admission."""

PREFILL_SHARE_BESIDE_DECODES = 4
"""While others decode, prefill takes one part in this many of a batch, so that no stream pauses for long."""


class Share(msgspec.Struct, frozen=True):
    """How many of a sequence's pending tokens this step evaluates."""

    sequence: DecodingSequence
    rows: int

    @property
    def draws(self) -> bool:
        """Whether the last row is the sequence's newest token, from which the next is drawn."""
        return self.rows == self.sequence.pending


class Scheduler:
    """Holds the waiting and the running; decides, and evaluates nothing."""

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        # More sequences than rows in a batch could not all go on in one step.
        self._free_slots = list(reversed(range(min(limits.sequences, limits.batch_tokens))))
        self.waiting: deque[DecodingSequence] = deque()
        self.running: list[DecodingSequence] = []

    @property
    def num_free_cells(self) -> int:
        """KV cells that no running sequence uses."""
        return self._limits.cells - sum(sequence.evaluated for sequence in self.running)

    def enqueue(self, sequence: DecodingSequence) -> None:
        """Let a sequence wait behind those that came before."""
        self.waiting.append(sequence)

    def admit(self) -> list[DecodingSequence]:
        """Move from waiting to running, in order, whoever has room; the newly admitted."""
        admitted = []
        promised = sum(sequence.pending for sequence in self.running)
        while self.waiting and self._free_slots:
            needed = self._cells_to_begin(self.waiting[0])
            if self.running and self.num_free_cells - promised < needed:
                break
            sequence = self.waiting.popleft()
            sequence.slot = self._free_slots.pop()
            self.running.append(sequence)
            admitted.append(sequence)
            promised += needed
        return admitted

    def plan(self) -> list[Share]:
        """One step's shares, within the batch; decodes first, then prefills in the order of admission."""
        decoding = [sequence for sequence in self.running if not sequence.prefilling]
        shares = [Share(sequence, 1) for sequence in decoding]
        budget = self._limits.batch_tokens - len(shares)
        if decoding:
            budget = min(budget, max(1, self._limits.batch_tokens // PREFILL_SHARE_BESIDE_DECODES))
        for sequence in self.running:
            if sequence.prefilling and budget > 0:
                rows = min(sequence.pending, budget)
                shares.append(Share(sequence, rows))
                budget -= rows
        return shares

    def lacking_cells(self, shares: Iterable[Share]) -> bool:
        """Whether the shares of running sequences need more KV cells than are free."""
        return sum(share.rows for share in shares if share.sequence.slot is not None) > self.num_free_cells

    def release(self, sequence: DecodingSequence) -> int | None:
        """Take a sequence out, wherever it is; the slot it held, which the caller must empty."""
        slot, sequence.slot = sequence.slot, None
        if slot is None:
            self.waiting.remove(sequence)
            return None
        self.running.remove(sequence)
        self._free_slots.append(slot)
        return slot

    def preempt_youngest(self) -> int | None:
        """Send the youngest running sequence back to wait, first in line; the slot to empty. None for the last one."""
        if len(self.running) < 2:
            return None
        youngest = self.running[-1]
        slot = self.release(youngest)
        youngest.evaluated = 0
        self.waiting.appendleft(youngest)
        return slot

    def _cells_to_begin(self, sequence: DecodingSequence) -> int:
        room = min(WRITING_ROOM, sequence.request.max_tokens - sequence.written)
        return min(len(sequence.tokens) + room, self._limits.cells)
