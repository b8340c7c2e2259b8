"""What a process that executes runs tells of itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import psutil  # type: ignore[import-untyped]

from jackfield.contracts.workers import LiveWorker, ModelLoad
from jackfield.events import Usage
from jackfield.identifiers import new_identifier
from jackfield.models.residents import LoadedModel


def worker_name() -> str:
    """A name that no other process has, in this life or another; it says where to look for it."""
    return f"{socket.gethostname()}-{os.getpid()}-{new_identifier('w').removeprefix('w_')[-8:]}"


def self_description(
    name: str,
    loaded: Sequence[LoadedModel],
    *,
    loads: Mapping[str, ModelLoad] | None = None,
    serves: Sequence[str] = (),
    concurrency: int,
    memory: int = 0,
    draining: bool = False,
    used: Mapping[str, Usage] | None = None,
) -> LiveWorker:
    """This process, now.

    Without `loads`, they are what its models have in hand. `memory` is what models may take together, in bytes;
    with 0, what the machine has left is free.
    """
    if loads is None:
        loads = {model.name: ModelLoad(running=model.requests) for model in loaded if model.requests}
    taken = sum(model.bytes for model in loaded)
    available = psutil.virtual_memory().available
    return LiveWorker(
        id=name,
        seen_at=datetime.now(UTC),
        serves=tuple(serves),
        holds=tuple(dict.fromkeys(model.name for model in loaded)),
        loads=dict(loads),
        concurrency=concurrency,
        free_memory=max(0, min(available, memory - taken)) if memory else available,
        draining=draining,
        used=dict(used or {}),
    )
