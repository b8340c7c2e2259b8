"""`jackfield bench calls accuracy` as a person and a program see it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from jackfield import builtin
from jackfield.cli.main import jackfield
from jackfield.cli.session import Session
from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.models import InstalledModel
from jackfield.errors import InvalidRequest, JackfieldError, Unavailable
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEngine, answering
from jackfield.testing.temporary_workbench import ScriptedFactory, TemporaryPlugin
from jackfield_plugins.function_calls import plugin

pytestmark = pytest.mark.usefixtures("bfcl")

TRIP = {
    "name": "trip.km",
    "description": "How far it is.",
    "parameters": {
        "type": "dict",
        "properties": {"to": {"type": "string"}, "speed": {"type": "float", "optional": True}},
        "required": ["to"],
    },
}
GIVEN = {"Oslo": "calls", "Rome": "fenced", "Bonn": "rubbish", "Lima": "nothing"}


def row(name: str, town: str, *, wanted: bool = True) -> dict[str, Any]:
    return {
        "id": name,
        "question": [[{"role": "user", "content": f"How far is {town}?"}]],
        "function": [TRIP],
        "ground_truth": [{"trip.km": {"to": [town]}}] if wanted else None,
    }


ROWS = [
    row("multiple_0", "Oslo"),
    row("multiple_1", "Rome"),
    row("multiple_2", "Bonn"),
    row("irrelevance_0", "Lima", wanted=False),
]


def reply(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A call, a call as text only, a call with arguments that are no JSON, or plain words, by the town."""
    town = body["messages"][-1]["content"].removeprefix("How far is ").rstrip("?")
    arguments = json.dumps({"to": town})
    message: dict[str, Any] = {"role": "assistant", "content": None}
    match GIVEN[town]:
        case "calls":
            message["tool_calls"] = [{"id": "1", "function": {"name": "trip_km", "arguments": arguments}}]
        case "fenced":
            message["content"] = f'```json\n{{"name": "trip_km", "arguments": {arguments}}}\n```'
        case "rubbish":
            message["tool_calls"] = [{"id": "1", "function": {"name": "trip_km", "arguments": '{"to": '}}]
        case _:
            message["content"] = "I do not know."
    return 200, {"choices": [{"message": message}], "usage": {"completion_tokens": 9}}


def written(prompt: str) -> str:
    """What our scripted model says: a call, one whose arguments do not fit, one that is cut short, or words."""
    town = re.findall(r"How far is (\w+)", prompt)[-1]
    match GIVEN[town]:
        case "calls":
            arguments = json.dumps({"to": town})
        case "fenced":
            arguments = '{"to": 7}'
        case "rubbish":
            arguments = '{"to": '
        case _:
            return "I do not know."
    return f'<tool_call>\n{{"name": "trip_km", "arguments": {arguments}}}\n</tool_call>'


class Terminal:
    """A machine with one scripted model, and a file of cases."""

    def __init__(self, folder: Path) -> None:
        self.cases = folder / "cases.jsonl"
        self.write(ROWS)
        limits = EngineLimits(context_length=8192, cells=32768, sequences=8, batch_tokens=512)
        factory = ScriptedFactory(lambda: ScriptedEngine(answering(written), limits=limits))
        store = InMemoryStateStore()
        file = folder / "tiny.model"
        file.write_bytes(b"\x00")
        tiny = InstalledModel(
            name="tiny",
            path=file,
            reference="tiny",
            sha256="0" * 64,
            pulled_at=datetime.now(UTC),
            description=ScriptedEngine(limits=limits).model,
        )
        asyncio.run(store.models.put(tiny))
        self._session = Session()
        self._session.settings = load_settings(home=folder / "home", database_url="memory:", default_model="tiny")
        self._session.plugins = PluginHost(entries=[])
        self._session.plugins.register(builtin, "platform")
        self._session.plugins.register(TemporaryPlugin(factory, store), "temporary")
        self._session.plugins.register(plugin, "function-calls")

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.cases.write_text("".join(json.dumps(each) + "\n" for each in rows))

    def run(self, *arguments: str) -> Result:
        asked = ["bench", "calls", "accuracy", "--data", str(self.cases), *arguments]
        return CliRunner().invoke(jackfield, asked, obj=self._session, standalone_mode=False)

    def report(self, *arguments: str) -> dict[str, Any]:
        result = self.run("--only-peer", "--json", *arguments)
        assert result.exception is None, result.exception
        printed: dict[str, Any] = json.loads(result.stdout)
        return printed


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def tallies(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["category"], each["server"]): each for each in report["accuracy"]["tallies"]}


def test_a_peer_is_judged_as_it_gives_calls_and_apart_from_that_as_it_writes_them(
    terminal: Terminal, chat_server: Callable[..., Any]
) -> None:
    server = chat_server(reply)
    report = terminal.report("--peer", server.url, "--peer-model", "theirs")
    found = tallies(report)
    given, written = found[("multiple", "peer, as given")], found[("multiple", "peer, as written")]
    assert (given["right"], given["calling"], given["fitting"], given["silent"]) == (1, 2, 1, 1)
    assert (written["right"], written["calling"], written["fitting"], written["silent"]) == (2, 3, 2, 0)
    assert found[("irrelevance", "peer, as given")]["right"] == 1
    asked = server.asked[0]
    assert (asked["model"], asked["temperature"]) == ("theirs", 0)
    assert asked["tools"][0]["function"]["name"] == "trip_km"
    assert asked["tools"][0]["function"]["parameters"]["properties"]["speed"] == {"type": "number"}


def test_our_runs_are_judged_by_the_calls_that_they_end_with(terminal: Terminal) -> None:
    result = terminal.run("--json", "--protocol", "native")
    assert result.exception is None, result.exception
    report = json.loads(result.stdout)
    assert (report["model"], report["protocol"], report["peer"]) == ("tiny", "native", None)
    found = tallies(report)
    multiple = found[("multiple", "jackfield")]
    assert (multiple["cases"], multiple["right"], multiple["calling"], multiple["fitting"]) == (3, 1, 3, 1)
    assert multiple["refused"] == 1
    assert multiple["mistakes"] == {"value": 1, "broken call": 1}
    assert found[("irrelevance", "jackfield")]["right"] == 1


@pytest.mark.parametrize("protocol", ["constrained", "native"])
def test_the_model_calls_by_the_protocol_that_is_asked_for(terminal: Terminal, protocol: str) -> None:
    terminal.write(ROWS[:1])
    result = terminal.run("--json", "--protocol", protocol)
    assert result.exception is None, result.exception
    report = json.loads(result.stdout)
    multiple = tallies(report)[("multiple", "jackfield")]
    assert report["protocol"] == protocol
    assert (multiple["right"], multiple["fitting"], multiple["refused"]) == (1, 1, 0)


def test_ours_and_a_peers_answers_are_compared_case_by_case(
    terminal: Terminal, chat_server: Callable[..., Any]
) -> None:
    result = terminal.run("--json", "--protocol", "native", "--peer", chat_server(reply).url)
    assert result.exception is None, result.exception
    partings = {(each["category"], each["other"]): each for each in json.loads(result.stdout)["accuracy"]["partings"]}
    assert partings[("multiple", "peer, as written")] == {
        "category": "multiple",
        "other": "peer, as written",
        "both_right": 1,
        "only_ours": 0,
        "only_theirs": 1,
        "neither": 1,
    }


def test_what_is_kept_is_not_asked_for_again(
    terminal: Terminal, chat_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = chat_server(reply)
    keep = ("--peer", server.url, "--keep", str(tmp_path / "kept.jsonl"))
    assert terminal.report(*keep, "--limit", "1")["sampled"] == 2
    assert len(server.asked) == 2
    whole = terminal.report(*keep)
    assert len(server.asked) == 4
    assert terminal.report(*keep)["accuracy"]["tallies"] == whole["accuracy"]["tallies"]
    assert len(server.asked) == 4


def test_a_bench_out_of_time_judges_what_is_answered_and_says_so(
    terminal: Terminal, chat_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = chat_server(reply)
    keep = ("--peer", server.url, "--keep", str(tmp_path / "kept.jsonl"))
    terminal.report(*keep, "--category", "irrelevance")
    result = terminal.run("--only-peer", *keep, "--seconds", "0")
    assert "1 of 4 cases are answered" in result.stderr
    assert [line.split("\t")[:3] for line in result.stdout.splitlines()[1:]] == [
        ["irrelevance", "peer, as given", "1"],
        ["irrelevance", "peer, as written", "1"],
    ]


def test_a_refused_case_is_a_wrong_answer_and_the_others_are_asked(
    terminal: Terminal, chat_server: Callable[..., Any]
) -> None:
    server = chat_server(lambda body: (500, {"error": "parser"}) if "Oslo" in str(body) else reply(body))
    found = tallies(terminal.report("--peer", server.url))
    given = found[("multiple", "peer, as given")]
    assert (given["cases"], given["failed"], given["mistakes"]["no answer"]) == (3, 1, 1)


def test_a_peer_that_is_gone_ends_the_bench_with_a_sentence(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = terminal.run("--only-peer", "--peer", f"http://127.0.0.1:{port}").exception
    assert isinstance(error, Unavailable)
    assert "No server answers" in error.message


def test_a_server_without_chats_is_told_from_one_that_fails(
    terminal: Terminal, chat_server: Callable[..., Any]
) -> None:
    server = chat_server(lambda body: (404, {}))
    error = terminal.run("--only-peer", "--peer", server.url).exception
    assert isinstance(error, Unavailable)
    assert "has no /v1/chat/completions" in error.message


def test_a_category_that_no_case_has_is_named_with_those_there_are(terminal: Terminal) -> None:
    error = terminal.run("--category", "nonsense").exception
    assert isinstance(error, click.BadParameter)
    assert "multiple, irrelevance" in error.format_message()


def test_cases_that_cannot_be_read_are_one_sentence(terminal: Terminal) -> None:
    terminal.cases.write_text("{}\n")
    error = terminal.run().exception
    assert isinstance(error, InvalidRequest | JackfieldError)
    assert "line 1" in error.message
