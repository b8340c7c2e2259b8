"""What is told of plans made of words, and of what came of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield.files.words.commands import Done, agreement_to
from jackfield.files.words.executing import Outcome
from jackfield.files.words.planning import Plan, Settled
from jackfield.files.words.steps import call_of, writes
from jackfield.files.words.telling import sentence, told


class PlannedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a plan: the call, what it will do in a sentence, and the files that it is about.

    `reader` says whether rules or a model read it in the words.
    """

    call: str
    says: str
    files: list[str]
    writes: bool
    reader: str


class CallOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a step: in sentences, and as the call gives it. A step with an `error` is the last."""

    call: str
    says: list[str]
    result: Any = None
    error: str | None = None
    code: str | None = None


class WordsDone(msgspec.Struct, frozen=True, kw_only=True):
    """The plan, and its outcomes if it was carried out: `change` undoes all of it.

    What is not done yet waits for an agreement `to` the plan, `as_of` its time.
    """

    collection: str
    steps: list[PlannedCall]
    to: str
    as_of: datetime
    change: str | None = None
    outcomes: list[CallOutcome] | None = None

    @classmethod
    def planned(cls, plan: Plan, as_of: datetime) -> WordsDone:
        """A plan that nobody agreed to yet."""
        steps = [_planned(settled) for settled in plan.steps]
        return cls(collection=plan.collection, steps=steps, to=agreement_to(plan), as_of=as_of)

    @classmethod
    def done(cls, done: Done, as_of: datetime) -> WordsDone:
        """A plan that was carried out, or as far as it went."""
        outcomes = [_outcome(outcome) for outcome in done.outcomes]
        planned = cls.planned(done.plan, as_of)
        return msgspec.structs.replace(planned, change=done.change, outcomes=outcomes)


def _planned(settled: Settled) -> PlannedCall:
    return PlannedCall(
        call=call_of(settled.step),
        says=sentence(settled, UTC),
        files=[file.path for file in settled.files],
        writes=writes(settled.step),
        reader=settled.reader,
    )


def _outcome(outcome: Outcome) -> CallOutcome:
    return CallOutcome(
        call=outcome.call,
        says=told(outcome, UTC),
        result=outcome.result,
        error=outcome.error or None,
        code=outcome.code or None,
    )
