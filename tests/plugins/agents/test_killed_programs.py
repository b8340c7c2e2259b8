"""A process that is killed in the middle of a stored program: the resumed run ends as an uninterrupted one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import sqlite_url
from jackfield.contracts.runs import RunRecord
from jackfield.events import CallEnded, Finished, RunEvent
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.testing.tool_runs import bodies, text_of
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.state_store import SqlStateStoreFactory

pytestmark = pytest.mark.slow

PROCESS = Path(__file__).with_name("program_run.py")
END = 60
"""Seconds that a process is given."""


class Machine:
    """A data folder with a scripted model, and a folder to write to, in which a program is carried out."""

    def __init__(self, place: Path) -> None:
        self.home, self.folder = place / "home", place / "files"
        self.home.mkdir(parents=True)
        self.folder.mkdir()
        self.run_id: str | None = None
        model_file = self.home / "scripted.model"
        model_file.write_bytes(b"\x00")
        self._url = sqlite_url(self.home)
        AlembicMigrator().upgrade(self._url)
        asyncio.run(self._install(model_file))

    def work(self, *, ticks: int | None = None) -> int:
        """Carry the program out in a new process, which is killed after so many signs of life; how many it gave."""
        command = [sys.executable, str(PROCESS), str(self.home), str(self.folder)]
        command += [self.run_id] if self.run_id else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            if ticks is not None:
                told = process.stdout.read(ticks)
                process.send_signal(signal.SIGKILL)
                told += process.stdout.read()
            else:
                told = process.stdout.read()
                assert process.wait(END) == 0, process.stderr.read().decode()
            process.stderr.read()
        line = next((line for line in told.split(b"\n") if line.strip(b".")), b"").strip(b".")
        self.run_id = self.run_id or (line.decode() or asyncio.run(self._newest()))
        return told.count(b".")

    @property
    def files(self) -> dict[str, bytes]:
        """What was written, by path."""
        written = (path for path in self.folder.rglob("*") if path.is_file() and ".partial" not in path.suffix)
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in written}

    @property
    def calls(self) -> list[str]:
        """Every call that a tool began, in order."""
        log = self.home / "calls.log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """The run's events on record."""
        return asyncio.run(self._events())

    @property
    def ended_calls(self) -> set[str]:
        """The calls that are on record with what came of them."""
        return {_key(ended) for ended in bodies(self.events, CallEnded)}

    async def _install(self, file: Path) -> None:
        store = await SqlStateStoreFactory().open(self._url)
        model = InstalledModel(
            name="scripted",
            path=file,
            reference="scripted",
            sha256="0" * 64,
            pulled_at=datetime.now(UTC),
            description=ScriptedEngine().model,
        )
        await store.models.put(model)
        await store.close()

    async def _newest(self) -> str | None:
        store = await SqlStateStoreFactory().open(self._url)
        runs: tuple[RunRecord, ...] = await store.runs.recent()
        await store.close()
        return runs[0].id if runs else None

    async def _events(self) -> tuple[RunEvent, ...]:
        store = await SqlStateStoreFactory().open(self._url)
        events = await store.runs.events(self.run_id or "")
        await store.close()
        return events


def _key(ended: CallEnded) -> str:
    """A call as the process writes it down."""
    content = json.dumps([ended.call.tool, ended.call.arguments], sort_keys=True)
    return f"{ended.call.tool} {hashlib.sha256(content.encode()).hexdigest()}"


class Uninterrupted(msgspec.Struct, frozen=True):
    """How the program ends where nobody interrupts it."""

    ticks: int
    files: dict[str, bytes]
    text: str
    calls: list[str]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    """One whole run."""
    machine = Machine(tmp_path_factory.mktemp("uninterrupted"))
    ticks = machine.work()
    assert isinstance(machine.events[-1].body, Finished), machine.events[-1].body
    return Uninterrupted(ticks, machine.files, text_of(machine.events), machine.calls)


def test_an_uninterrupted_program_writes_all_its_files(uninterrupted: Uninterrupted) -> None:
    written = {"numbers.py", "adding.py", "result.json", "docs/result.md", "test_adding.py"}
    assert uninterrupted.files.keys() == written
    assert uninterrupted.files["adding.py"].decode().endswith("return sum(numbers())\n")
    assert len(set(uninterrupted.calls)) == len(uninterrupted.calls) > len(written)


def assert_survives(machine: Machine, kills: list[int], uninterrupted: Uninterrupted) -> None:
    """Kill a program's process after so many signs of life each time, and let the last one come to its end."""
    for ticks in (*kills, None):
        begun, ended = len(machine.calls), set(machine.ended_calls)
        machine.work(ticks=ticks)
        assert not ended & set(machine.calls[begun:]), "what is on record is not done again"
    events = machine.events
    assert isinstance(events[-1].body, Finished), events[-1].body
    assert machine.files == uninterrupted.files
    assert text_of(events) == uninterrupted.text
    assert sorted(machine.ended_calls) == sorted(uninterrupted.calls)
    assert len(bodies(events, CallEnded)) == len(uninterrupted.calls)
    assert [event.number for event in events] == list(range(1, len(events) + 1))


def test_a_program_killed_midway_ends_as_if_it_had_not_been(tmp_path: Path, uninterrupted: Uninterrupted) -> None:
    assert_survives(Machine(tmp_path), [uninterrupted.ticks // 2], uninterrupted)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(10))
def test_a_program_killed_at_any_moments_ends_as_if_it_had_not_been(
    tmp_path: Path, uninterrupted: Uninterrupted, seed: int
) -> None:
    chance = random.Random(seed)
    kills = [chance.randrange(1, uninterrupted.ticks // 2) for _ in range(4)]
    assert_survives(Machine(tmp_path), kills, uninterrupted)
