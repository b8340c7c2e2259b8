"""Words that the rules are not sure of: what a model may answer, and how that is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jackfield.contracts.runs import RunRequest
from jackfield.files.asking import ChatModel
from jackfield.files.words.model_reading import ModelReader, offered_calls, spoken_spans, step_of
from jackfield.files.words.reading import Clause, clauses
from jackfield.files.words.steps import Delete, Lock, Rollback, Version, Which
from jackfield.files.words.times import Clock

CLOCK = Clock(datetime(2026, 11, 18, 12, 0, tzinfo=UTC), UTC)
ROOT = Path(__file__).parents[4]
BAR = 0.98


def clause(words: str) -> Clause:
    (found,) = clauses(words, CLOCK)
    return found


def answered(words: str, **answer: Any) -> Any:
    """The step that a model's answer about some words stands for."""
    said = clause(words)
    return step_of(answer, spoken_spans(said.marked), said.marked, CLOCK)


def test_arguments_are_stretches_of_what_was_said() -> None:
    spans = spoken_spans(clause("out with yon leaflet on 'Big Fish' forthwith").marked)
    assert "yon leaflet" in spans
    assert "Big Fish" in spans
    assert "dragon" not in spans


def test_an_answer_is_read_as_the_rules_read_theirs() -> None:
    assert answered("out with yon the leaflet", call="delete", file="the leaflet") == Delete(Which(("leaflet",)))
    words = "version 4 of the timetable pleases me best of all"
    assert answered(words, call="rollback", file="timetable", version="version 4") == Rollback(
        Which(("timetable",)), Version(number=4)
    )
    hands = "may nobody fiddle around with rota.md over 20 minutes"
    assert answered(hands, call="lock", file="rota.md", lasting="20 minutes") == Lock(
        Which(("rota.md",)), datetime(2026, 11, 18, 12, 20, tzinfo=UTC)
    )


def test_what_was_named_cannot_be_left_out() -> None:
    """A version, a path or a quote in the words leaves only calls that take one."""
    assert set(offered_calls(clause("me thinks version 4 of the timetable was dandy"))) <= {
        *("rollback", "read", "compare", "link", "none"),
    }
    assert not {"undo", "index", "changes", "links"} & set(offered_calls(clause("off you go, mischievous plan.md")))


def test_a_model_may_always_say_that_it_is_none_of_them() -> None:
    for words in ("me thinks version 4 of the timetable was dandy", "who won the match", "off you go, plan.md"):
        assert "none" in offered_calls(clause(words))
    assert answered("who won the match", call="none") is None


@pytest.mark.parametrize(
    "words", ["what's the weather like", "sing me a song", "how are you?", "order a pizza tomorrow"]
)
async def test_no_model_guesses_at_words_that_share_nothing_with_any_call(words: str) -> None:
    asked: list[RunRequest] = []

    class Guessing(ChatModel):
        """Would read anything as an undo."""

        def __init__(self) -> None:
            pass

        async def whole_reply(self, request: RunRequest) -> Any:
            asked.append(request)
            raise AssertionError

    assert await ModelReader(Guessing()).step(clause(words), CLOCK) is None
    assert asked == []


@pytest.mark.models
@pytest.mark.timeout(700)
def test_the_held_in_list_is_read_by_rules_and_a_model_together() -> None:
    folder = Path(os.environ.get("JACKFIELD_TEST_MODELS") or Path.home() / ".cache" / "jackfield-models")
    model = folder / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
    if not model.is_file():
        pytest.fail(f"The model is not at {model}; CONTRIBUTING.md says how to bring it.")
    bench = [sys.executable, "tests/bench/files_words.py", "--json", "--list", "held_in", "--model", str(model)]
    said = subprocess.run(bench, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600)
    figures = msgspec.json.decode(said.stdout)["held_in"]
    assert figures["share"] >= BAR, json.dumps(figures["missed"], indent=2)
