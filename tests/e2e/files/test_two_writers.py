"""Processes that write the same file at once: whoever says which version they saw is told, and no text is lost."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from jackfield.testing.file_library import all_bytes, opened_library, pieces
from jackfield.testing.file_workloads import Contest, contend

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROUNDS = 40
WRITERS = ("anna", "ben")
Outcome = tuple[bytes, int, int]


def contested(processes: ForkServerContext, home: Path, database_url: str, *, expects: bool) -> list[Outcome]:
    """What two processes were told of each of their writes."""
    pipes, running = [], []
    for name in WRITERS:
        ours, theirs = processes.Pipe()
        contest = Contest(home=home, database_url=database_url, name=name, rounds=ROUNDS, expects=expects)
        process = processes.Process(target=contend, args=(contest, theirs))
        process.start()
        theirs.close()
        pipes.append(ours)
        running.append(process)
    for pipe in pipes:
        assert pipe.poll(60)
        assert pipe.recv() is None
    for pipe in pipes:
        pipe.send(None)
    outcomes = [outcome for pipe in pipes for outcome in iter(pipe.recv, None)]
    for process in running:
        process.join(60)
        assert process.exitcode == 0
    return outcomes


async def begin(home: Path, database_url: str) -> None:
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        await opened.write("contested.md", pieces(b"the first\n"))


async def test_of_two_who_saw_the_same_version_one_wins_and_the_other_is_told(
    processes: ForkServerContext, home: Path, database_url: str
) -> None:
    await begin(home, database_url)
    outcomes = contested(processes, home, database_url, expects=True)
    won = {version: text for text, version, _ in outcomes if version}
    lost = [newest for _, version, newest in outcomes if not version]
    assert len(won) + len(lost) == len(outcomes) == ROUNDS * len(WRITERS)
    assert all(newest in {1, *won} for newest in lost), "who lost is told which version is the newest"
    assert sorted(won) == list(range(2, len(won) + 2)), "nobody won twice over the same version"
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        assert len(await opened.history("contested.md")) == len(won) + 1
        for version, text in won.items():
            assert await all_bytes(opened, "contested.md", version) == text
        assert (await library.verify(deep=True)).faults == ()


async def test_those_who_expect_nothing_each_add_a_version(
    processes: ForkServerContext, home: Path, database_url: str
) -> None:
    await begin(home, database_url)
    outcomes = contested(processes, home, database_url, expects=False)
    assert sorted(version for _, version, _ in outcomes) == list(range(2, ROUNDS * len(WRITERS) + 2))
    assert all(over == version - 1 for _, version, over in outcomes)
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        for text, version, _ in outcomes:
            assert await all_bytes(opened, "contested.md", version) == text
        (newest,) = [text for text, version, _ in outcomes if version == ROUNDS * len(WRITERS) + 1]
        assert await all_bytes(opened, "contested.md") == newest
        found = await library.search("wrote", mode="keyword", whole_files=True)
        assert [passage.text.strip().encode() for passage in found.found] == [newest.strip()]
        assert (await library.verify(deep=True)).faults == ()
