"""Processes that are killed while they change files: what was acknowledged is there, and everything agrees."""

from __future__ import annotations

import os
import random
import sys
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from blake3 import blake3

from jackfield.contracts.files import VerifyReport
from jackfield.errors import FileNotThere
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.testing.file_library import all_bytes, opened_library
from jackfield.testing.file_workloads import KINDS, Acknowledged, Job, Kind, work_until_killed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("JACKFIELD_TEST_KILLS", "50"))
SEED = int(os.environ.get("JACKFIELD_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
STARTS_WITHIN = 60.0


class Promises:
    """Everything that was acknowledged so far, by path and version."""

    def __init__(self) -> None:
        self.digests: dict[tuple[str, int], str] = {}
        self.words: dict[tuple[str, int], str] = {}

    def take(self, acknowledged: list[Acknowledged]) -> None:
        for one in acknowledged:
            self.digests[one.path, one.version] = one.digest
            if one.word:
                self.words[one.path, one.version] = one.word


def killed(processes: ForkServerContext, job: Job, chance: random.Random) -> list[Acknowledged]:
    """Let a process work, end it as a power cut does, and give what it had been acknowledged by then."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=work_until_killed, args=(job, theirs))
    process.start()
    theirs.close()
    try:
        assert ours.poll(STARTS_WITHIN), "it never began"
        assert ours.recv() is None
        told = _some(ours, chance.randrange(0, 12))
        time.sleep(chance.uniform(0, 0.03))
    finally:
        process.kill()
        process.join()
    return told + _rest(ours)


def _some(ours: Connection, number: int) -> list[Acknowledged]:
    told = []
    while len(told) < number:
        assert ours.poll(STARTS_WITHIN), "it hangs"
        told.append(ours.recv())
    return told


def _rest(ours: Connection) -> list[Acknowledged]:
    """What was in the pipe; the last may be cut off."""
    told = []
    with ours:
        try:
            while ours.poll(0):
                told.append(ours.recv())
        except (EOFError, OSError):
            pass
    return told


async def check_promises(opened: OpenCollection, promises: Promises, newest: list[Acknowledged]) -> None:
    for one in newest:
        assert await _kept(opened, one.path, one.version) == promises.digests[one.path, one.version], one


async def _kept(opened: OpenCollection, path: str, version: int) -> str:
    """The digest of a version's bytes, of a file that may go by another name since, or be deleted."""
    try:
        return blake3(await all_bytes(opened, path, version)).hexdigest()
    except FileNotThere:
        history = await _history_anywhere(opened, path, version)
        return history[version]


async def _history_anywhere(opened: OpenCollection, path: str, version: int) -> dict[int, str]:
    for deleted in (False, True):
        for file in await opened.every(deleted=deleted):
            history = await opened.history(file.path, deleted=deleted)
            if any(one.path == path and one.number == version for one in history):
                return {one.number: one.digest for one in history}
    pytest.fail(f"version {version} of '{path}' was acknowledged and is nowhere")


async def check_found(library: Library, opened: OpenCollection, newest: list[Acknowledged]) -> None:
    """A word is found in the files whose newest version has it, and in no other."""
    texts = {file.path: await all_bytes(opened, file.path) for file in await opened.every()}
    for word in [one.word for one in newest if one.word][-3:]:
        found = await library.search(word, mode="keyword", whole_files=True)
        have = {path for path, text in texts.items() if word.encode() in text}
        assert {passage.path for passage in found.found} == have, word


def age_blobs(home: Path) -> None:
    """Let an hour pass, after which bytes that nothing has are told."""
    before = time.time() - 7200
    for path in (home / "blobs").glob("??/*"):
        os.utime(path, (before, before))


def faults_but_orphans(report: VerifyReport) -> list[str]:
    """A killed process may leave bytes that nothing refers to, and nothing else."""
    return [f"{one.kind} {one.where}: {one.detail}" for one in report.faults if one.kind != "blob_orphaned"]


@pytest.mark.parametrize("kind", KINDS)
async def test_files_versions_and_index_agree_after_every_kill(
    processes: ForkServerContext, home: Path, database_url: str, kind: Kind
) -> None:
    kills = KILLS // len(KINDS)
    sys.stdout.write(f"\nseed {SEED}, {kills} kills during {kind}\n")
    chance = random.Random(f"{SEED} {kind}")
    promises, orphans = Promises(), 0
    for number in range(kills):
        job = Job(home=home, database_url=database_url, kind=kind, seed=chance.getrandbits(32))
        newest = killed(processes, job, chance)
        promises.take(newest)
        async with opened_library(home, database_url=database_url) as library:
            opened = await library.opened(level="write")
            age_blobs(home)
            report = await library.verify(deep=True)
            assert faults_but_orphans(report) == [], f"after kill {number + 1}"
            orphans = len(report.faults)
            await check_promises(opened, promises, newest)
            if kind != "index" or number + 1 == kills:  # else the next process goes on with it, and dies too
                progress = await library.run_index()
                assert progress.done, progress
                assert progress.failed == 0
                assert faults_but_orphans(await library.verify()) == []
                await check_found(library, opened, newest)
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        repaired = await library.verify(deep=True, repair=True)
        assert repaired.sound, repaired
        report = await library.verify(deep=True)
        assert report.faults == ()
        for (path, version), digest in promises.digests.items():
            assert await _kept(opened, path, version) == digest
    sys.stdout.write(
        f"{len(promises.digests)} acknowledged versions, {report.versions} in all, {orphans} orphaned blobs removed\n"
    )
