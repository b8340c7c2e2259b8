"""A process that is killed in the middle of writing leaves a database that holds all it had promised."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield.contracts.records import sqlite_url
from jackfield.testing.contract_suites.records_made import numbered, words
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.state_store import SqlStateStoreFactory

BATCH = 50

WRITER = f"""
import asyncio, sys
from jackfield.testing.contract_suites.records_made import a_run, numbered, words
from jackfield_storage.state_store import SqlStateStoreFactory

async def main():
    store = await SqlStateStoreFactory().open(sys.argv[1])
    run = a_run()
    await store.runs.add(run)
    print(run.id, flush=True)
    for first in range(1, 10**9, {BATCH}):
        await store.runs.append(run.id, numbered(run.id, words({BATCH}), first=first))
        print(first + {BATCH - 1}, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 7])
async def test_a_kill_in_mid_write_loses_no_event_that_was_stored(database: Path, lines: int) -> None:
    url = sqlite_url(database.parent)
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
    promised = int(said[-1]) if said else lines * BATCH
    assert AlembicMigrator().upgrade(url) == ()
    store = await SqlStateStoreFactory().open(url)
    try:
        events = await store.runs.events(run_id)
        assert len(events) >= promised
        assert len(events) % BATCH == 0
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert [run.id for run in await store.runs.unfinished()] == [run_id]
        await store.runs.append(run_id, numbered(run_id, words(1), first=len(events) + 1))
    finally:
        await store.close()
