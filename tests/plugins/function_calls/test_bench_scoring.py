"""Scores: right or wrong, and whether calls fit, for answers that call, break, say nothing or fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from jackfield.messages import Call
from jackfield_plugins.function_calls.bench.answers import Answer
from jackfield_plugins.function_calls.bench.cases import Case, Turn
from jackfield_plugins.function_calls.bench.checker import RestoredCall, Verdict
from jackfield_plugins.function_calls.bench.scoring import score, tally


class ExactChecker:
    """Wants the first value of every parameter."""

    def verdict(self, case: Case, calls: Sequence[RestoredCall]) -> Verdict:
        truth = case.ground_truth or ()
        wanted = [{name: {key: each[name][key][0] for key in each[name]} for name in each} for each in truth]
        return Verdict(right=list(calls) == wanted, mistake="value")


def case(*, wanted: bool = True) -> Case:
    return Case(
        id="one_0" if wanted else "none_0",
        question=((Turn("user", "How far?"),),),
        function=(
            {
                "name": "trip.km",
                "description": "",
                "parameters": {"type": "dict", "properties": {"to": {"type": "string"}}, "required": ["to"]},
            },
        ),
        ground_truth=({"trip.km": {"to": ["Oslo"]}},) if wanted else None,
    )


def answer(*calls: tuple[str, dict[str, Any]], **other: Any) -> Answer:
    made = tuple(Call(identifier=str(place), tool=tool, arguments=each) for place, (tool, each) in enumerate(calls))
    return Answer(case="one_0", server="jackfield", conditions="", calls=made, **other)


OSLO = ("trip_km", {"to": "Oslo"})


@pytest.mark.parametrize(
    ("given", "right", "fits", "mistake"),
    [
        (answer(OSLO), True, True, ""),
        (answer(("trip_km", {"to": "Rome"})), False, True, "value"),
        (answer(("trip_km", {"to": 7})), False, False, "value"),
        (answer(("trip_km", {})), False, False, "value"),
        (answer(("walk", {"to": "Oslo"})), False, False, "value"),
        (answer(OSLO, broken=("the block never closed",)), False, False, "broken call"),
        (answer(broken=("not JSON",)), False, False, "broken call"),
        (answer(text="It is far."), False, None, "no call"),
        (answer(failed="500: no"), False, None, "no answer"),
    ],
)
def test_an_answer_to_a_case_that_wants_a_call(given: Answer, right: bool, fits: bool | None, mistake: str) -> None:
    judged = score(case(), given, ExactChecker())
    assert (judged.right, judged.fits, judged.mistake) == (right, fits, mistake)


@pytest.mark.parametrize(
    ("given", "right"),
    [(answer(text="No tool does that."), True), (answer(OSLO), False), (answer(broken=("half a call",)), False)],
)
def test_where_no_function_suits_only_an_answer_without_a_call_is_right(given: Answer, right: bool) -> None:
    assert score(case(wanted=False), given, ExactChecker()).right == right


def test_a_tally_counts_calls_silence_and_mistakes() -> None:
    answers = [
        answer(OSLO, seconds=1.0, tokens=10),
        answer(OSLO, OSLO, seconds=2.0, tokens=20),
        answer(broken=("cut short",), seconds=3.0, tokens=30),
        answer(text="Far.", seconds=9.0, tokens=90),
        answer(failed="500", seconds=0.5),
    ]
    scores = [score(case(), each, ExactChecker()) for each in answers]
    found = tally("one", "jackfield", answers, scores)
    assert (found.cases, found.right, found.calling, found.fitting) == (5, 1, 3, 2)
    assert (found.calls, found.silent, found.failed) == (3, 2, 1)
    assert (found.seconds, found.tokens) == (2.0, 20)
    assert found.accuracy == pytest.approx(0.2)
    assert found.fit == pytest.approx(2 / 3)
    assert found.mistakes == {"value": 1, "broken call": 1, "no call": 1, "no answer": 1}
