"""`jackfield runs`: what was done, what waits, and going on with it in another process."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from jackfield.testing.installation import Installation
from jackfield.testing.terminal import at_terminal

pytestmark = pytest.mark.slow

TASK = '@write_file {"path":"b.txt","content":"hello"} @write_file {"path":"c.txt","content":"more"};;RESULT'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for files to be written in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def waiting(calling: Installation, folder: Path) -> str:
    """A run that waits for the approval of two calls."""
    ran = calling.run("agents", "run", "--json", "-t", "write_file", "--folder", str(folder), f"I write. {TASK}")
    assert ran.returncode == 3, ran.stderr
    identifier: str = json.loads(ran.stdout)["run_id"]
    return identifier


def shown(machine: Installation, run: str) -> dict[str, Any]:
    page: dict[str, Any] = json.loads(machine.run("runs", "show", "--json", run).stdout)
    return page


def test_runs_are_listed_newest_first_and_by_state(calling: Installation, waiting: str) -> None:
    calling.run("ask", "What is\nthis?")
    rows = [line.split("\t") for line in calling.run("runs", "list").stdout.splitlines()]
    assert rows[0] == ["RUN", "STATE", "BEGUN", "TASK"]
    assert [(row[1], row[3][:12]) for row in rows[1:]] == [("finished", "What is this"), ("paused", "I write. @wr")]
    paused = json.loads(calling.run("runs", "list", "--state", "paused", "--json").stdout)
    assert [run["id"] for run in paused] == [waiting]
    assert calling.run("runs", "list", "--state", "failed").stdout == "RUN\tSTATE\tBEGUN\tTASK\n"


def test_a_run_is_shown_with_what_it_waits_for(calling: Installation, waiting: str, folder: Path) -> None:
    page = calling.run("runs", "show", waiting)
    assert page.returncode == 0, page.stderr
    assert "state:  paused" in page.stdout
    assert f"tools:  write_file; folder {folder}" in page.stdout
    assert "waits for approval of:" in page.stdout
    assert "    path: b.txt\n    content: hello" in page.stdout
    assert page.stdout.endswith("answer:\nI write.\n")


def test_the_beginning_of_an_identifier_is_enough_while_no_other_has_it(calling: Installation, waiting: str) -> None:
    assert waiting in calling.run("runs", "show", waiting[4:18]).stdout
    calling.run("ask", "hello")
    several = calling.run("runs", "show", "run_1")
    assert (several.returncode, several.stdout) == (2, "")
    assert "2 runs begin with 'run_1'" in several.stderr
    nothing = calling.run("runs", "show", "run_none")
    assert (nothing.returncode, nothing.stdout) == (4, "")
    assert "There is no run 'run_none'; `jackfield runs list`" in nothing.stderr


def test_approving_goes_on_with_the_run_and_its_page_tells_of_its_calls(
    calling: Installation, waiting: str, folder: Path
) -> None:
    approved = calling.run("runs", "approve", waiting)
    assert (approved.returncode, approved.stdout[:10]) == (0, "I write.\n\n")
    assert approved.stderr.count("✓") == 2
    assert sorted(path.name for path in folder.iterdir()) == ["b.txt", "c.txt"]
    page = shown(calling, waiting)
    assert (page["state"], page["waiting"], page["finish_reason"]) == ("finished", [], "stop")
    assert [call["tool"] for call in page["calls"]] == ["write_file", "write_file"]
    assert page["overlap"]["elapsed"] <= page["overlap"]["seconds"] + 1e-6
    assert "one by one" in calling.run("runs", "show", waiting).stdout


def test_denying_tells_the_model_why_and_goes_on(calling: Installation, waiting: str, folder: Path) -> None:
    denied = calling.run("runs", "deny", waiting, "--reason", "not now")
    assert denied.returncode == 0
    assert "They said: not now" in denied.stdout
    assert not list(folder.iterdir())


def test_one_call_can_be_decided_on_and_the_run_waits_for_the_other(
    calling: Installation, waiting: str, folder: Path
) -> None:
    first, second = (pending["call"]["identifier"] for pending in shown(calling, waiting)["waiting"])
    halfway = calling.run("runs", "approve", waiting, "--call", first)
    assert (halfway.returncode, halfway.stdout) == (3, "")
    assert "path='c.txt'" in halfway.stderr
    assert "path='b.txt'" not in halfway.stderr
    assert not list(folder.iterdir())
    unknown = calling.run("runs", "deny", waiting, "--call", first)
    assert (unknown.returncode, unknown.stdout) == (5, "")
    assert f"it waits for '{second}'" in unknown.stderr
    assert calling.run("runs", "deny", waiting, "--call", second).returncode == 0
    assert [path.name for path in folder.iterdir()] == ["b.txt"]


def test_at_a_terminal_the_other_call_is_asked_about(calling: Installation, waiting: str, folder: Path) -> None:
    first = shown(calling, waiting)["waiting"][0]["call"]["identifier"]
    with at_terminal(calling.environment, "runs", "approve", waiting, "--call", first) as terminal:
        terminal.wait_for("Allow write_file(path='c.txt', content='more')?")
        terminal.wait_for("in this run:")
        terminal.type("y\n")
        assert terminal.ended() == 0
    assert terminal.seen.count("I write.") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["b.txt", "c.txt"]


def test_a_run_that_waits_can_be_cancelled_and_then_waits_for_nobody(calling: Installation, waiting: str) -> None:
    assert "is cancelled" in calling.run("runs", "cancel", waiting).stderr
    assert "had ended already: it is cancelled" in calling.run("runs", "cancel", waiting).stderr
    again = calling.run("runs", "approve", waiting)
    assert (again.returncode, again.stdout) == (5, "")
    assert "is cancelled and waits for nobody" in again.stderr


def test_every_event_can_be_seen(calling: Installation, waiting: str) -> None:
    rows = [line.split("\t") for line in calling.run("runs", "show", "--events", waiting).stdout.splitlines()]
    assert [row[0] for row in rows[1:]] == [str(number) for number in range(1, len(rows))]
    assert (rows[1][2], rows[-1][2]) == ("queued", "paused")
    events = json.loads(calling.run("runs", "show", "--events", "--json", waiting).stdout)
    assert [event["number"] for event in events] == list(range(1, len(rows)))


def test_a_run_whose_process_was_killed_is_resumed_and_does_nothing_twice(calling: Installation, folder: Path) -> None:
    task = '@write_file {"path":"b.txt","content":"hello"};;@nap {"text":"x"};;Done.'
    options = ("--yes", "-t", "write_file", "-t", "nap", "--folder", str(folder))
    with at_terminal(calling.environment, "agents", "run", *options, task) as terminal:
        terminal.wait_for("· nap …")
        terminal.process.send_signal(signal.SIGKILL)
        terminal.ended()
    (folder / "b.txt").unlink()
    (run,) = json.loads(calling.run("runs", "list", "--state", "paused", "--json").stdout)
    waits = calling.run("runs", "approve", run["id"])
    assert (waits.returncode, waits.stdout) == (5, "")
    with calling.started("runs", "resume", run["id"]) as resumed:
        assert resumed.stdin is not None
        while shown(calling, run["id"])["state"] != "running":
            pass
        elsewhere = calling.run("runs", "cancel", run["id"])
        assert (elsewhere.returncode, elsewhere.stdout) == (5, "")
        assert "is executed by another process, which alone can stop it" in elsewhere.stderr
        resumed.send_signal(signal.SIGINT)
        resumed.communicate(timeout=30)
    assert resumed.returncode == 130
    assert shown(calling, run["id"])["state"] == "cancelled"
    assert not list(folder.iterdir())
