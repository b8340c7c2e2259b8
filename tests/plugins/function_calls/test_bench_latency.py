"""`jackfield bench calls latency`: closed forms, given answers, and the command on a scripted engine."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jackfield import builtin
from jackfield.cli.main import jackfield
from jackfield.cli.session import Session
from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.tools import ArgumentPart, CallMode
from jackfield.errors import InvalidRequest
from jackfield.messages import Call
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEngine, replying
from jackfield.testing.temporary_workbench import ScriptedFactory, TemporaryPlugin
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.function_calls.bench.bounds import bound
from jackfield_plugins.function_calls.bench.latency import Setting, TimedRun, beside_bounds, gain, mode_figures
from jackfield_plugins.function_calls.bench.timed_tools import (
    LONGEST,
    MEAN,
    SHORTEST,
    Delays,
    LineWork,
    StreamedLineWork,
    drawn_delays,
    stretched,
)
from jackfield_plugins.function_calls.bench.timeline import Timeline

pytestmark = pytest.mark.slow

LIMITS = EngineLimits(context_length=8192, cells=32768, sequences=16, batch_tokens=256)


@pytest.mark.parametrize(("mode", "seconds"), [("sync", 6 + 9), ("parallel", 6 + 5), ("async", 1 + 2 + 3 + 3)])
def test_the_least_time_follows_from_decoding_and_execution(mode: CallMode, seconds: float) -> None:
    assert bound(mode, (1, 2, 3), (5, 1, 3)) == seconds


def test_async_never_takes_longer_than_parallel_nor_parallel_than_sync() -> None:
    decode, execution = (0.3, 0.5, 0.2), (0.9, 0.4, 0.1)
    times = [bound(mode, decode, execution) for mode in ("async", "parallel", "sync")]
    assert times == sorted(times)
    assert times[0] == pytest.approx(0.3 + 0.9)


def test_tools_take_as_long_as_is_said_of_them() -> None:
    drawn = [delay for case in range(2000) for delay in drawn_delays(f"seed {case}", 3)]
    assert min(drawn) >= SHORTEST
    assert max(drawn) <= LONGEST
    assert sum(drawn) / len(drawn) == pytest.approx(MEAN, rel=0.03)
    assert drawn_delays("one", 4) == drawn_delays("one", 4) == sorted(drawn_delays("one", 4), reverse=True)
    assert max(stretched(drawn_delays("one", 4), 7.0)) == pytest.approx(7.0)


def timed_run(mode: CallMode, number: int, *decode: float) -> TimedRun:
    line = Timeline(
        decode=decode,
        execution=(2.0, 1.0),
        results=bound(mode, decode, (2.0, 1.0)) + 0.5,
        whole=9.0,
        tokens_meanwhile=0,
        tokens=9,
        text="",
    )
    return TimedRun(case="one", round=number, mode=mode, delays=(2.0, 1.0), timeline=line)


def test_what_is_possible_is_taken_from_runs_in_which_nothing_disturbs_decoding() -> None:
    parallel = [timed_run("parallel", number, *decode) for number, decode in enumerate([(1, 1), (1, 3), (5, 1)])]
    samples = beside_bounds([*parallel, *(timed_run("async", number, 2, 2) for number in range(3))])
    assert {each.bound for each in samples if each.run.mode == "async"} == {1 + 2}
    assert {each.own_bound for each in samples if each.run.mode == "async"} == {2 + 2 + 1}
    figures = mode_figures(Setting(protocol="native"), "async", samples)
    assert (figures.seconds, figures.ratio) == (5.5, pytest.approx(3 / 5.5))
    assert figures.own_ratio == pytest.approx(5 / 5.5)
    found = gain(Setting(protocol="native"), "parallel", samples)
    assert found.pairs == 3
    assert found.allowed == pytest.approx(4 / 3)
    assert found.by_calls == {2: pytest.approx(6.5 / 5.5)}


def row(name: str, towns: tuple[str, ...]) -> dict[str, Any]:
    function = {
        "name": "trip.km",
        "description": "How far it is.",
        "parameters": {
            "type": "dict",
            "properties": {"to": {"type": "string"}, "speed": {"type": "float", "optional": True}},
            "required": ["to"],
        },
    }
    return {
        "id": name,
        "question": [[{"role": "user", "content": f"How far are {' and '.join(towns)}?"}]],
        "function": [function],
        "ground_truth": [{"trip.km": {"to": [town, town.lower()], "speed": ["", 4.5]}} for town in towns],
    }


ROWS = [row("parallel_0", ("Oslo", "Rome")), row("parallel_1", ("Bonn", "Lima", "Bonn")), row("multiple_0", ("Paris",))]


class Terminal:
    """A machine with one scripted model, `tiny`."""

    def __init__(self, folder: Path) -> None:
        self.cases = folder / "cases.jsonl"
        self.write(ROWS)
        self._folder = folder
        self._store = InMemoryStateStore()
        file = folder / "tiny.model"
        file.write_bytes(b"\x00")
        tiny = InstalledModel(
            name="tiny",
            path=file,
            reference="tiny",
            sha256="0" * 64,
            pulled_at=datetime.now(UTC),
            description=ScriptedEngine(limits=LIMITS).model,
        )
        asyncio.run(self._store.models.put(tiny))

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.cases.write_text("".join(json.dumps(each) + "\n" for each in rows))

    def run(self, *arguments: str) -> Result:
        session = Session()
        session.settings = load_settings(home=self._folder / "home", database_url="memory:", default_model="tiny")
        session.plugins = PluginHost(entries=[])
        story = replying("The keeper lit the lamp.")
        factory = ScriptedFactory(lambda: ScriptedEngine(story, limits=LIMITS))
        session.plugins.register(builtin, "platform")
        session.plugins.register(TemporaryPlugin(factory, self._store), "temporary")
        session.plugins.register(function_calls, "function-calls")
        session.plugins.register(agents, "agents")
        asked = ["bench", "calls", "latency", "--data", str(self.cases), "--rounds", "1", *arguments]
        return CliRunner().invoke(jackfield, asked, obj=session, standalone_mode=False)

    def report(self, *arguments: str) -> dict[str, Any]:
        result = self.run("--json", *arguments)
        assert result.exception is None, result.exception
        printed: dict[str, Any] = json.loads(result.stdout)
        return printed


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.mark.parametrize("protocol", ["interrupts", "native"])
def test_every_mode_writes_the_wanted_calls_and_has_their_results(terminal: Terminal, protocol: str) -> None:
    report = terminal.report("--only", "modes", "--protocol", protocol, "--times-decode", "1")
    assert report["cases"] == ["parallel_0", "parallel_1"]
    latency = report["latency"]
    assert [(each["mode"], each["runs"]) for each in latency["figures"]] == [
        ("sync", 2),
        ("parallel", 2),
        ("async", 2),
    ] * 2
    for samples in latency["samples"].values():
        for sample in samples:
            run = sample["run"]
            calls = 2 if run["case"] == "parallel_0" else 3
            assert len(run["delays"]) == calls
            assert len(run["timeline"]["decode"]) == len(run["timeline"]["execution"]) == calls
            assert sample["bound"] > 0
    assert [(each["over"], each["pairs"]) for each in latency["gains"]] == [("sync", 2), ("parallel", 2)] * 2
    assert list(latency["gains"][0]["by_calls"]) == ["2", "3"]


def test_a_bench_out_of_time_reports_the_cases_that_were_timed(terminal: Terminal) -> None:
    found = terminal.report("--only", "modes", "--protocol", "native", "--times-decode", "1", "--seconds", "0")
    runs = [sample["run"] for samples in found["latency"]["samples"].values() for sample in samples]
    assert [run["case"] for run in runs] == ["parallel_0"] * 6
    assert found["cases"] == ["parallel_0", "parallel_1"]


def test_only_async_writes_on_while_calls_run(terminal: Terminal) -> None:
    figures = terminal.report("--only", "modes", "--protocol", "native")["latency"]["figures"]
    meanwhile = {each["mode"]: each["meanwhile"] for each in figures[:3]}
    assert meanwhile["sync"] == meanwhile["parallel"] == 0
    assert meanwhile["async"] > 0


def test_a_chat_without_calls_is_the_same_with_calls_possible(terminal: Terminal) -> None:
    report = terminal.report("--only", "overhead")
    assert report["latency"] is None
    assert report["overhead"]["same"] is True
    assert report["overhead"]["tokens"] > 20
    assert report["overhead"]["pairs"] == 5


def test_streamed_lines_are_worked_through_while_the_rest_is_written(terminal: Terminal) -> None:
    (found,) = terminal.report("--only", "streaming", "--protocol", "native")["streaming"]
    assert found["lines"] == 17
    assert found["pairs"] == 1
    assert min(found["streamed"], found["whole"], found["decode"]) > 0


async def test_a_streaming_tool_does_the_same_work_in_parts() -> None:
    tool = StreamedLineWork("run")
    call = await tool.begin()
    for place, line in enumerate(("a = 1\n", "b = 2\nc = 3")):
        await tool.feed(call, ArgumentPart(field="code", value=line, complete=place == 1))
    whole = {"code": "a = 1\nb = 2\nc = 3"}
    assert await tool.finish(call, whole) == await LineWork("run").call(whole)


def test_calls_that_are_alike_take_their_times_in_order() -> None:
    delays = Delays()
    bonn, lima = (Call(identifier=town, tool="trip", arguments={"to": town}) for town in ("Bonn", "Lima"))
    delays.plan((bonn, lima, bonn), (3.0, 2.0, 1.0))
    assert [delays.take("trip", call.arguments) for call in (bonn, bonn, lima)] == [3.0, 1.0, 2.0]


def test_the_table_and_the_sentences_say_what_was_found(terminal: Terminal) -> None:
    result = terminal.run("--limit", "1", "--protocol", "native")
    assert result.exception is None, result.exception
    header, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert header[:3] == ["PROTOCOL", "TOOLS TAKE", "MODE"]
    assert [row[:3] for row in rows[:2]] == [["native", "30-500 ms", "sync"], ["native", "30-500 ms", "parallel"]]
    assert all(len(row) == len(header) for row in rows)
    for said in ("async is", "as fast as parallel", "A chat that calls nothing", "a program of 17 lines", "usable"):
        assert said in result.stderr


def test_files_without_parallel_calls_are_refused(terminal: Terminal) -> None:
    terminal.write([row("multiple_0", ("Paris",))])
    error = terminal.run().exception
    assert isinstance(error, InvalidRequest)
    assert "'parallel'" in error.message
