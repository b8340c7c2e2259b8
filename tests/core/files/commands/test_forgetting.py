"""`jackfield memory forget`: what it asks, and what it says of the runs that still have the words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from jackfield.contracts.memory import MemoryUnit
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.files.semantic_stores import SemanticStores
from jackfield.messages import Message, Span
from jackfield.wiring import open_workbench


def remember(desk: Any, text: str, source: str, *, on_record: bool) -> str:
    """A memory that was taken from a run, as is on record or was pruned since; its identifier."""
    now = datetime.now(UTC)
    request = RunRequest(model="m", messages=(Message("user", (Span(text, "user"),)),))
    session = desk._session()

    async def put() -> str:
        async with open_workbench(session.settings, session.plugins) as workbench:
            if on_record:
                await workbench.runs.add(RunRecord(id=source, request=request, state="paused", created_at=now))
            stores: SemanticStores = workbench.semantic
            unit = MemoryUnit(
                id=f"mem_{source}",
                text=text,
                provenance="user",
                owner_id="local",
                remembered_at=now,
                changed_at=now,
                source=source,
            )
            return (await stores.memory.remember(unit)).id

    return asyncio.run(put())


def test_forgetting_names_the_run_that_still_has_the_words(desk: Any) -> None:
    said = desk.run("memory", "forget", remember(desk, "My name is Ada.", "run_a", on_record=True))
    assert said.code == 0
    assert said.err.splitlines() == [
        "Forgot 1 memory.",
        "Run run_a keeps what was said there; runs are pruned 30 days after their end (runs.keep_days).",
    ]
    pruned = desk.run("memory", "forget", remember(desk, "I live in Cologne.", "run_b", on_record=False))
    assert pruned.err == "Forgot 1 memory.\n"


def test_everything_is_forgotten_only_where_somebody_said_so(desk: Any) -> None:
    remember(desk, "My name is Ada.", "run_a", on_record=True)
    remember(desk, "I live in Cologne.", "run_b", on_record=True)
    unasked = desk.run("memory", "forget", "--all")
    assert unasked.code == 2
    assert "say --yes if you mean it" in unasked.err
    said = desk.run("memory", "forget", "--all", "--yes")
    assert "Forgot 2 memories." in said.err
    assert "run_a" in said.err
    assert "run_b" in said.err
    assert desk.run("memory", "ls", "--json").json == []
