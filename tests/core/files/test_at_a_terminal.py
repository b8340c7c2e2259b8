"""`jackfield files` as a person sees it, and stops it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from jackfield.testing.installation import Installation
from jackfield.testing.terminal import at_terminal

pytestmark = pytest.mark.slow

FILES = 300


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    """A machine with many files in `many`."""
    many = tmp_path / "many"
    many.mkdir()
    for number in range(FILES):
        (many / f"{number:04}.md").write_text(f"# Number {number}\n\nThis is about backups.\n", encoding="utf-8")
    return Installation(tmp_path)


def test_stopping_leaves_whole_files_and_the_next_run_goes_on(machine: Installation, tmp_path: Path) -> None:
    many = str(tmp_path / "many")
    with machine.started("files", "add", many) as adding:
        assert adding.stderr is not None
        assert adding.stderr.readline().startswith(b"Adding: ")
        adding.send_signal(signal.SIGINT)
        told = adding.stderr.read().decode()
        assert adding.wait() == 130
    assert f"of {FILES} files; adding them again goes on." in told
    assert "Traceback" not in told
    sound = machine.run("files", "verify", "--deep")
    assert sound.returncode == 0, sound.stderr
    again = json.loads(machine.run("files", "add", many, "--json").stdout)
    assert again["unchanged"] >= FILES // 10
    assert (again["unchanged"] + again["added"], again["failures"]) == (FILES, [])
    assert again["index"]["done"]


def test_a_person_sees_passages_with_the_words_marked(machine: Installation, tmp_path: Path) -> None:
    with at_terminal(machine.environment, "files", "add", str(tmp_path / "many" / "0007.md")) as terminal:
        assert terminal.ended() == 0
        assert "1 added." in terminal.seen
    with at_terminal(machine.environment, "files", "find", "backup") as terminal:
        assert terminal.ended() == 0
        assert "0007.md · Number 7 · version 1, bytes " in terminal.seen
        assert "\x1b[1mbackups\x1b[0m" in terminal.raw
    long_name = f"{'long-' * 12}end.md"
    machine.run("files", "add", "-", "--as", long_name, typed="text")
    with at_terminal(machine.environment, "files", "ls", columns=60) as terminal:
        assert terminal.ended() == 0
        assert "2 files, " in terminal.seen
        first_words = [line.split()[0] for line in terminal.seen.splitlines() if line.strip()]
        assert long_name in "".join(first_words)


def test_a_terminal_is_shown_text_only(machine: Installation, tmp_path: Path) -> None:
    (tmp_path / "red.txt").write_bytes(b"\x1b[31mred\x1b[0m\n")
    machine.run("files", "add", "-", "--as", "data.bin", typed=b"\x00\x01")
    machine.run("files", "add", str(tmp_path / "red.txt"))
    with at_terminal(machine.environment, "files", "cat", "data.bin") as terminal:
        assert terminal.ended() == 2
        assert "send it to a file (> FILE)" in terminal.seen
    with at_terminal(machine.environment, "files", "cat", "red.txt") as terminal:
        assert terminal.ended() == 0
        assert "\\x1b[31mred" in terminal.seen


def test_forgetting_for_good_is_asked_about(machine: Installation) -> None:
    machine.run("files", "add", "-", "--as", "a.md", typed="text")
    machine.run("files", "rm", "a.md")
    with at_terminal(machine.environment, "files", "purge", "a.md") as terminal:
        terminal.wait_for("Forget 'a.md' for good, with all its versions? [y/N]:")
        terminal.type("n\n")
        assert terminal.ended() == 130
    with at_terminal(machine.environment, "files", "purge", "a.md") as terminal:
        terminal.wait_for("[y/N]:")
        terminal.type("y\n")
        assert terminal.ended() == 0
        assert "'a.md' is forgotten; 4 bytes freed." in terminal.seen


def test_a_plan_in_words_is_asked_about_until_the_answer_is_clear(machine: Installation, tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    for name in ("plan-a.md", "plan-b.md"):
        (tmp_path / "plans" / name).write_text("A plan\n", encoding="utf-8")
    machine.run("files", "add", str(tmp_path / "plans"))
    with at_terminal(machine.environment, "files", "do", "delete the plan") as terminal:
        terminal.wait_for("Its number, [all], or [n]one:")
        terminal.type("7\n")
        terminal.wait_for("Its number, [all], or [n]one:")
        terminal.type("2\n")
        terminal.wait_for("Do it? [y]es, [n]o:")
        terminal.type("perhaps\n")
        terminal.wait_for("Do it? [y]es, [n]o:")
        terminal.type("n\n")
        assert terminal.ended() == 3
        assert "Nothing was done." in terminal.seen
        assert "error" not in terminal.seen
    with at_terminal(machine.environment, "files", "do", "delete plan-b.md") as terminal:
        terminal.wait_for("Do it? [y]es, [n]o:")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
        assert "Nothing was done." in terminal.seen
