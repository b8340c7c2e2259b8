"""`jackfield files watch --once` and `watches`: what is said, in words and for programs, and how they end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any, cast

import pytest

from jackfield.cli.files.watch import _until_stopped
from jackfield.files.watching.keeping import Keeping


def put(path: str, text: str) -> None:
    """Write a file of the watched folder, long ago."""
    place = Path("notes") / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    os.utime(place, (1_700_000_000 + len(text),) * 2)


@pytest.fixture
def notes(desk: Any) -> Path:
    """A folder that is in step."""
    put("a.md", "one")
    put("b/c.md", "two")
    desk.done("watch", "notes", "--once")
    return Path("notes")


def test_a_line_for_each_file_and_one_for_all(desk: Any) -> None:
    put("a.md", "one")
    put(".hidden", "x")
    said = desk.done("watch", "notes", "--once")
    assert said.out.splitlines()[0] == "→ a.md added"
    assert said.out.splitlines()[1].startswith("1 added in the collection (")
    assert "Passed over: 1 hidden." in said.err
    change = said.out.split()[-1]
    desk.done("undo", change)
    assert desk.done("ls", "-r", "--json").json["files"] == []


def test_lines_for_programs(desk: Any, notes: Path) -> None:
    put("a.md", "changed")
    (notes / "b/c.md").rename(notes / "d.md")
    lines = [json.loads(line) for line in desk.done("watch", "notes", "--once", "--json").out.splitlines()]
    assert [(line["kind"], line.get("done"), line.get("path")) for line in lines] == [
        ("change", "renamed", "b/c.md"),
        ("change", "changed", "a.md"),
        ("batch", None, None),
    ]
    assert lines[-1]["collection"] == {
        "added": 0,
        "changed": 1,
        "renamed": 1,
        "deleted": 0,
        "kept_both": 0,
        "left": 0,
    }


def test_what_it_brings_is_found(desk: Any, notes: Path) -> None:
    put("e.md", "the lantern of the harbour")
    desk.done("watch", "notes", "--once")
    assert "e.md" in desk.done("find", "lantern").out


def test_both_ways_brings_files_back(desk: Any, notes: Path) -> None:
    desk.write("there.md", "from elsewhere")
    said = desk.done("watch", "notes", "--once", "--both-ways")
    assert said.out.splitlines()[0] == "← there.md added"
    assert (notes / "there.md").read_text() == "from elsewhere"


def test_a_file_that_is_left_alone_shows_in_the_exit_code(desk: Any, notes: Path) -> None:
    put("x\\y.md", "one")
    said = desk("watch", "notes", "--once")
    assert said.code == 1
    assert "! x\\y.md is left alone" in said.out


def test_an_emptied_folder_deletes_nothing_unless_that_is_said(desk: Any, notes: Path) -> None:
    shutil.rmtree(notes)
    notes.mkdir()
    said = desk("watch", "notes", "--once")
    assert said.code == 5
    assert "All 2 files are gone" in said.err
    assert len(desk.done("ls", "-r", "--json").json["files"]) == 2
    said = desk.done("watch", "notes", "--once", "--allow-mass-delete")
    assert "2 deleted in the collection" in said.out


def test_a_folder_that_is_not_there(desk: Any, notes: Path) -> None:
    shutil.rmtree(notes)
    said = desk("watch", "notes", "--once")
    assert said.code == 2
    assert "There is no folder" in said.err


def test_the_data_folder_cannot_be_watched(desk: Any) -> None:
    said = desk("watch", str(desk.home), "--once")
    assert said.code == 2
    assert "Jackfield's own data" in said.err


def test_watches_are_listed_and_forgotten(desk: Any, notes: Path) -> None:
    (watch,) = desk.done("watches", "--json").json
    assert (watch["folder"], watch["collection"], watch["both_ways"]) == (str(notes.resolve()), "main", False)
    assert desk.done("watches").rows[0][1] == str(notes.resolve())
    desk.done("watches", "--forget", watch["id"])
    assert desk.done("watches", "--json").json == []
    said = desk("watches", "--forget", watch["id"])
    assert said.code == 4
    assert desk.done("watch", "notes", "--once").out == ""


async def test_who_stopped_a_watch_can_stop_what_comes_after_it_too() -> None:
    """Indexing what is left may take long."""

    class Endless:
        async def run(self) -> None:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    before = signal.getsignal(signal.SIGINT)
    await _until_stopped(cast("Keeping", Endless()))
    assert signal.getsignal(signal.SIGINT) is before
