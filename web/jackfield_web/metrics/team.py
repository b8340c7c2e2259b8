"""Figures of what this process depends on: the database, what carries work to the workers, the workers, the runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeVar

import msgspec
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jackfield.contracts.runs import RunState
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import JackfieldError
from jackfield.workbench import Workbench

log = structlog.get_logger()

PATIENCE = 3.0
"""Seconds that one dependency has to answer; a scrape must not hang on what it is there to report."""

OPEN: tuple[RunState, ...] = ("queued", "running", "paused")

T = TypeVar("T")


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """What was found at one look. Seconds are how long the answer took, None where there was none."""

    database: float | None
    broker: float | None
    runs: Mapping[RunState, int] | None
    waiting: Mapping[str, int]
    workers: tuple[LiveWorker, ...]


async def looked_up(workbench: Workbench) -> Team:
    """Ask everything at once."""
    database, broker, runs, waiting = await asyncio.gather(
        _seconds(workbench.check_store),
        _seconds(workbench.check_broker),
        _answer(workbench.runs.unfinished_counts),
        _answer(workbench.waiting),
    )
    return Team(database=database, broker=broker, runs=runs, waiting=waiting or {}, workers=workbench.workers())


class TeamFigures(Collector):
    """A look as figures. All but the seconds are the same whichever API process tells them."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def collect(self) -> Iterator[Metric]:
        """What is not known is left out, but for whether a dependency answers."""
        yield from _dependencies({"database": self._team.database, "broker": self._team.broker})
        if self._team.runs is not None:
            yield _runs(self._team.runs)
        waiting = GaugeMetricFamily("jackfield_queue_length", "Runs that were sent and not taken.", labels=("model",))
        for model, length in self._team.waiting.items():
            waiting.add_metric((model,), length)
        yield waiting
        yield from _workers(self._team.workers)


def _dependencies(seconds: Mapping[str, float | None]) -> Iterator[Metric]:
    up = GaugeMetricFamily("jackfield_dependency_up", "Whether it answers.", labels=("dependency",))
    took = GaugeMetricFamily("jackfield_dependency_seconds", "How long it took to answer.", labels=("dependency",))
    for name, value in seconds.items():
        up.add_metric((name,), float(value is not None))
        if value is not None:
            took.add_metric((name,), value)
    yield up
    yield took


def _runs(counts: Mapping[RunState, int]) -> Metric:
    states = GaugeMetricFamily("jackfield_runs", "Runs on record that have not ended.", labels=("state",))
    for state in OPEN:
        states.add_metric((state,), counts.get(state, 0))
    return states


def _workers(workers: tuple[LiveWorker, ...]) -> Iterator[Metric]:
    yield GaugeMetricFamily("jackfield_workers", "Processes that execute runs.", value=len(workers))
    loads = GaugeMetricFamily(
        "jackfield_worker_runs", "Runs that a worker has in hand.", labels=("worker", "model", "state")
    )
    holds = GaugeMetricFamily("jackfield_worker_holds", "Models in a worker's memory.", labels=("worker", "model"))
    free = GaugeMetricFamily("jackfield_worker_free_bytes", "Memory for more models.", labels=("worker",))
    tokens = CounterMetricFamily("jackfield_worker_tokens", "Read and written.", labels=("worker", "model", "kind"))
    for worker in workers:
        free.add_metric((worker.id,), worker.free_memory)
        for model in worker.holds:
            holds.add_metric((worker.id, model), 1)
        for model, load in worker.loads.items():
            loads.add_metric((worker.id, model, "running"), load.running - load.waiting)
            loads.add_metric((worker.id, model, "waiting"), load.waiting)
        for model, usage in worker.used.items():
            tokens.add_metric((worker.id, model, "prompt"), usage.prompt_tokens)
            tokens.add_metric((worker.id, model, "cached"), usage.cached_tokens)
            tokens.add_metric((worker.id, model, "written"), usage.completion_tokens)
    yield from (loads, holds, free, tokens)


async def _seconds(check: Callable[[], Awaitable[None]]) -> float | None:
    begun = time.perf_counter()

    async def checked() -> float:
        await check()
        return time.perf_counter() - begun

    return await _answer(checked)


async def _answer(ask: Callable[[], Awaitable[T]]) -> T | None:
    """What is answered in time, None where nothing is; the log says why."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await ask()
    except JackfieldError as error:
        log.debug("a figure is missing", reason=error.message)
    except TimeoutError:
        log.debug("a figure is missing", reason=f"no answer within {PATIENCE:g} seconds")
    return None
