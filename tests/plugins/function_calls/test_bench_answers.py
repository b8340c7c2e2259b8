"""Answers that are kept: a bench goes on where it was stopped, and asks again what was asked otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import InvalidRequest
from jackfield_plugins.function_calls.bench.answers import Answer, KeptAnswers, digest
from jackfield_plugins.function_calls.bench.cases import Case, Turn
from jackfield_plugins.function_calls.bench.functions import OfferedTools

CASE = Case(id="one_0", question=((Turn("user", "Hello?"),),), function=(), ground_truth=None)


class Parrot:
    """Says its conditions."""

    name = "parrot"

    def __init__(self, conditions: str) -> None:
        self.conditions = conditions

    async def answer(self, case: Case, offered: OfferedTools) -> Answer:
        return Answer(case=case.id, server=self.name, conditions=digest(self, case), text=self.conditions)


async def test_what_was_answered_is_there_the_next_time(tmp_path: Path) -> None:
    path, parrot = tmp_path / "kept.jsonl", Parrot("loud")
    kept = KeptAnswers(path)
    assert kept.get(parrot, CASE) is None
    kept.put(await parrot.answer(CASE, OfferedTools((), {})))
    again = KeptAnswers(path).get(parrot, CASE)
    assert again is not None
    assert again.text == "loud"
    assert KeptAnswers(path).get(Parrot("soft"), CASE) is None


async def test_a_line_that_was_cut_short_is_asked_for_again(tmp_path: Path) -> None:
    path, parrot = tmp_path / "kept.jsonl", Parrot("loud")
    kept = KeptAnswers(path)
    kept.put(await parrot.answer(CASE, OfferedTools((), {})))
    kept.put(await Parrot("soft").answer(CASE, OfferedTools((), {})))
    path.write_bytes(path.read_bytes()[:-9])
    kept = KeptAnswers(path)
    assert kept.get(parrot, CASE) is not None
    assert kept.get(Parrot("soft"), CASE) is None
    kept.put(await Parrot("soft").answer(CASE, OfferedTools((), {})))
    assert KeptAnswers(path).get(Parrot("soft"), CASE) is not None


def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("Dear diary\n")
    with pytest.raises(InvalidRequest, match=r"Line 1 of .*kept\.jsonl is no answer"):
        KeptAnswers(path)
    assert path.read_text() == "Dear diary\n"


def test_a_file_that_holds_something_else_without_a_line_break_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("Dear diary")
    with pytest.raises(InvalidRequest):
        KeptAnswers(path)
    assert path.read_text() == "Dear diary"
