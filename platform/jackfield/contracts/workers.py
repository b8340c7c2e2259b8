"""Processes that execute runs, as they tell of themselves."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jackfield.events import Usage


class ModelLoad(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many runs of a model a worker executes, and how many of those wait for their first token."""

    running: int = 0
    waiting: int = 0


class LiveWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that lives: the models it serves, those it holds in memory, and what it can still take.

    One that serves nothing by name (`serves` empty) takes any installed model. `free_memory` is in bytes. A `draining`
    one takes no more. `used` are the tokens that a model in memory has read and written since it was loaded.
    """

    id: str
    seen_at: datetime
    serves: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    loads: dict[str, ModelLoad] = {}
    concurrency: int = 1
    free_memory: int = 0
    draining: bool = False
    used: dict[str, Usage] = {}

    @property
    def load(self) -> int:
        """How many runs it has in hand, of all models."""
        return sum(load.running for load in self.loads.values())

    def can_serve(self, model: str) -> bool:
        """Whether runs of a model can be sent to it."""
        return not self.draining and (not self.serves or model in self.serves)
