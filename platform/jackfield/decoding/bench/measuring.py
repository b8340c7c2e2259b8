"""Rounds of workloads: ours, then the peer's, each idle while the other works."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from jackfield.contracts.engine import EngineLimits, TokenEngine
from jackfield.decoding.bench.figures import Figures, figures_of, median_figures
from jackfield.decoding.bench.serving import Server, Serving, served
from jackfield.decoding.bench.workloads import WORKLOADS, Composer, Workload
from jackfield.errors import InvalidRequest


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure: workloads by name, how many rounds, at which part of their size, from which seed."""

    workloads: tuple[str, ...]
    rounds: int
    scale: float
    seed: int


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One serving's figures, and what the server counted of itself meanwhile."""

    figures: Figures
    counters: dict[str, float]


class ServerResult(msgspec.Struct, frozen=True, kw_only=True):
    """One server at one workload: medians, and every round."""

    server: str
    median: Figures
    rounds: tuple[Round, ...]


class WorkloadResult(msgspec.Struct, frozen=True, kw_only=True):
    """One workload; `ratio` is the median over the rounds of our time to the peer's."""

    workload: str
    results: tuple[ServerResult, ...]
    ratio: float | None


async def measured(
    plan: Plan, servers: Sequence[Server], engine: TokenEngine, say: Callable[[str], None]
) -> list[WorkloadResult]:
    """Every workload of a plan; raises InvalidRequest before any where one does not fit the model."""
    for name in plan.workloads:
        for workload in composed(name, plan, engine, number=0):
            _require_room(workload, engine.limits)
    for server in servers:
        await _warm_up(server, plan, engine)
    return [result for name in plan.workloads for result in await _rounds(name, plan, servers, engine, say)]


def composed(name: str, plan: Plan, engine: TokenEngine, *, number: int) -> list[Workload]:
    """The parts of a workload for one round: fresh texts in each, so that nothing is cached from the one before."""
    composer = Composer(
        lambda text: engine.tokenize(text, special=False),
        engine.model.begin_token,
        seed=f"{plan.seed} {name} {number}",
        scale=plan.scale,
    )
    return [compose(composer) for compose in WORKLOADS[name]]


async def _rounds(
    name: str, plan: Plan, servers: Sequence[Server], engine: TokenEngine, say: Callable[[str], None]
) -> list[WorkloadResult]:
    servings: dict[str, list[list[Serving]]] = {}
    for number in range(1, plan.rounds + 1):
        for workload in composed(name, plan, engine, number=number):
            by_server = servings.setdefault(workload.name, [[] for _ in servers])
            for server, those in zip(servers, by_server, strict=True):
                those.append(await served(workload, server, lambda text: engine.tokenize(text, special=False)))
                seconds = figures_of(those[-1]).seconds
                say(f"{workload.name}, round {number} of {plan.rounds}: {server.name} {seconds:.2f} s")
    return [_result(part, servers, those) for part, those in servings.items()]


def _result(part: str, servers: Sequence[Server], servings: Sequence[Sequence[Serving]]) -> WorkloadResult:
    rounds = [[Round(figures=figures_of(each), counters=each.counters) for each in those] for those in servings]
    results = tuple(
        ServerResult(server=server.name, median=median_figures([each.figures for each in those]), rounds=tuple(those))
        for server, those in zip(servers, rounds, strict=True)
    )
    pairs = zip(*rounds, strict=True) if len(rounds) == 2 else ()
    ratios = [ours.figures.seconds / theirs.figures.seconds for ours, theirs in pairs]
    return WorkloadResult(workload=part, results=results, ratio=statistics.median(ratios) if ratios else None)


async def _warm_up(server: Server, plan: Plan, engine: TokenEngine) -> None:
    """An answer that is not measured: the first touches memory that the rest finds ready."""
    (workload,) = composed("single", plan, engine, number=0)
    prompt = workload.clients[0].turns[0].said
    async for _ in server.answer(prompt, 8):
        pass


def _require_room(workload: Workload, limits: EngineLimits) -> None:
    if workload.longest > limits.context_length:
        raise InvalidRequest(
            f"Workload '{workload.name}' needs a context of {workload.longest} tokens, and this model's holds "
            f"{limits.context_length}; make it smaller with --scale {limits.context_length / workload.longest:.2f}, "
            "or leave it out."
        )
