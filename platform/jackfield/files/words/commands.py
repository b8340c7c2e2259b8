"""Words to calls in one line each: the plan of a command, and the plan carried out."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import msgspec

from jackfield.files.asking import ChatModel
from jackfield.files.library import Library
from jackfield.files.words.executing import Carrier, Outcome
from jackfield.files.words.model_reading import ModelReader
from jackfield.files.words.planning import Plan, Planner
from jackfield.files.words.times import Clock
from jackfield.identifiers import new_identifier


class Done(msgspec.Struct, frozen=True):
    """A plan that was carried out, or as far as it went: the outcome of each step, and what undoes all of them."""

    plan: Plan
    change: str
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> bool:
        """Whether the last step failed, so that what follows it was not done."""
        return bool(self.outcomes and self.outcomes[-1].error)


async def plan_of(
    library: Library,
    words: str,
    *,
    collection: str | None = None,
    chat: ChatModel | None = None,
    clock: Clock | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """What words come to; changes nothing. `choices` are the files meant by names that fit several.

    Raises InvalidRequest for words that are not understood, Ambiguous, FileNotThere, VersionNotFound, or NotAllowed
    for a plan of what only those who may write can do.
    """
    opened = await library.opened(collection)
    reader = ModelReader(chat) if chat else None
    planner = Planner(library, opened, clock or Clock(datetime.now(UTC)), reader=reader, choices=choices)
    plan = await planner.plan(words)
    if plan.level != "read":
        await library.opened(collection, plan.level)
    return plan


def agreement_to(plan: Plan) -> str:
    """What stands for a plan, word for word, with the versions that it was made with: two such plans do the same."""
    return hashlib.sha256(msgspec.json.encode(plan)).hexdigest()


async def outcomes(
    library: Library, plan: Plan, *, change: str, chat: ChatModel | None = None
) -> AsyncGenerator[Outcome]:
    """Carry a plan out, and tell each step as it ends; a step that fails is the last."""
    opened = await library.opened(plan.collection, plan.level)
    async with aclosing(Carrier(library, opened, chat=chat).outcomes(plan, change)) as told:
        async for outcome in told:
            yield outcome


async def carried_out(library: Library, plan: Plan, *, chat: ChatModel | None = None) -> Done:
    """Carry a plan out as one change."""
    change = new_identifier("change")
    return Done(plan, change, tuple([outcome async for outcome in outcomes(library, plan, change=change, chat=chat)]))
