"""The scheduler driven step by step over a scripted engine, and unlike clients that keep it busy.

Nothing is drawn, sent or timed, so that thousands of steps take a second and every run of a seed is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from random import Random

import msgspec

from jackfield.contracts.engine import EngineLimits, TokenBatch
from jackfield.contracts.runs import Priority
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.kv_cache import KVCache
from jackfield.decoding.request import DecodeRequest
from jackfield.decoding.saved_prefixes import SavedPrefixes
from jackfield.decoding.scheduler import Scheduler
from jackfield.decoding.sequence import DecodingSequence
from jackfield.testing.scripted_engine import ScriptedEngine, endless

GREEDY = Sampling(temperature=0)
RUNNING = 4
PURE = 1 << 40
"""A quantum that nobody uses up: whoever has the longest cached prefix always goes first, however long others wait."""
OWN, WRITTEN = 40, 16
"""Tokens of a client's prompt after its prefix, and tokens of its answer."""


class ClientLoad(msgspec.Struct, frozen=True):
    """How long a client's common prefix is, and how many of its requests wait at any time."""

    prefix: int
    depth: int


Loads = Mapping[str, ClientLoad]
SKEWED: Mapping[str, Loads] = {
    "skewed": {"a": ClientLoad(200, 6), "b": ClientLoad(200, 2), "c": ClientLoad(120, 4), "d": ClientLoad(60, 3)},
    "one-has-none": {"a": ClientLoad(200, 6), "b": ClientLoad(200, 2), "c": ClientLoad(40, 4), "d": ClientLoad(0, 3)},
}
"""Clients by workload; in the second one client's requests have nothing in common."""


class SteppedScheduler:
    """A scheduler, its cache and its engine. Tokens served are counted by client, prompt tokens with their hits."""

    def __init__(self, *, quantum: int, running: int = RUNNING, cells: int = 4096, sequences: int = 32) -> None:
        limits = EngineLimits(context_length=1024, cells=cells, sequences=sequences, batch_tokens=256, running=running)
        self.engine = ScriptedEngine(endless, limits=limits)
        self.cache = KVCache(self.engine, SavedPrefixes())
        self.scheduler = Scheduler(limits, self.cache, quantum=quantum)
        self._pure = quantum == PURE
        self.served: dict[str, int] = {}
        self.hits = self.asked = 0
        self.admitted: list[int] = []
        self._number = 0

    @property
    def hit_rate(self) -> float:
        """The part of the admitted prompt tokens that was cached."""
        return self.hits / self.asked

    def submit(self, prompt: bytes, max_tokens: int, client: str = "", priority: Priority = "normal") -> int:
        """Let a request wait; gives the number that `admitted` will have."""
        request = DecodeRequest(
            prompt=tuple(prompt), sampling=GREEDY, max_tokens=max_tokens, client=client, priority=priority
        )
        self._number += 1
        # Nobody reads what it writes, so it has no handle.
        self.scheduler.enqueue(DecodingSequence(None, request, self._number))  # type: ignore[arg-type]
        return self._number

    def step(self) -> None:
        """Admit, make room, evaluate; each sequence that has nothing pending writes one token."""
        scheduler = self.scheduler
        if self._pure:
            for sequence in scheduler.waiting:
                sequence.overtaken = 0
        for sequence in scheduler.candidates():
            scheduler.admit(sequence)
            self.admitted.append(sequence.number)
            self.asked += len(sequence.request.prompt)
            self.hits += sequence.usage.cached_tokens
            self._serve(sequence, sequence.pending)
        shares = scheduler.plan()
        while scheduler.lacking_cells(shares) and scheduler.preempt():
            continue
        for share in shares:
            if share.sequence.slot is not None:
                self._evaluate(share.sequence, share.sequence.slot, share.rows)

    def _evaluate(self, sequence: DecodingSequence, slot: int, rows: int) -> None:
        start = sequence.evaluated
        tokens = sequence.tokens[start : start + rows]
        batch = TokenBatch()
        for position, token in enumerate(tokens, start):
            batch.add(token, position=position, sequence=slot, logits=False)
        self.engine.evaluate(batch)
        self.cache.grew(slot, tokens)
        sequence.evaluated += rows
        if sequence.pending:
            return
        sequence.tokens.append(sequence.number % 200)
        sequence.written += 1
        self.scheduler.written(sequence, 1)
        self._serve(sequence, 1)
        if sequence.written >= sequence.request.max_tokens:
            self.scheduler.release(sequence)

    def _serve(self, sequence: DecodingSequence, tokens: int) -> None:
        client = sequence.request.client
        self.served[client] = self.served.get(client, 0) + tokens


class Service(msgspec.Struct, frozen=True):
    """How clients that always had requests waiting were served: prompt tokens that were cached, of all; and by how
    many tokens two of them were apart in any stretch of time."""

    hit_rate: float
    gap: int


def service(loads: Loads, *, quantum: int, seed: int, steps: int) -> Service:
    """What clients have of so many steps."""
    stepped = SteppedScheduler(quantum=quantum)
    extremes = {pair: [0, 0] for pair in combinations(loads, 2)}
    for _ in _kept_busy(stepped, loads, Random(seed), steps):  # noqa: S311 - the same for a seed
        for (one, other), (lowest, highest) in extremes.items():
            ahead = stepped.served.get(one, 0) - stepped.served.get(other, 0)
            extremes[one, other] = [min(lowest, ahead), max(highest, ahead)]
    return Service(stepped.hit_rate, max(highest - lowest for lowest, highest in extremes.values()))


def gap_bound(loads: Loads, quantum: int) -> int:
    """The bound on the gap, 2 (U + Q): U is what one client's running requests can cost."""
    dearest = max(load.prefix for load in loads.values()) + OWN + WRITTEN
    return 2 * (RUNNING * dearest + quantum)


def even_hit_rate(loads: Loads) -> float:
    """The hit rate of perfectly even service with every prefix cached, which a fair scheduler cannot exceed for long.

    Every request costs the same then, so that clients have equally many, those with short prefixes too.
    """
    prefixes = sum(load.prefix for load in loads.values())
    return prefixes / (prefixes + OWN * len(loads))


def _kept_busy(stepped: SteppedScheduler, loads: Loads, random: Random, steps: int) -> Iterator[None]:
    for _ in range(steps):
        for client, load in loads.items():
            waiting = sum(other.request.client == client for other in stepped.scheduler.waiting)
            for _ in range(load.depth - waiting):
                own = bytes(random.randrange(200) for _ in range(OWN))
                stepped.submit(client.encode() * load.prefix + own, WRITTEN, client)
        stepped.step()
        yield
