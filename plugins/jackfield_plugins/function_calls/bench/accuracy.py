"""Accuracy: the same cases to our runs and to a peer, one at a time, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from jackfield.contracts.protocols import CallProtocol
from jackfield_plugins.function_calls.bench.answers import Answer, Answerer, KeptAnswers
from jackfield_plugins.function_calls.bench.cases import Case
from jackfield_plugins.function_calls.bench.checker import CallChecker
from jackfield_plugins.function_calls.bench.functions import offered_tools
from jackfield_plugins.function_calls.bench.reread import reread
from jackfield_plugins.function_calls.bench.scoring import Score, Tally, score, tally

AS_GIVEN, AS_WRITTEN = "peer, as given", "peer, as written"

Say = Callable[[str], None]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with its score; `server` says whose, and how a peer's is read."""

    server: str
    answer: Answer
    score: Score


class Parting(msgspec.Struct, frozen=True, kw_only=True):
    """How two servers' answers to a category compare, case by case."""

    category: str
    other: str
    both_right: int
    only_ours: int
    only_theirs: int
    neither: int


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """What cases showed: a tally for each category and server, and every answer."""

    tallies: tuple[Tally, ...]
    partings: tuple[Parting, ...]
    answers: tuple[Judged, ...]


class Judge:
    """Scores answers; a peer's twice: for the calls it gave, and for those that its text holds too."""

    def __init__(self, checker: CallChecker, native: CallProtocol | None) -> None:
        self._checker = checker
        self._native = native

    def judged(self, case: Case, answer: Answer, *, ours: bool) -> list[Judged]:
        """One answer's scores."""
        if ours:
            return [self._scored(case, answer, answer.server)]
        given = self._scored(case, answer, AS_GIVEN)
        if self._native is None:
            return [given]
        written = reread(answer, offered_tools(case.function), self._native)
        return [given, self._scored(case, written, AS_WRITTEN)]

    def _scored(self, case: Case, answer: Answer, server: str) -> Judged:
        return Judged(server=server, answer=answer, score=score(case, answer, self._checker))


async def answered(
    cases: Sequence[Case], answerers: Sequence[Answerer], kept: KeptAnswers, say: Say, *, seconds: float
) -> list[Case]:
    """Have cases answered by everybody, never two at once, and give those that are; who goes first takes turns.

    No case is begun after so many seconds.
    """
    done = []
    end = time.monotonic() + seconds
    for place, case in enumerate(cases):
        turn = place % len(answerers)
        missing = [each for each in (*answerers[turn:], *answerers[:turn]) if kept.get(each, case) is None]
        if missing and time.monotonic() > end:
            continue
        for answerer in missing:
            answer = await answerer.answer(case, offered_tools(case.function))
            kept.put(answer)
            say(f"{case.id} ({place + 1} of {len(cases)}): {answerer.name} {_in_short(answer)}")
        done.append(case)
    return done


def accuracy(
    cases: Sequence[Case], ours: Answerer | None, peer: Answerer | None, kept: KeptAnswers, judge: Judge
) -> Accuracy:
    """What was answered, judged and added up; every case was answered by everybody."""
    judged = [
        each
        for case in cases
        for answerer in (ours, peer)
        if answerer and (answer := kept.get(answerer, case))
        for each in judge.judged(case, answer, ours=answerer is ours)
    ]
    category_of = {case.id: case.category for case in cases}
    groups: dict[tuple[str, str], list[Judged]] = {}
    for each in judged:
        groups.setdefault((category_of[each.answer.case], each.server), []).append(each)
    return Accuracy(
        tallies=tuple(
            tally(category, server, [each.answer for each in group], [each.score for each in group])
            for (category, server), group in groups.items()
        ),
        partings=tuple(_partings(groups, ours.name)) if ours else (),
        answers=tuple(judged),
    )


def _partings(groups: dict[tuple[str, str], list[Judged]], ours: str) -> list[Parting]:
    found = []
    for (category, server), group in groups.items():
        if server == ours:
            continue
        right = {each.answer.case: each.score.right for each in groups[(category, ours)]}
        pairs = [(right[each.answer.case], each.score.right) for each in group]
        found.append(
            Parting(
                category=category,
                other=server,
                both_right=pairs.count((True, True)),
                only_ours=pairs.count((True, False)),
                only_theirs=pairs.count((False, True)),
                neither=pairs.count((False, False)),
            )
        )
    return found


def _in_short(answer: Answer) -> str:
    if answer.failed:
        return f"failed ({answer.failed:.120})"
    broken = f", {len(answer.broken)} broken" if answer.broken else ""
    return f"{len(answer.calls)} calls{broken}, {answer.seconds:.2f} s"
