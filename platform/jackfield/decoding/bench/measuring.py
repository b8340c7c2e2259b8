"""Rounds of workloads: ours, then the others', each idle while another works."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import msgspec

from jackfield.contracts.engine import EngineLimits, TokenEngine
from jackfield.decoding.bench.figures import Figures, figures_of, median_figures
from jackfield.decoding.bench.peer import PeerServer
from jackfield.decoding.bench.plain import PlainServer
from jackfield.decoding.bench.serving import LoopServer, Server, served
from jackfield.decoding.bench.workloads import WORKLOADS, Composer, Workload
from jackfield.decoding.lookahead.near_tie import WITHIN
from jackfield.errors import InvalidRequest


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure: workloads by name, how many rounds, at which part of their size, from which seed."""

    workloads: tuple[str, ...]
    rounds: int
    scale: float
    seed: int


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Who is measured: our loop, the model alone for workloads of one client, and another server."""

    ours: LoopServer
    engine: TokenEngine
    plain: PlainServer | None = None
    peer: PeerServer | None = None

    def servers(self, workload: Workload) -> tuple[Server, ...]:
        """Those that take part in a workload, ours first."""
        alone = self.plain if len(workload.clients) == 1 else None
        return tuple(server for server in (self.ours, alone, self.peer) if server)

    def tokenize(self, text: str) -> list[int]:
        """A text in the model's tokens, none of them a control token."""
        return self.engine.tokenize(text, special=False)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One serving's figures, and what the server counted of itself meanwhile."""

    figures: Figures
    counters: dict[str, float]


class ServerResult(msgspec.Struct, frozen=True, kw_only=True):
    """One server at one workload: medians, and every round."""

    server: str
    median: Figures
    rounds: tuple[Round, ...]


class Sameness(msgspec.Struct, frozen=True, kw_only=True):
    """How many of our answers were what the model alone writes; of the others, how many parted at a near-tie.

    `leads` are by how much the likeliest token led the second where they parted, in logits.
    """

    compared: int
    equal: int
    near_ties: int
    leads: tuple[float, ...] = ()


class WorkloadResult(msgspec.Struct, frozen=True, kw_only=True):
    """One workload; `ratio` is the median over the rounds of our time to the peer's."""

    workload: str
    results: tuple[ServerResult, ...]
    ratio: float | None = None
    sameness: Sameness | None = None

    def of(self, server: str) -> ServerResult | None:
        """One server's result, None where it took no part."""
        return next((result for result in self.results if result.server == server), None)


async def measured(plan: Plan, field: Field, say: Callable[[str], None]) -> list[WorkloadResult]:
    """Every workload of a plan; raises InvalidRequest before any where one does not fit the model."""
    for name in plan.workloads:
        for workload in composed(name, plan, field, number=0):
            _require_room(workload, field.engine.limits, plan.scale)
    await _warm_up(plan, field)
    return [result for name in plan.workloads for result in await _results(name, plan, field, say)]


def composed(name: str, plan: Plan, field: Field, *, number: int) -> list[Workload]:
    """The parts of a workload for one round: fresh texts in each, so that nothing is cached from the one before."""
    seed = f"{plan.seed} {name} {number}"
    composer = Composer(field.tokenize, field.engine.model.begin_token, seed=seed, scale=plan.scale)
    return [compose(composer) for compose in WORKLOADS[name]]


async def batch_gains(plan: Plan, field: Field) -> dict[int, float]:
    """By numbers of rows, what one pass over them gains against one over a single row; only for the copy workload."""
    if field.plain is None or "copy" not in plan.workloads:
        return {}
    (workload,) = composed("copy", plan, field, number=0)
    return await field.plain.batch_gains(workload.clients[0].turns[0].said)


class _Part:
    """What was measured of one workload so far."""

    def __init__(self, servers: tuple[Server, ...]) -> None:
        self.rounds: dict[str, list[Round]] = {server.name: [] for server in servers}
        self.leads: list[float | None] = []

    def result(self, name: str) -> WorkloadResult:
        results = tuple(
            ServerResult(server=server, median=median_figures([each.figures for each in rounds]), rounds=tuple(rounds))
            for server, rounds in self.rounds.items()
        )
        return WorkloadResult(workload=name, results=results, ratio=self._ratio(), sameness=self._sameness())

    def _ratio(self) -> float | None:
        pairs = zip(self.rounds[LoopServer.name], self.rounds.get(PeerServer.name, ()), strict=False)
        ratios = [ours.figures.seconds / theirs.figures.seconds for ours, theirs in pairs]
        return statistics.median(ratios) if ratios else None

    def _sameness(self) -> Sameness | None:
        if not self.leads:
            return None
        leads = tuple(lead for lead in self.leads if lead is not None)
        return Sameness(
            compared=len(self.leads),
            equal=len(self.leads) - len(leads),
            near_ties=sum(lead < WITHIN for lead in leads),
            leads=leads,
        )


async def _results(name: str, plan: Plan, field: Field, say: Callable[[str], None]) -> list[WorkloadResult]:
    parts: dict[str, _Part] = {}
    for number in range(1, plan.rounds + 1):
        for workload in composed(name, plan, field, number=number):
            servers = field.servers(workload)
            part = parts.setdefault(workload.name, _Part(servers))
            texts: dict[str, str] = {}
            for server in servers:
                serving = await served(workload, server, field.tokenize)
                figures = figures_of(serving)
                part.rounds[server.name].append(Round(figures=figures, counters=serving.counters))
                texts[server.name] = serving.answers[0].text
                say(f"{workload.name}, round {number} of {plan.rounds}: {server.name} {figures.seconds:.2f} s")
            if field.plain and PlainServer.name in texts:
                part.leads.append(await field.plain.lead_where_parted(texts[LoopServer.name]))
    return [part.result(name) for name, part in parts.items()]


async def _warm_up(plan: Plan, field: Field) -> None:
    """An answer of each that is not measured: the first touches memory that the rest finds ready."""
    (workload,) = composed("single", plan, field, number=0)
    prompt = workload.clients[0].turns[0].said
    for server in field.servers(workload):
        async for _ in server.answer(prompt, 8, "warm-up"):
            pass


def _require_room(workload: Workload, limits: EngineLimits, scale: float) -> None:
    if workload.longest > limits.context_length:
        fitting = math.floor(100 * scale * limits.context_length / workload.longest) / 100
        raise InvalidRequest(
            f"Workload '{workload.name}' needs a context of {workload.longest} tokens, and this model's holds "
            f"{limits.context_length}; make it smaller with --scale {fitting:.2f}, "
            "or leave it out."
        )
