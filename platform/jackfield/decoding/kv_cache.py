"""Which of the engine's sequences holds which tokens: those that run, and those that are kept for their prefixes.

A sequence that ended stays in its slot until its cells or its slot are needed, the least lately used going first. It is
parked in memory then, and comes back when a request begins with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from jackfield.contracts.engine import TokenEngine
from jackfield.decoding.prefix_tree import Match, PrefixTree
from jackfield.decoding.saved_prefixes import SavedPrefixes
from jackfield.errors import CellsExhausted, EngineFailure

log = structlog.get_logger()

NO_TOKEN = -1

SHORTEST_KEPT = 16
"""A prefix of fewer tokens is evaluated again sooner than it is worth a slot."""

WORTH_SAVING = 64
"""Tokens from which on a prefix is parked in memory rather than evaluated again."""

WORTH_A_FILE = 256
"""Tokens from which on a prefix is saved on disk: one that requests share, or that is kept when a model is unloaded."""

SAVED_AT_LAST = 4
"""One part in this many of the room on disk is for what is kept when a model is unloaded."""

IDLE_FOR = 2.0
"""Seconds that an idle sequence stays however many there are; an agent's next turn comes sooner."""

FEW_CELLS = 512
"""Idle cells that slow nobody much."""


class Place(msgspec.Struct, frozen=True):
    """A slot for a sequence, whose first `cached` tokens are in it already."""

    slot: int
    cached: int


class KVCache:
    """The engine's slots and cells, kept in step with a tree of their tokens. Only the loop's thread uses it."""

    def __init__(
        self, engine: TokenEngine, saved: SavedPrefixes, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._saved = saved
        self._clock = clock
        self._limits = engine.limits
        self._tree = PrefixTree()
        self._free = list(reversed(range(engine.limits.sequences)))
        self._idle: dict[int, float] = {}
        self._slid: set[int] = set()
        self._lost: set[int] = set()
        self._vacated = 0
        self.evictions = 0
        self.restored_tokens = 0

    @property
    def used_cells(self) -> int:
        """KV cells that hold something, counted once however many share them."""
        return self._tree.cells

    @property
    def free_cells(self) -> int:
        """KV cells that hold nothing."""
        return self._limits.cells - self._tree.cells

    @property
    def obtainable_cells(self) -> int:
        """KV cells that are free or would be, were every idle sequence dropped."""
        return self._limits.cells - self._tree.locked_cells

    @property
    def idle_sequences(self) -> int:
        """Sequences that are kept for their prefixes alone."""
        return len(self._idle)

    def match(self, tokens: Sequence[int], family: str = "") -> Match:
        """The longest prefix that a family has evaluated already; the last token is always left to evaluate."""
        match = self._tree.match(tokens, family)
        most = len(tokens) - 1
        if match.length > most:
            match = Match(most, min(match.locked, most), match.holders)
        if self._limits.shares_parts or self._idle_with_exactly(match) is not None:
            return match
        return Match(0, 0, frozenset())

    def has_place(self) -> bool:
        """Whether a slot is free or can be freed."""
        return bool(self._free or self._idle)

    def place(self, tokens: Sequence[int], family: str = "") -> Place:
        """A slot with a family's longest cached prefix of some tokens; raises EngineFailure where the engine fails."""
        self._bring_back(tokens, family, beyond=self.match(tokens, family).length)
        match = self.match(tokens, family)
        slot = self._idle_with_exactly(match)
        if slot is not None:
            del self._idle[slot]
            self._tree.lock(slot)
            return Place(slot, match.length)
        source = self._source(match)
        slot = self._emptied(sparing=source)
        try:
            if slot == source:
                self._cut(slot, match.length)
                self._tree.lock(slot)
                return Place(slot, match.length)
            self._tree.add(slot, family=family, locked=True)
            if source is not None:
                self._engine.share_prefix(source, slot, match.length)
                self._tree.share(source, slot, match.length)
        except EngineFailure:
            self.drop(slot)
            raise
        if self._tree.match(tokens, family).length < len(tokens):
            self._save_branching(slot, tokens[: match.length], family)
        return Place(slot, match.length)

    def grew(self, slot: int, tokens: Sequence[int]) -> None:
        """Note what a slot's sequence was evaluated on."""
        self._tree.extend(slot, tokens)

    def take_back(self, slot: int) -> None:
        """Take back what a slot was evaluated on beyond what was noted; raises EngineFailure where the model cannot."""
        self._cut(slot, self._tree.length(slot))

    def slid(self, slot: int, discard: int) -> None:
        """Note that a slot dropped tokens from its midst: it has cells of its own now, and is nobody's prefix."""
        left = self._tree.length(slot) - discard
        self._tree.truncate(slot, 0)
        self._tree.extend(slot, [NO_TOKEN] * left)
        self._slid.add(slot)

    def keep(self, slot: int) -> None:
        """Let a sequence that ended stay for its prefix, unless others hold all of it but for a few tokens."""
        if self._tree.own_cells(slot) < SHORTEST_KEPT or slot in self._slid:
            self.drop(slot)
            return
        self._tree.unlock(slot)
        self._idle[slot] = self._clock()

    def drop(self, slot: int) -> None:
        """Empty a slot. One that the engine cannot empty is never used again, and its cells are given up."""
        self._idle.pop(slot, None)
        self._slid.discard(slot)
        try:
            emptied = self._engine.truncate(slot, 0)
        except EngineFailure:
            emptied = False
        if not emptied:
            log.error("a sequence could not be emptied and is given up", model=self._engine.model.name, slot=slot)
            self._tree.lock(slot)
            self._lost.add(slot)
            return
        self._tree.remove(slot)
        self._free.append(slot)

    def make_room(self, cells: int) -> bool:
        """Drop idle sequences, least lately used first, until so many cells are free; whether they are."""
        while self.free_cells < cells and self._idle:
            self._evict(next(iter(self._idle)))
        return self.free_cells >= cells

    def thin_out(self) -> set[int]:
        """Park an idle sequence that was not used for a while, where many slow the running ones.

        Attention reads every cell up to the last used one for every row, whoever's they are; so once enough are free
        again the running sequences move down. Gives the slots of those that were lost on the way, and must be evaluated
        again.
        """
        oldest = next(iter(self._idle), None)
        is_old = oldest is not None and self._clock() - self._idle[oldest] >= IDLE_FOR
        if oldest is not None and is_old and self._tree.cells - self._tree.locked_cells > self._bearable_cells:
            self._vacated += self._tree.own_cells(oldest)
            self._evict(oldest)
            return set()
        if self._vacated <= self._bearable_cells:
            return set()
        self._vacated = 0
        movable = [slot for slot in self._tree if self._is_movable(slot)]
        return {slot for slot in movable if not self._move_down(slot)}

    def save_kept(self) -> None:
        """Have what is kept for its prefix outlive the process, the latest first, in a part of the room on disk."""
        room = self._saved.disk_limit // SAVED_AT_LAST
        for slot in reversed(self._idle):
            tokens, family = self._tree.tokens(slot), self._tree.family(slot)
            if len(tokens) < WORTH_A_FILE or self._saved.covers(tokens, family):
                continue
            try:
                state = self._engine.save(slot)
            except EngineFailure as error:
                log.warning("a prefix could not be saved", model=self._engine.model.name, reason=error.message)
                continue
            room -= len(state)
            if room < 0:
                return
            self._saved.write(tokens, state, family)
        self._saved.write_parked(room, shortest=WORTH_A_FILE)

    @property
    def _bearable_cells(self) -> int:
        return max(self._tree.locked_cells, FEW_CELLS)

    def _is_movable(self, slot: int) -> bool:
        """Whether a running sequence has all its cells for itself; what is shared would be shared no longer."""
        length = self._tree.length(slot)
        return self._tree.is_locked(slot) and slot not in self._lost and 0 < length == self._tree.own_cells(slot)

    def _move_down(self, slot: int) -> bool:
        """Put a sequence into the first free cells; False where it was lost."""
        try:
            state = self._engine.save(slot)
        except EngineFailure as error:
            log.warning("a sequence could not be moved", model=self._engine.model.name, reason=error.message)
            return True
        try:
            if self._engine.truncate(slot, 0):
                self._engine.restore(slot, state)
        except EngineFailure as error:
            log.error("a sequence was lost when it moved", model=self._engine.model.name, reason=error.message)
            self._cut(slot, 0)
            return False
        return True

    def _idle_with_exactly(self, match: Match) -> int | None:
        """An idle slot that holds a match and nothing after it, which a new sequence can take over as it is."""
        for slot in match.holders:
            if slot in self._idle and self._tree.length(slot) == match.length:
                return slot
        return None

    def _source(self, match: Match) -> int | None:
        """Who gives a match: a running sequence sooner than an idle one, which would otherwise count as used."""
        running = [slot for slot in match.holders if slot not in self._idle]
        source = next(iter(running or match.holders), None)
        if source in self._idle:
            del self._idle[source]
            self._idle[source] = self._clock()
        return source

    def _emptied(self, *, sparing: int | None) -> int:
        """A free slot, or the least lately used idle one emptied; `sparing`, as it is, where no other is left."""
        if not self._free:
            others = (slot for slot in self._idle if slot != sparing)
            oldest = next(others, None)
            if oldest is None:
                if sparing is None or sparing not in self._idle:
                    raise EngineFailure("No sequence of the engine is free.")
                del self._idle[sparing]
                return sparing
            self._evict(oldest)
        if not self._free:
            return self._emptied(sparing=sparing)
        return self._free.pop()

    def _evict(self, slot: int) -> None:
        self.evictions += 1
        tokens = self._tree.tokens(slot)
        family = self._tree.family(slot)
        if self._tree.own_cells(slot) >= WORTH_SAVING and self._saved.longest(tokens, family)[0] < len(tokens):
            self._park(slot, tokens, family)
        self.drop(slot)

    def _park(self, slot: int, tokens: list[int], family: str) -> None:
        try:
            self._saved.park(tokens, self._engine.save(slot), family)
        except EngineFailure as error:
            log.warning("a sequence could not be parked", model=self._engine.model.name, reason=error.message)

    def _bring_back(self, tokens: Sequence[int], family: str, *, beyond: int) -> None:
        """Restore a saved prefix that has more of these tokens than the engine has."""
        length, key = self._saved.longest(tokens, family)
        if key is None or min(length, len(tokens) - 1) < beyond + WORTH_SAVING:
            return
        held = self._saved.tokens(key)
        if not (self._limits.shares_parts or length == len(held) < len(tokens)):
            return
        # Before there is room: what gives way is parked, and this one may have to be forgotten for it.
        state = self._saved.state(key)
        if state is None or not self.make_room(len(held)):
            return
        slot = self._emptied(sparing=None)
        self._tree.add(slot, family=family)
        try:
            self._engine.restore(slot, state)
        except EngineFailure as error:
            log.warning("a saved prefix could not be restored", model=self._engine.model.name, reason=error.message)
            if not isinstance(error, CellsExhausted) and self._saved.longest(tokens, family)[1] == key:
                self._saved.forget(key)
            self.drop(slot)
            return
        self._tree.extend(slot, held)
        if self._limits.shares_parts and length < len(held):
            self._cut(slot, length)
        self._idle[slot] = self._clock()
        self.restored_tokens += length

    def _save_branching(self, slot: int, tokens: Sequence[int], family: str) -> None:
        """Save a prefix on disk where a second request took another course after it: a system prompt, a document."""
        if len(tokens) >= WORTH_A_FILE and not self._saved.covers(tokens, family):
            try:
                self._saved.write(tokens, self._engine.save(slot), family)
            except EngineFailure as error:
                log.warning("a prefix could not be saved", model=self._engine.model.name, reason=error.message)

    def _cut(self, slot: int, length: int) -> None:
        if not self._engine.truncate(slot, length):
            raise EngineFailure(f"The model cannot take back the tokens after {length} of a sequence.")
        self._tree.truncate(slot, length)
