"""Which worker a run goes to: D²LPM, deficits per client and worker over the longest shared prefix.

A run goes to the worker that knows most of its prompt, as long as its client has not used up its share there; so a
client's work spreads over workers before one of them holds everybody up for its sake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from jackfield.contracts.workers import LiveWorker
from jackfield.jobs.fingerprints import STEP, shared_steps

QUANTUM = 4096
"""Tokens that a client may cost a worker before its next turn there; several prompts."""
CHARACTERS_PER_TOKEN = 4
MOST_CLIENTS = 10_000


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A live worker, and the beginnings of conversations that it knows."""

    worker: LiveWorker
    prefixes: frozenset[bytes] = frozenset()


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A run that looks for a worker; `length` is its prompt's, in characters."""

    model: str
    client: str
    length: int
    prefixes: tuple[bytes, ...] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A worker, and what the run will cost it: tokens of the prompt that it does not know."""

    worker: str
    cost: int


Deficits = Mapping[str, float]
"""What a client may still cost, by worker; one that is not named may cost a whole quantum."""


def chosen(
    task: Task, candidates: Sequence[Candidate], deficits: Deficits, *, quantum: int = QUANTUM
) -> tuple[Choice | None, dict[str, float]]:
    """The worker for a run, and its client's deficits from then on; None where no worker serves its model."""
    able = [candidate for candidate in candidates if candidate.worker.can_serve(task.model)]
    if not able:
        return None, dict(deficits)
    eligible = _holding(task, able)
    shares = _refilled({c.worker.id: deficits.get(c.worker.id, quantum) for c in eligible}, quantum)
    within_share = [candidate for candidate in eligible if shares[candidate.worker.id] > 0]
    best = min(within_share, key=lambda candidate: _rank(task, candidate, shares))
    choice = Choice(worker=best.worker.id, cost=_cost(task, best))
    shares[choice.worker] -= choice.cost
    live = {candidate.worker.id for candidate in candidates}
    kept = {worker: share for worker, share in deficits.items() if worker in live}
    return choice, {**kept, **shares}


def _holding(task: Task, able: Sequence[Candidate]) -> Sequence[Candidate]:
    """Those that hold the model and have room; else one to load it; else all that hold it."""
    holding = [candidate for candidate in able if task.model in candidate.worker.holds]
    if roomy := [candidate for candidate in holding if _has_room(candidate)]:
        return roomy
    if others := [candidate for candidate in able if candidate not in holding and _has_room(candidate)]:
        return [max(others, key=lambda candidate: (candidate.worker.free_memory, candidate.worker.id))]
    return holding or able


def _has_room(candidate: Candidate) -> bool:
    return candidate.worker.load < candidate.worker.concurrency


def _refilled(shares: dict[str, float], quantum: int) -> dict[str, float]:
    """Shares of which one at least is positive: all get as many quanta as that takes."""
    most = max(shares.values())
    if most > 0:
        return shares
    quanta = int(-most // quantum) + 1
    return {worker: share + quanta * quantum for worker, share in shares.items()}


def _rank(task: Task, candidate: Candidate, shares: Mapping[str, float]) -> tuple[int, int, float, str]:
    """The least first: the longest shared prefix, then the least load, then the greatest share."""
    worker = candidate.worker
    return -shared_steps(task.prefixes, candidate.prefixes), worker.load, -shares[worker.id], worker.id


def _cost(task: Task, candidate: Candidate) -> int:
    """At least one token, since the last of a prompt is always read."""
    unknown = task.length - STEP * shared_steps(task.prefixes, candidate.prefixes)
    return max(1, unknown // CHARACTERS_PER_TOKEN)


class ClientDeficits:
    """The deficits of all clients; the least lately seen are forgotten, who then begin with whole quanta again."""

    def __init__(self, *, limit: int = MOST_CLIENTS) -> None:
        self._limit = limit
        self._clients: dict[str, dict[str, float]] = {}

    def choice(self, task: Task, candidates: Sequence[Candidate]) -> Choice | None:
        """The worker for a run, which its client is charged for."""
        deficits = self._clients.pop(task.client, {})
        choice, self._clients[task.client] = chosen(task, candidates, deficits)
        if len(self._clients) > self._limit:
            del self._clients[next(iter(self._clients))]
        return choice

    def charge(self, client: str, worker: str, tokens: int) -> None:
        """Count tokens that were written for a client."""
        deficits = self._clients.setdefault(client, {})
        deficits[worker] = deficits.get(worker, QUANTUM) - tokens
