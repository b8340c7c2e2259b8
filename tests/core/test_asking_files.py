"""`jackfield ask --files`, as a person or a script runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jackfield.testing.installation import Installation

TEA = "# Tea\n\nGreen tea is steeped at 80 degrees.\n"


@pytest.fixture
def reader(machine: Installation, tmp_path: Path) -> Installation:
    """A machine with one file."""
    (tmp_path / "tea.md").write_text(TEA)
    added = machine.run("files", "add", str(tmp_path / "tea.md"))
    assert added.returncode == 0, added.stderr
    return machine


def test_the_sources_are_told_below_the_answer(reader: Installation) -> None:
    asked = reader.run("ask", "--files", "Is green tea steeped?")
    assert asked.returncode == 0, asked.stderr
    assert "80 degrees" in asked.stdout  # the model says back what it was given
    assert "[1] main:tea.md, version 1, bytes " in asked.stderr
    assert "found by words only" in asked.stderr  # which is said, since no embedding model is installed


def test_json_has_them_with_their_spans(reader: Installation) -> None:
    answer = json.loads(reader.run("ask", "--json", "--files", "-c", "main", "Is green tea steeped?").stdout)
    [source] = answer["found"]["sources"]
    assert (source["number"], source["path"], source["version"]) == (1, "tea.md", 1)
    assert TEA.encode()[source.get("start", 0) : source["end"]].decode() == source["text"]
    assert answer["cited"] == [1]


def test_nothing_found_is_said(reader: Installation) -> None:
    asked = reader.run("ask", "--files", "zeppelins?")
    assert asked.stdout == "zeppelins?\n"
    assert "nothing was found in your files" in asked.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("-c", "main"), 2, "add --files"),
        (("--under", "x"), 2, "add --files"),
        (("--files", "-c", "nothing"), 4, "There is no collection 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_refused(reader: Installation, arguments: tuple[str, ...], code: int, said: str) -> None:
    asked = reader.run("ask", *arguments, "tea?")
    assert (asked.returncode, asked.stdout) == (code, "")
    assert said in asked.stderr
