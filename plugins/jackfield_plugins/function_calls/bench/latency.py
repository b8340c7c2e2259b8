"""Latency: when all results are there, in each mode, against the least that decoding and execution allow."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing

import msgspec

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.tools import CallMode
from jackfield.errors import error_from_code
from jackfield.events import Failed
from jackfield.workbench import Workbench
from jackfield_plugins.function_calls.bench.bounds import bound
from jackfield_plugins.function_calls.bench.equipment import BenchEquipment, PreparedCase
from jackfield_plugins.function_calls.bench.timed_tools import drawn_delays, stretched
from jackfield_plugins.function_calls.bench.timeline import Timeline, timeline

Say = Callable[[str], None]

MODES: tuple[CallMode, ...] = ("sync", "parallel", "async")


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol, and how long tools take: as drawn, or stretched.

    Then the longest of a case takes `times_decode` times as long as one of its calls takes to be written.
    """

    protocol: str
    times_decode: float | None = None

    @property
    def tools_take(self) -> str:
        """In words."""
        return "30-500 ms" if self.times_decode is None else f"{self.times_decode:g}x a call's decoding"


class TimedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a case, and how long its tools were to take."""

    case: str
    round: int
    mode: CallMode
    delays: tuple[float, ...]
    timeline: Timeline


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One run beside what is possible.

    `bound` is the closed form of the case's undisturbed decoding (the median of its parallel runs, in which nothing
    runs while calls are written) and of what the tools were to take. `own_bound` is that of what was measured in this
    very run: what is missing from it is lost between a call's end and its start, or behind its result.
    """

    run: TimedRun
    bound: float
    own_bound: float

    @property
    def seconds(self) -> float:
        """From the first token to the last result."""
        return self.run.timeline.results


class ModeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One mode under one setting: medians over its runs, and the ratio of all bounds to all times.

    `ratio` is the bound's share of the time that it took, `own_ratio` that of a run's own bound. `decode` is what
    writing a call takes, `execution` the mean of what running one takes; `meanwhile` are the tokens that were written
    while a call ran, added up over calls, for each token that was written.
    """

    protocol: str
    tools_take: str
    mode: CallMode
    runs: int
    seconds: float
    bound: float
    ratio: float
    ratio_of_sums: float
    own_ratio: float
    decode: float
    execution: float
    meanwhile: float


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """How many times sooner async has all results than another mode: the median over pairs of runs, and over sums.

    `allowed` is what the closed forms say of the same pairs; `by_calls` are medians by the number of calls.
    """

    protocol: str
    tools_take: str
    over: CallMode
    pairs: int
    median: float
    of_sums: float
    allowed: float
    by_calls: dict[int, float]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting's figures, and every run."""

    figures: tuple[ModeFigures, ...]
    gains: tuple[Gain, ...]
    samples: dict[str, tuple[Sample, ...]]


class LatencyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure, how often, and from which seed tools' times are drawn."""

    protocols: tuple[str, ...]
    times_decode: tuple[float, ...]
    rounds: int
    seed: int
    parts: tuple[str, ...]
    seconds: float = math.inf


class LatencyBench:
    """Runs prepared cases on a workbench that has the bench's equipment plugged in."""

    def __init__(
        self, workbench: Workbench, model: str, equipment: BenchEquipment, plan: LatencyPlan, say: Say
    ) -> None:
        self._workbench = workbench
        self._model = model
        self._equipment = equipment
        self._plan = plan
        self._say = say
        self._decode: dict[tuple[str, str], list[float]] = {}

    async def measured(self, cases: Sequence[PreparedCase]) -> Latency:
        """Rounds over all cases: a case has every setting in turn, modes alternate, and which goes first takes turns.

        What is begun of a case is finished, and none is begun once the plan's time is over; at least one is.
        """
        taken: dict[Setting, list[TimedRun]] = {setting: [] for setting in self._settings()}
        end = time.monotonic() + self._plan.seconds
        for number in range(self._plan.rounds):
            for place, case in enumerate(cases):
                if time.monotonic() > end and all(taken.values()):
                    break
                for setting, runs in taken.items():
                    runs += await self._runs(setting, case, number, turn=(number + place) % len(MODES))
        samples = {setting: beside_bounds(runs) for setting, runs in taken.items()}
        return Latency(
            figures=tuple(mode_figures(each, mode, samples[each]) for each in samples for mode in MODES),
            gains=tuple(gain(each, mode, samples[each]) for each in samples for mode in MODES if mode != "async"),
            samples={f"{each.protocol}, {each.tools_take}": tuple(samples[each]) for each in samples},
        )

    def _settings(self) -> Iterator[Setting]:
        for protocol in self._plan.protocols:
            for times in (None, *self._plan.times_decode):
                yield Setting(protocol=protocol, times_decode=times)

    async def _runs(self, setting: Setting, case: PreparedCase, number: int, *, turn: int) -> list[TimedRun]:
        delays = self._delays(setting, case, number)
        return [await self._run(setting, case, mode, delays, number) for mode in (*MODES[turn:], *MODES[:turn])]

    async def _run(
        self, setting: Setting, case: PreparedCase, mode: CallMode, delays: Sequence[float], number: int
    ) -> TimedRun:
        request = self._equipment.request(setting.protocol, case.case.messages, case.tools, case.calls, mode)
        request = msgspec.structs.replace(request, model=self._model)
        await warm_up(self._workbench, request)
        self._equipment.delays.plan(case.calls, delays)
        seen = await timeline(self._workbench, request, mode)
        if setting.times_decode is None and mode == "parallel":
            self._decode.setdefault((setting.protocol, case.case.id), []).append(statistics.mean(seen.decode))
        self._say(
            f"{setting.protocol}, {setting.tools_take}, round {number + 1} of {self._plan.rounds}, {case.case.id}: "
            f"{mode} {seen.results:.2f} s"
        )
        return TimedRun(case=case.case.id, round=number, mode=mode, delays=tuple(delays), timeline=seen)

    def _delays(self, setting: Setting, case: PreparedCase, number: int) -> list[float]:
        drawn = drawn_delays(f"{self._plan.seed} {case.case.id} {number}", len(case.calls))
        if setting.times_decode is None:
            return drawn
        a_call = statistics.median(self._decode[(setting.protocol, case.case.id)])
        return stretched(drawn, a_call * setting.times_decode)


async def warm_up(workbench: Workbench, request: RunRequest) -> None:
    """Have the prompt read, so that what is timed begins with the first token of the answer."""
    run = await workbench.start(msgspec.structs.replace(request, max_tokens=1))
    async with aclosing(workbench.watch(run.id)) as events:
        async for event in events:
            if isinstance(event.body, Failed):
                raise error_from_code(event.body.code, event.body.message)


def beside_bounds(runs: Sequence[TimedRun]) -> list[Sample]:
    """Runs of one setting with what is possible in each."""
    undisturbed: dict[str, list[tuple[float, ...]]] = {}
    for run in runs:
        if run.mode == "parallel":
            undisturbed.setdefault(run.case, []).append(run.timeline.decode)
    decode = {case: [statistics.median(call) for call in zip(*each, strict=True)] for case, each in undisturbed.items()}
    return [
        Sample(
            run=run,
            bound=bound(run.mode, decode[run.case], run.delays),
            own_bound=bound(run.mode, run.timeline.decode, run.timeline.execution),
        )
        for run in runs
    ]


def mode_figures(setting: Setting, mode: CallMode, samples: Sequence[Sample]) -> ModeFigures:
    """A mode's runs under a setting as one."""
    taken = [each for each in samples if each.run.mode == mode]
    lines = [each.run.timeline for each in taken]
    return ModeFigures(
        protocol=setting.protocol,
        tools_take=setting.tools_take,
        mode=mode,
        runs=len(taken),
        seconds=statistics.median(each.seconds for each in taken),
        bound=statistics.median(each.bound for each in taken),
        ratio=statistics.median(each.bound / each.seconds for each in taken),
        ratio_of_sums=sum(each.bound for each in taken) / sum(each.seconds for each in taken),
        own_ratio=statistics.median(each.own_bound / each.seconds for each in taken),
        decode=statistics.median(statistics.mean(each.decode) for each in lines),
        execution=statistics.mean(seconds for each in lines for seconds in each.execution),
        meanwhile=sum(each.tokens_meanwhile for each in lines) / sum(each.tokens for each in lines),
    )


def gain(setting: Setting, over: CallMode, samples: Sequence[Sample]) -> Gain:
    """Async beside another mode, run by run."""
    theirs = {(each.run.case, each.run.round): each for each in samples if each.run.mode == over}
    ours = [each for each in samples if each.run.mode == "async"]
    pairs = [(each, theirs[(each.run.case, each.run.round)]) for each in ours]
    by_calls: dict[int, list[float]] = {}
    for sample, other in pairs:
        by_calls.setdefault(len(sample.run.delays), []).append(other.seconds / sample.seconds)
    return Gain(
        protocol=setting.protocol,
        tools_take=setting.tools_take,
        over=over,
        pairs=len(pairs),
        median=statistics.median(other.seconds / sample.seconds for sample, other in pairs),
        of_sums=sum(other.seconds for _, other in pairs) / sum(sample.seconds for sample, _ in pairs),
        allowed=statistics.median(other.bound / sample.bound for sample, other in pairs),
        by_calls={calls: statistics.median(ratios) for calls, ratios in sorted(by_calls.items())},
    )
