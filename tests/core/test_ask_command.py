"""`jackfield ask`, as a person or a script runs it: a new process, a scripted model, a database on disk."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from jackfield.contracts.runs import RunRecord
from jackfield.plugin_host import LoadPolicy, PluginHost
from jackfield.settings import load_settings
from jackfield.testing.installation import Installation
from jackfield.wiring import open_store


async def recorded_runs(machine: Installation) -> tuple[RunRecord, ...]:
    """What the machine's database holds of runs, newest first."""
    plugins = PluginHost(LoadPolicy(only=frozenset({"platform", "storage", "migrations"}))).load()
    async with open_store(load_settings(home=machine.home), plugins) as store:
        return await store.runs.recent()


def test_a_pipe_gets_the_answer_and_nothing_else(machine: Installation) -> None:
    asked = machine.run("ask", "Are", "you", "there?")
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "Are you there?\n", "")


def test_json_is_one_object_with_all_that_is_known(machine: Installation) -> None:
    asked = machine.run("ask", "--json", "hello")
    answer = json.loads(asked.stdout)
    assert answer.pop("run_id").startswith("run_")
    usage = answer.pop("usage")
    assert answer == {"model": "scripted", "answer": "hello", "finish_reason": "stop"}
    assert usage["completion_tokens"] == len("hello") + 1
    assert asked.stderr == ""


def test_what_is_piped_in_comes_before_the_question(machine: Installation) -> None:
    assert machine.run("ask", "In a word?", typed="Grüße\n").stdout == "Grüße\n\nIn a word?\n"
    assert machine.run("ask", typed="only piped\n").stdout == "only piped\n"


@pytest.mark.parametrize("typed", [b"", b" \n"])
def test_nothing_to_ask_is_refused(machine: Installation, typed: bytes) -> None:
    asked = machine.run("ask", typed=typed)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "There is nothing to ask" in asked.stderr


def test_a_pipe_that_is_not_utf_8_is_refused_by_its_byte(machine: Installation) -> None:
    asked = machine.run("ask", "what is it?", typed=b"ab\xff")
    assert asked.returncode == 2
    assert "byte 2 is 0xff" in asked.stderr


def test_a_model_that_is_not_here_is_named_with_those_that_are(machine: Installation) -> None:
    asked = machine.run("ask", "-m", "scrpted", "hello")
    assert asked.returncode == 4
    assert "Model 'scrpted' is not installed. Did you mean 'scripted'?" in asked.stderr


def test_a_prompt_that_is_too_long_is_refused_with_both_lengths(machine: Installation) -> None:
    asked = machine.run("ask", "x" * 600)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "619 tokens long" in asked.stderr
    assert "context holds 512" in asked.stderr


def test_an_answer_that_is_cut_is_said_to_be(machine: Installation) -> None:
    asked = machine.run("ask", "--max-tokens", "3", "hello")
    assert (asked.returncode, asked.stdout) == (0, "hel\n")
    assert "cut after 3 tokens" in asked.stderr
    assert "--max-tokens" in asked.stderr


async def test_ctrl_c_stops_an_answer_and_the_run_is_on_record_as_cancelled(machine: Installation) -> None:
    with machine.started("ask", "endless") as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        asking.stdin.close()
        asking.stdin = None
        # Unbuffered: `communicate` reads the descriptor, and would miss what a buffer took with the first byte.
        begun = os.read(asking.stdout.fileno(), 1)
        asking.send_signal(signal.SIGINT)
        rest, said = asking.communicate(timeout=30)
    assert asking.returncode == 130, said
    assert "on and on and".startswith((begun + rest).decode().rstrip("\n")[:13])
    assert rest.endswith(b"\n")
    assert b"(stopped)" in said
    assert b"fault" not in said
    (run,) = await recorded_runs(machine)
    assert run.state == "cancelled"


@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.slow)])
@pytest.mark.parametrize("arguments", [("ask", "hello"), ("models", "ls"), ("--help",)])
def test_an_output_that_cannot_be_written_is_said(
    machine: Installation, arguments: tuple[str, ...], unbuffered: str
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("wb") as output:
        asked = machine.run(*arguments, stdout=output, PYTHONUNBUFFERED=unbuffered)
    assert asked.returncode == 1
    assert "The output cannot be written (No space left on device)" in asked.stderr
    assert "fault of Jackfield" not in asked.stderr
    assert "Exception ignored" not in asked.stderr


@pytest.mark.slow
def test_an_answer_can_be_given_a_shape(machine: Installation) -> None:
    schema, grammar = machine.home / "schema.json", machine.home / "list.gbnf"
    schema.write_text('{"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2}', encoding="utf-8")
    grammar.write_text('root ::= "- " ("x" | "y") "!"', encoding="utf-8")
    chosen = machine.run("ask", "--choice", "yes", "--choice", "no, never", "Will it rain?")
    matched = machine.run("ask", "--regex", "[0-9]{3}/[ab]", "What is the code?")
    listed = machine.run("ask", "--grammar", str(grammar), "What is there?")
    parsed = machine.run("ask", "--json", "--json-schema", str(schema), '["a"]')
    assert chosen.stdout in ("yes\n", "no, never\n")
    assert re.fullmatch("[0-9]{3}/[ab]\n", matched.stdout)
    assert listed.stdout in ("- x!\n", "- y!\n")
    assert set(json.loads(json.loads(parsed.stdout)["answer"])) <= {"a", "b"}


@pytest.mark.slow
def test_a_shape_that_makes_no_sense_is_refused(machine: Installation) -> None:
    two = machine.run("ask", "--regex", "a", "--choice", "b", "hello")
    missing = machine.run("ask", "--grammar", str(machine.home / "nothing.gbnf"), "hello")
    senseless = machine.run("ask", "--regex", "(", "hello")
    assert [asked.returncode for asked in (two, missing, senseless)] == [2, 2, 2]
    assert "--regex and --choice" in two.stderr
    assert "nothing.gbnf' cannot be read: No such file" in missing.stderr
    assert "unclosed group" in senseless.stderr
