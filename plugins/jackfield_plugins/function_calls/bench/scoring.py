"""Scores: which answers are right, whose calls fit their schemas, and what is left to tell of a category."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

import msgspec

from jackfield_plugins.function_calls.bench.answers import Answer
from jackfield_plugins.function_calls.bench.cases import Case
from jackfield_plugins.function_calls.bench.checker import CallChecker
from jackfield_plugins.function_calls.bench.functions import OfferedTools, offered_tools

UNWANTED, MISSING, BROKEN, FAILED = "unwanted call", "no call", "broken call", "no answer"


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One answer judged. `fits` is None where there is nothing that is, or was begun as, a call."""

    case: str
    right: bool
    fits: bool | None
    calls: int
    mistake: str = ""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """One category's answers by one server.

    `calling` answers held a call or something begun as one, and in `fitting` of them all of it was calls of tools that
    are there with arguments that fit the schema; `refused` ones held something that was no call before. `seconds` and
    `tokens` are medians.
    """

    category: str
    server: str
    cases: int
    right: int
    calling: int
    fitting: int
    calls: int
    silent: int
    failed: int
    refused: int
    seconds: float
    tokens: float
    mistakes: dict[str, int]

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return self.right / self.cases

    @property
    def fit(self) -> float | None:
        """The share of answers with calls whose calls fit; None where there are none."""
        return self.fitting / self.calling if self.calling else None


def score(case: Case, answer: Answer, checker: CallChecker) -> Score:
    """Judge an answer: where no function suits, one without a call is right, else the checker says."""
    offered = offered_tools(case.function)
    attempted = bool(answer.calls or answer.broken)
    fits = _fits(answer, offered) if attempted else None
    mistake = _mistake(case, answer, offered, checker, attempted=attempted)
    return Score(case=case.id, right=not mistake, fits=fits, calls=len(answer.calls), mistake=mistake)


def tally(category: str, server: str, answers: Sequence[Answer], scores: Sequence[Score]) -> Tally:
    """A category's scores added up; at least one."""
    return Tally(
        category=category,
        server=server,
        cases=len(scores),
        right=sum(each.right for each in scores),
        calling=sum(each.fits is not None for each in scores),
        fitting=sum(each.fits is True for each in scores),
        calls=sum(each.calls for each in scores),
        silent=sum(each.fits is None for each in scores),
        failed=sum(bool(each.failed) for each in answers),
        refused=sum(bool(each.refused) for each in answers),
        seconds=statistics.median(each.seconds for each in answers),
        tokens=statistics.median(each.tokens for each in answers),
        mistakes=dict(Counter(each.mistake for each in scores if each.mistake).most_common()),
    )


def _mistake(case: Case, answer: Answer, offered: OfferedTools, checker: CallChecker, *, attempted: bool) -> str:
    """What is wrong with an answer, nothing where it is right."""
    if answer.failed:
        return FAILED
    if case.ground_truth is None:
        return UNWANTED if attempted else ""
    if answer.broken:
        return BROKEN
    if not answer.calls:
        return MISSING
    verdict = checker.verdict(case, [offered.restored(call) for call in answer.calls])
    return "" if verdict.right else verdict.mistake or "wrong"


def _fits(answer: Answer, offered: OfferedTools) -> bool:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    for call in answer.calls:
        tool = offered.tool(call.tool)
        if tool is None or not Draft202012Validator(tool.parameters).is_valid(call.arguments):
            return False
    return not answer.broken
