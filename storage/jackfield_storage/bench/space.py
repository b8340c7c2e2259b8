"""How much room a store takes: on disk by kind of table, and in this process's memory."""

from __future__ import annotations

import resource
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from jackfield_storage.addresses import database_file
from jackfield_storage.bench.figures import Space
from jackfield_storage.bench.store_under_test import StoreUnderTest

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FULL_TEXT, VECTORS = "passage_words", "passage_vectors"


async def space_of(tested: StoreUnderTest) -> Space:
    """What a store takes now, and the most memory since `forget_peak`."""
    file = database_file(tested.database.url)
    blobs = folder_bytes(tested.folder / "blobs")
    if file is None:
        whole, vectors, words = await tested.database.look(_postgres)
    else:
        vectors, words = await tested.database.look(_sqlite)
        beside = [Path(f"{file}{ending}") for ending in ("", "-wal")]
        whole = sum(path.stat().st_size for path in beside if path.exists())
    return Space(database=whole, vectors=vectors, full_text=words, blobs=blobs, peak_memory=peak_memory())


def folder_bytes(folder: Path) -> int:
    """Of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def forget_peak() -> None:
    """Let the most memory be counted from now on, where Linux lets us."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory() -> int:
    """Bytes of physical memory that this process had at most."""
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _sqlite(connection: Connection) -> tuple[int | None, int | None]:
    asked = "SELECT sum(pgsize) FROM dbstat WHERE name GLOB ? OR name GLOB ?"
    try:
        found = [
            connection.exec_driver_sql(asked, (f"{name}*", f"ix_{name}*")).scalar() for name in (VECTORS, FULL_TEXT)
        ]
    except OperationalError:  # a SQLite without dbstat
        return None, None
    return int(found[0] or 0), int(found[1] or 0)


def _postgres(connection: Connection) -> tuple[int, int | None, int | None]:
    whole = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    found = [
        connection.exec_driver_sql("SELECT pg_total_relation_size(%s::regclass)", (name,)).scalar_one()
        for name in (VECTORS, FULL_TEXT)
    ]
    return int(whole), int(found[0]), int(found[1])
