"""Activation memory: a text that prompts begin with, whose KV cache is kept so that no run reads it again."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.memory import Asker, MemoryUnit
from jackfield.contracts.runs import RunRequest
from jackfield.errors import InvalidRequest, RunCancelled
from jackfield.events import Cancelled, Failed
from jackfield.identifiers import new_identifier
from jackfield.messages import Message

if TYPE_CHECKING:
    from jackfield.workbench import Workbench

QUESTION = "Are you ready?"
"""What is asked once, so that the text before it is read and its cache kept."""


async def kept_prefix(workbench: Workbench, text: str, *, model: str, asker: Asker, source: str = "") -> MemoryUnit:
    """Remember a text for a model, once that has read it; raises InvalidRequest where it cannot, or ModelNotFound."""
    if not text.strip():
        raise InvalidRequest("There is nothing to keep: the text is empty.", parameter="text")
    installed = await workbench.models.get(model)
    now = datetime.now(UTC)
    unit = MemoryUnit(
        id=new_identifier("mem"),
        kind="activation",
        text=text,
        provenance="user",
        owner_id=asker.id,
        team_id=asker.team_id,
        remembered_at=now,
        changed_at=now,
        source=source,
        model=installed.name,
    )
    await _read_once(workbench, unit)
    return await workbench.semantic.memory.remember(unit)


def begun_with(request: RunRequest, unit: MemoryUnit) -> RunRequest:
    """A request whose conversation begins with a kept text, to the model that read it unless it names another.

    Raises InvalidRequest where it has instructions already.
    """
    if unit.kind != "activation":
        raise InvalidRequest(f"Memory '{unit.id}' is a {unit.kind}; only a kept text can begin a prompt.")
    if request.prompt is not None or any(message.role == "system" for message in request.messages):
        raise InvalidRequest("A prompt that begins with a kept text has no instructions of its own; leave one out.")
    messages = (Message.of("system", unit.text), *request.messages)
    return msgspec.structs.replace(request, model=request.model or unit.model or "", messages=messages)


async def _read_once(workbench: Workbench, unit: MemoryUnit) -> None:
    messages = (Message.of("system", unit.text), Message.of("user", QUESTION))
    run = await workbench.start(
        RunRequest(model=unit.model or "", messages=messages, max_tokens=1, priority="background", client="memory")
    )
    async with aclosing(workbench.watch(run.id)) as events:
        async for event in events:
            if isinstance(event.body, Failed):
                raise InvalidRequest(f"Model '{unit.model}' could not read the text: {event.body.message}")
            if isinstance(event.body, Cancelled):
                raise RunCancelled(f"Run '{run.id}' was cancelled before the text was read; keep it again.")
