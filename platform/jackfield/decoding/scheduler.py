"""Who is evaluated next: admission by priority, fairness, cached prefixes and KV cells, and each step's shares.

Decodes go first, one row each; prefills share what the pace leaves them, in the order of admission. A sequence is
admitted when its prompt and a little room to write fit; should the cells run out all the same, the least urgent gives
its place back and is evaluated again later (recomputation, as in vLLM), so that no room is kept for answers of unknown
length. A step is for the sequences of one adapter, or for those without; they take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from jackfield.contracts.engine import EngineLimits
from jackfield.decoding.fairness import QUANTUM, Deficits
from jackfield.decoding.kv_cache import KVCache
from jackfield.decoding.pace import Pace
from jackfield.decoding.prefix_tree import common_length
from jackfield.decoding.sequence import DecodingSequence
from jackfield.decoding.turns import Turns

WRITING_ROOM = 32
"""Cells kept free for a sequence's first tokens at admission."""

WORTH_WAITING_FOR = 8
"""Tokens of a common prefix that a request lets another prefill first, so that it is done once."""

OVERTAKEN_TOO_OFTEN = 32
"""A request that so many later ones overtook goes before those with longer cached prefixes, in credit or not."""


class Share(msgspec.Struct, frozen=True):
    """How many of a sequence's pending tokens this step evaluates, and a draft to verify after the newest."""

    sequence: DecodingSequence
    rows: int
    draft: tuple[int, ...] = ()

    @property
    def draws(self) -> bool:
        """Whether the last pending row is the sequence's newest token, from which the next is drawn."""
        return self.rows == self.sequence.pending

    @property
    def width(self) -> int:
        """Rows in the batch."""
        return self.rows + len(self.draft)


class Scheduler:
    """Holds the waiting and the running; decides, and evaluates nothing."""

    def __init__(self, limits: EngineLimits, cache: KVCache, *, quantum: int = QUANTUM) -> None:
        self._limits = limits
        self._cache = cache
        self._deficits = Deficits(quantum)
        # More sequences than rows in a batch could not all go on in one step.
        self._most_running = min(limits.running or limits.sequences, limits.sequences, limits.batch_tokens)
        self._turns = Turns()
        self.pace = Pace()
        self.waiting: list[DecodingSequence] = []
        self.running: list[DecodingSequence] = []

    def enqueue(self, sequence: DecodingSequence) -> None:
        """Let a sequence wait."""
        self.waiting.append(sequence)

    def candidates(self) -> Iterator[DecodingSequence]:
        """Who may be admitted now, one after the other; each is to be admitted before the next is asked for."""
        order = self._ordered() if self._has_place() else []
        while order and self._has_place():
            sequence = self._first_in_credit(order)
            order.remove(sequence)
            if self._leader_of(sequence):
                continue
            if self.running and not self._fits(sequence):
                return
            yield sequence

    def admit(self, sequence: DecodingSequence) -> None:
        """Move a sequence from waiting to running, into a slot with what is cached of it; raises EngineFailure."""
        place = self._cache.place(sequence.tokens, sequence.family)
        self.waiting.remove(sequence)
        for other in self.waiting:
            other.overtaken += other.number < sequence.number
        self.running.append(sequence)
        self._deficits.charge(sequence.request.client, sequence.begin(place.slot, place.cached))

    def written(self, sequence: DecodingSequence, tokens: int) -> None:
        """Charge a sequence's client for tokens that were written."""
        self._deficits.charge(sequence.request.client, tokens)

    def unseat_parked(self) -> None:
        """Let parked sequences wait outside the batch where others need their place; what they hold stays cached."""
        for sequence in [sequence for sequence in self.running if sequence.parked]:
            first = next((other for other in self.waiting if not other.parked), None)
            if first is None or (self._has_place() and self._fits(first)):
                return
            self._unseat(sequence)

    def plan(self) -> list[Share]:
        """One step's shares, within the batch; decodes first, then short prefills, then others as admitted.

        Streams of other adapters wait while this step's prompts are read, so the pace counts them too.
        """
        active = [sequence for sequence in self.running if not sequence.parked]
        family = self._turns.next(sequence.family for sequence in active)
        decoding = [sequence for sequence in active if not sequence.prefilling]
        prefilling = sorted(
            (sequence for sequence in active if sequence.prefilling),
            key=lambda sequence: not sequence.reads_little,
        )
        shares = [Share(sequence, 1) for sequence in decoding if sequence.family == family]
        budget = self.pace.prefill_rows(
            decodes=len(decoding),
            prefills=len(prefilling),
            short_rows=sum(sequence.pending for sequence in prefilling if sequence.reads_little),
            batch_tokens=self._limits.batch_tokens,
            may_look=len(shares) == len(decoding),
        )
        for sequence in prefilling:
            if budget > 0 and sequence.family == family:
                rows = min(sequence.pending, budget, self._limits.context_length - sequence.evaluated)
                shares.append(Share(sequence, rows))
                budget -= rows
        return shares

    def lacking_cells(self, shares: Iterable[Share]) -> bool:
        """Whether the shares of running sequences need more KV cells than there are, idle sequences dropped."""
        return not self._cache.make_room(sum(share.width for share in shares if share.sequence.slot is not None))

    def release(self, sequence: DecodingSequence, *, broken: bool = False) -> None:
        """Take a sequence out, wherever it is; its slot keeps its prefix unless it broke."""
        slot, sequence.slot = sequence.slot, None
        if slot is None:
            self.waiting.remove(sequence)
        else:
            self.running.remove(sequence)
            if broken:
                self._cache.drop(slot)
            else:
                self._cache.keep(slot)
        self._deficits.expire({other.request.client for other in (*self.waiting, *self.running)})

    def urgent_waits(self) -> bool:
        """Whether a request waits for its place while a less urgent one runs."""
        ready = [sequence for sequence in self.waiting if not sequence.parked]
        if not ready or not self.running:
            return False
        sequence = min(ready, key=lambda other: other.rank)
        if sequence.rank >= max(other.rank for other in self.running):
            return False
        return not (self._has_place() and self._fits(sequence))

    def preempt(self) -> bool:
        """Send the least urgent, youngest running sequence back to wait; False where only one runs."""
        if len(self.running) < 2:
            return False
        self._unseat(max(reversed(self.running), key=lambda other: (other.parked, other.rank)))
        return True

    def _unseat(self, sequence: DecodingSequence) -> None:
        slot, sequence.slot = sequence.slot, None
        self.running.remove(sequence)
        if slot is not None:
            self._cache.keep(slot)
        self.waiting.append(sequence)

    def _has_place(self) -> bool:
        return len(self.running) < self._most_running and self._cache.has_place()

    def _ordered(self) -> list[DecodingSequence]:
        """The waiting by class; in it those overtaken too often, then by the longest cached prefix, then by arrival."""
        ready = [sequence for sequence in self.waiting if not sequence.parked]
        cached = {sequence: self._cache.match(sequence.tokens, sequence.family).length for sequence in ready}
        return sorted(
            ready,
            key=lambda sequence: (
                sequence.rank,
                sequence.overtaken < OVERTAKEN_TOO_OFTEN,
                -cached[sequence] if sequence.overtaken < OVERTAKEN_TOO_OFTEN else 0,
                sequence.number,
            ),
        )

    def _first_in_credit(self, order: list[DecodingSequence]) -> DecodingSequence:
        """The first of the most urgent class whose client is in credit; credit is given where none is."""
        urgent = [sequence for sequence in order if sequence.rank == order[0].rank]
        self._deficits.refill({sequence.request.client for sequence in urgent})
        return next(
            sequence
            for sequence in urgent
            if sequence.overtaken >= OVERTAKEN_TOO_OFTEN or self._deficits.in_credit(sequence.request.client)
        )

    def _leader_of(self, sequence: DecodingSequence) -> DecodingSequence | None:
        """A running sequence that is just prefilling what this one has in common with it, and more than is cached."""
        cached = -1
        for leader in self.running:
            if leader.parked or not leader.prefilling or leader.family != sequence.family:
                continue
            if leader not in sequence.common_with:
                sequence.common_with[leader] = common_length(leader.tokens, sequence.tokens)
            common = min(sequence.common_with[leader], len(sequence.tokens) - 1)
            if common - leader.evaluated <= 0:
                continue
            if cached < 0:
                cached = self._cache.match(sequence.tokens, sequence.family).length
            if common - cached >= WORTH_WAITING_FOR:
                return leader
        return None

    def _fits(self, sequence: DecodingSequence) -> bool:
        promised = sum(other.pending for other in self.running)
        room = min(WRITING_ROOM, sequence.request.max_tokens - sequence.written)
        locked = self._cache.match(sequence.tokens, sequence.family).locked
        needed = min(len(sequence.tokens) + room, self._limits.cells) - locked
        return self._cache.obtainable_cells - promised >= needed
