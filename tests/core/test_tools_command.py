"""`jackfield tools`: what there is, and calling it by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jackfield.testing.installation import Installation
from jackfield.testing.terminal import at_terminal

pytestmark = pytest.mark.slow


def test_tools_are_listed_with_what_they_may_and_whose_they_are(calling: Installation) -> None:
    listed = calling.run("tools", "list")
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert rows[0] == ["NAME", "MAY", "FROM", "SUMMARY"]
    assert ["fetch", "network", "calling-model", "fetches a text"] in rows
    assert ["write_file", "write", "tools", "writes a file of the granted folder"] in rows
    told = json.loads(calling.run("tools", "list", "--json").stdout)
    assert told["failures"] == {}
    assert {tool["name"]: tool["permission"] for tool in told["tools"]}["calculator"] == "read"


def test_a_source_that_lists_nothing_is_said_with_its_reason(calling: Installation) -> None:
    (calling.home.parent / "mcp.json").write_text(
        json.dumps({"mcpServers": {"gone": {"command": "/nowhere/to/be/found"}}}), encoding="utf-8"
    )
    plugins = calling.environment["JACKFIELD_LOAD_PLUGINS"] + ",mcp"
    listed = calling.run("tools", "list", JACKFIELD_LOAD_PLUGINS=plugins)
    assert listed.returncode == 0
    assert "/nowhere/to/be/found" in listed.stderr
    assert "calculator" in listed.stdout


def test_a_tool_is_shown_with_its_schema(calling: Installation) -> None:
    page = calling.run("tools", "show", "write_file").stdout
    assert page.startswith("write_file (from tools)\n")
    assert "it:        writes" in page
    schema = json.loads(page.partition("arguments:\n")[2])
    assert schema["required"] == ["path", "content"]
    assert json.loads(calling.run("tools", "show", "--json", "write_file").stdout)["parameters"] == schema
    unknown = calling.run("tools", "show", "wite_file")
    assert (unknown.returncode, unknown.stdout) == (4, "")
    assert "did you mean 'write_file'" in unknown.stderr


@pytest.mark.parametrize(
    ("written", "typed"),
    [(("expression=6*7",), ""), (('{"expression": "6*7"}',), ""), (("-",), '{"expression": "6*7"}')],
)
def test_arguments_are_written_in_three_ways(calling: Installation, written: tuple[str, ...], typed: str) -> None:
    called = calling.run("tools", "call", "calculator", *written, typed=typed)
    assert (called.returncode, called.stdout, called.stderr) == (0, "42\n", "")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (("{6*7",), "The arguments are no JSON"),
        (("-",), "The arguments are no JSON"),
        (("6*7",), "'6*7' is neither a JSON object nor KEY=VALUE; write: jackfield tools call calculator expression=…"),
        (("expression=1", "expression=2"), "'expression' is given twice"),
        (("expresion=1",), "did you mean 'expression'?"),
        ((), "'expression' (a string) is missing"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    calling: Installation, written: tuple[str, ...], sentence: str
) -> None:
    called = calling.run("tools", "call", "calculator", *written)
    assert (called.returncode, called.stdout) == (2, "")
    assert sentence in called.stderr


def test_a_tool_that_fails_says_so_in_the_exit_code(calling: Installation) -> None:
    called = calling.run("tools", "call", "calculator", "expression=1/0")
    assert (called.returncode, called.stdout) == (1, "")
    assert "error:" in called.stderr
    told = calling.run("tools", "call", "--json", "calculator", "expression=1/0")
    assert json.loads(told.stdout)["error"] is True
    assert told.returncode == 1


def test_a_call_that_writes_needs_a_permission_and_a_folder(calling: Installation, tmp_path: Path) -> None:
    arguments = ("tools", "call", "write_file", "path=b.txt", "content=42")
    denied = calling.run(*arguments, "--folder", str(tmp_path))
    assert (denied.returncode, denied.stdout) == (3, "")
    assert "'write_file' writes, which nobody has permitted; --allow write does." in denied.stderr
    assert not (tmp_path / "b.txt").exists()
    lost = calling.run(*arguments, "--allow", "write")
    assert lost.returncode == 2
    assert "--folder" in lost.stderr
    assert calling.run(*arguments, "--allow", "write", "--folder", str(tmp_path)).returncode == 0
    assert (tmp_path / "b.txt").read_text(encoding="utf-8") == "42"


@pytest.mark.parametrize(("key", "code"), [("y", 0), ("n", 3)])
def test_at_a_terminal_a_person_is_asked(calling: Installation, key: str, code: int) -> None:
    with at_terminal(calling.environment, "tools", "call", "fetch", "text=news") as terminal:
        terminal.wait_for("Allow fetch(text='news')?")
        terminal.wait_for("[y]es, [n]o:")
        terminal.type(f"{key}\n")
        assert terminal.ended() == code
    assert ("\nnews\n" in terminal.seen) == (code == 0)
