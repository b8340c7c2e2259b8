"""What `jackfield doctor` finds of a team server's database, Redis and workers, where they are set up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jackfield.cli.session import Session
from jackfield.contracts.diagnostics import Finding
from jackfield.errors import JackfieldError
from jackfield.log_secrets import without_secrets
from jackfield.settings import Settings

if TYPE_CHECKING:
    from jackfield.jobs.announcements import WorkerBoard

PATIENCE = 5.0
"""Seconds until no answer is an answer."""


async def service_findings(session: Session) -> list[Finding]:
    """One finding for each; none for what has its place in the data folder, or is not used."""
    findings: list[Finding] = []
    if session.settings.database_url:
        findings.append(await asyncio.to_thread(_database, session))
    if session.settings.jobs.redis_url:
        findings += await _redis_and_workers(session.settings)
    return findings


def _database(session: Session) -> Finding:
    """Whether it can be reached, and the revision that its tables are at."""
    from jackfield.wiring import chosen_migrator

    try:
        migrator = chosen_migrator(session.settings, session.plugins)
        current, newest = migrator.current(session.settings.state_url), migrator.newest()
    except JackfieldError as error:
        return Finding(
            subject="database",
            health="broken",
            detail=error.message,
            remedy="Start the database, or mend the setting 'database_url'.",
        )
    if current == newest:
        return Finding(subject="database", health="ok", detail=f"reached; its tables are at revision {current}")
    said = f"reached; its tables are at revision {current or 'none'}, and the newest is {newest}"
    return Finding(subject="database", health="missing", detail=said, remedy="jackfield db upgrade", optional=True)


async def _redis_and_workers(settings: Settings) -> list[Finding]:
    from jackfield.jobs.announcements import WorkerBoard
    from jackfield.jobs.redis_connection import REDIS_AWAY, connected

    address = without_secrets(settings.jobs.redis_url)
    try:
        redis = connected(settings.jobs.redis_url)
    except ValueError as error:
        return [_redis_fault(f"'{address}' is no address of a Redis server: {error}")]
    board = WorkerBoard(redis)
    try:
        async with asyncio.timeout(PATIENCE):
            await board.look()
    except (*REDIS_AWAY, TimeoutError) as error:
        return [_redis_fault(f"{address} cannot be reached ({type(error).__name__})")]
    finally:
        await redis.aclose()
    return [Finding(subject="redis", health="ok", detail=f"{address} answers"), _workers(board)]


def _redis_fault(detail: str) -> Finding:
    remedy = "Start Redis, or mend the setting 'jobs.redis_url'."
    return Finding(subject="redis", health="broken", detail=detail, remedy=remedy)


def _workers(board: WorkerBoard) -> Finding:
    names = [worker.id for worker in board.workers()]
    if not names:
        remedy = "jackfield worker"
        return Finding(subject="workers", health="missing", detail="none lives", remedy=remedy, optional=True)
    return Finding(subject="workers", health="ok", detail=f"{len(names)} live: {', '.join(names)}")
