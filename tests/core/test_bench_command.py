"""`jackfield bench`: what a person and a program see of it, alone and beside a peer."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from jackfield import builtin
from jackfield.cli.main import jackfield
from jackfield.cli.output import exit_code
from jackfield.cli.session import Session
from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.registration import Provided
from jackfield.decoding.bench.workloads import WORKLOADS
from jackfield.errors import InvalidRequest, JackfieldError, ModelNotFound, Unavailable
from jackfield.hookspecs import hookimpl
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.peer_server import FakePeer, Kind
from jackfield.testing.scripted_engine import END, Script, ScriptedEngine, endless
from jackfield.testing.temporary_workbench import ScriptedFactory, TemporaryPlugin

LIMITS = EngineLimits(context_length=1024, cells=8192, sequences=16, batch_tokens=256)


class RoutingBench:
    """A plugin with a bench of its own."""

    @hookimpl
    def jackfield_commands(self) -> list[Provided[click.Command]]:
        """One command under `jackfield bench`."""

        @click.command()
        def routing() -> None:
            """Measure routers."""
            click.echo("routers measured")

        return [Provided("bench routing", lambda: routing, "Measure routers.")]


class Terminal:
    """A machine with one scripted model, `tiny`."""

    def __init__(self, folder: Path, script: Script = endless) -> None:
        self._session = Session()
        self._session.settings = load_settings(home=folder / "home", database_url="memory:", default_model="tiny")
        self._session.plugins = PluginHost(entries=[])
        factory = ScriptedFactory(lambda: ScriptedEngine(script, limits=LIMITS))
        store = InMemoryStateStore()
        self._session.plugins.register(builtin, "platform")
        self._session.plugins.register(TemporaryPlugin(factory, store), "temporary")
        self._session.plugins.register(RoutingBench(), "routing")
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
        asyncio.run(store.models.put(tiny))

    def run(self, *arguments: str) -> Result:
        """Run `jackfield bench …`."""
        return CliRunner().invoke(jackfield, ["bench", *arguments], obj=self._session, standalone_mode=False)

    def report(self, *arguments: str) -> dict[str, Any]:
        """What `bench decode --json` prints, one round of a tenth of the size unless told otherwise."""
        result = self.run("decode", "--json", "--rounds", "1", "--scale", "0.1", *arguments)
        assert result.exception is None, result.exception
        printed: dict[str, Any] = json.loads(result.stdout)
        return printed

    def refusal(self, *arguments: str) -> JackfieldError:
        """The error that `bench decode` ends with."""
        error = self.run("decode", "--rounds", "1", "--scale", "0.1", *arguments).exception
        assert isinstance(error, JackfieldError), error
        return error


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A machine of one's own."""
    return Terminal(tmp_path)


def test_every_workload_gives_answers_of_the_exact_length(terminal: Terminal) -> None:
    report = terminal.report()
    written = {each["workload"]: each["results"][0]["median"]["answer_tokens"] for each in report["workloads"]}
    assert written == {
        "shared-burst": 8 * 6,
        "unrelated-burst": 8 * 6,
        "single": 13,
        "copy": 40,
        "mixed": 4 * 19 + 2,
        "agents": 8 * 5 * 5,
        "prefix-1024": 8 * 6,
        "prefix-1024-unshared": 8 * 6,
        "prefix-128": 8 * 6,
    }


def test_end_tokens_do_not_cut_an_answer_short(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, script=lambda tokens: END)
    (single,) = terminal.report("--workload", "single")["workloads"]
    assert single["results"][0]["median"]["answer_tokens"] == 13


def test_what_prompts_share_is_read_once(terminal: Terminal) -> None:
    (burst,) = terminal.report("--workload", "shared-burst")["workloads"]
    median = burst["results"][0]["median"]
    assert median["prompt_tokens"] == 8 * 54
    assert median["prefilled_tokens"] < 3 * 54
    assert median["hit_rate"] > 0.7


def test_the_table_has_a_row_for_each_server_and_says_what_sharing_saves(terminal: Terminal) -> None:
    result = terminal.run("decode", "--rounds", "1", "--scale", "0.1", "--workload", "prefix", "--workload", "single")
    assert result.exception is None, result.exception
    header, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert header[:5] == ["WORKLOAD", "SERVER", "SECONDS", "TOKENS/S", "TTFT p50"]
    assert [row[:2] for row in rows] == [
        ["prefix-1024", "jackfield"],
        ["prefix-1024-unshared", "jackfield"],
        ["prefix-128", "jackfield"],
        ["single", "jackfield"],
        ["single", "plain"],
    ]
    assert all(len(row) == len(header) for row in rows)
    assert "sharing 1,024 tokens saves" in result.stderr


def test_the_loop_writes_what_the_model_alone_writes(terminal: Terminal) -> None:
    report = terminal.report("--workload", "copy", "--rounds", "2")
    (copy,) = report["workloads"]
    assert copy["sameness"] == {"compared": 2, "equal": 2, "near_ties": 0, "leads": []}
    assert set(report["batch_gains"]) >= {"2", "4", "8", "16"}


def test_the_report_says_what_was_measured_so_that_it_can_be_measured_again(terminal: Terminal) -> None:
    report = terminal.report("--workload", "single", "--rounds", "2", "--seed", "7")
    assert report["model"] == "tiny"
    assert report["plan"] == {"workloads": ["single"], "rounds": 2, "scale": 0.1, "seed": 7}
    (single,) = report["workloads"]
    assert len(single["results"][0]["rounds"]) == 2
    assert single["results"][0]["rounds"][0]["counters"]["drawn_tokens"] == 13


def test_a_workload_that_nobody_knows_is_refused_with_those_there_are(terminal: Terminal) -> None:
    error = terminal.run("decode", "--workload", "nonsense").exception
    assert isinstance(error, click.BadParameter)
    assert all(name in error.format_message() for name in ("nonsense", *WORKLOADS))


def test_a_workload_too_long_for_the_model_is_refused_before_anything_is_measured(terminal: Terminal) -> None:
    error = terminal.refusal("--workload", "single", "--workload", "mixed", "--scale", "1")
    assert isinstance(error, InvalidRequest)
    assert "'mixed' needs a context of 2016 tokens, and this model's holds 1024" in error.message
    assert "--scale 0.50" in error.message


def test_a_model_that_is_not_there_is_named(terminal: Terminal) -> None:
    assert isinstance(terminal.refusal("--model", "huge"), ModelNotFound)


def test_a_plugins_bench_stands_beside_ours(terminal: Terminal) -> None:
    assert terminal.run("routing").stdout == "routers measured\n"
    listed = terminal.run("--help").stdout
    assert "decode" in listed
    assert "routing" in listed


def test_a_llama_server_gets_the_same_requests_in_the_same_run(terminal: Terminal) -> None:
    with FakePeer("llama-server") as peer:
        report = terminal.report("--peer", peer.url, "--workload", "agents", "--rounds", "2")
    (agents,) = report["workloads"]
    ours, theirs = agents["results"]
    assert (ours["server"], theirs["server"]) == ("jackfield", "peer")
    assert theirs["median"]["answer_tokens"] == ours["median"]["answer_tokens"] == 200
    assert theirs["median"]["prompt_tokens"] - theirs["median"]["prefilled_tokens"] == 40 * 3
    paired = zip(ours["rounds"], theirs["rounds"], strict=True)
    ratios = [our["figures"]["seconds"] / their["figures"]["seconds"] for our, their in paired]
    assert agents["ratio"] == pytest.approx(sum(ratios) / 2)
    asked = peer.bodies("/completion")[-1]
    assert asked["n_predict"] == 5
    assert asked["ignore_eos"] is asked["cache_prompt"] is asked["stream"] is True
    assert asked["temperature"] == 0


def test_a_server_with_openais_completions_gets_the_texts(terminal: Terminal) -> None:
    with FakePeer("openai-with-ignore-eos") as peer:
        report = terminal.report("--peer", peer.url, "--workload", "single")
    asked = peer.bodies("/v1/completions")[-1]
    assert (asked["model"], asked["max_tokens"], len(asked["prompt"])) == ("theirs", 13, 54)
    assert report["remarks"] == []
    assert report["workloads"][0]["ratio"] > 0


def test_a_server_that_stops_at_end_tokens_is_remarked_on(terminal: Terminal) -> None:
    with FakePeer("openai") as peer:
        report = terminal.report("--peer", peer.url, "--workload", "single")
    assert "ignore_eos" not in peer.bodies("/v1/completions")[-1]
    assert report["remarks"] == ["The peer's answers may be shorter: it does not go on past an end token."]


def test_a_peer_that_is_not_there_is_one_sentence(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = terminal.refusal("--peer", f"http://127.0.0.1:{port}", "--workload", "single")
    assert isinstance(error, Unavailable)
    assert exit_code(error) == 6
    assert error.message == f"No server answers at http://127.0.0.1:{port}; start one, or leave out --peer."


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("rubbish", "does not speak as a llama-server does"),
        ("breaks-off", "broke off an answer after 1 of 2 tokens"),
        ("other-vocabulary", "let both serve the same model file"),
        ("full", r"refused /completion \(503\).*no slot is free"),
    ],
)
def test_a_peer_that_does_not_answer_as_it_should_is_told_from_one_that_does(
    terminal: Terminal, kind: Kind, sentence: str
) -> None:
    with FakePeer(kind) as peer:
        error = terminal.refusal("--peer", peer.url, "--workload", "single")
    assert isinstance(error, Unavailable)
    assert re.search(sentence, error.message)
    assert "\n" not in error.message


@pytest.mark.parametrize("address", ["localhost:8080", "http://", "ftp://host/", "http://[::1"])
def test_an_address_that_is_none_is_refused(terminal: Terminal, address: str) -> None:
    error = terminal.refusal("--peer", address, "--workload", "single")
    assert isinstance(error, InvalidRequest)
    assert address in error.message
