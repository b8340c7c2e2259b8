"""Words read by rules: every command of the held-in list, and what must never be read as something else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.files.words.reading import clauses
from jackfield.files.words.sentence_files import sentence_parts
from jackfield.files.words.steps import Step, Version, call_of, writes
from jackfield.files.words.times import Clock

CLOCK = Clock(datetime(2026, 11, 18, 12, 0, tzinfo=UTC), UTC)
"""A Wednesday, at noon."""
FEWEST_WORDINGS = 12
BAR = 0.98


class Said(msgspec.Struct):
    """A command, and the steps that it should be read as."""

    words: str
    steps: tuple[Step, ...]


def listed(name: str) -> list[Said]:
    """The commands of a list."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Said) for line in lines]


def read(words: str) -> tuple[Step | None, ...]:
    """The steps of a command, as far as the rules are sure."""
    return tuple(clause.step if clause.sure else None for clause in clauses(words, CLOCK))


def test_the_list_has_every_call_in_twelve_wordings() -> None:
    said = listed("held_in.jsonl")
    counts: dict[str, int] = {}
    for one in said:
        for step in one.steps:
            counts[call_of(step)] = counts.get(call_of(step), 0) + 1
    assert len(said) >= 200
    assert len({one.words for one in said}) == len(said)
    assert {call for call, count in counts.items() if count < FEWEST_WORDINGS} == set()
    assert set(counts) == {
        "create",
        "append",
        "overwrite",
        "delete",
        "undelete",
        "rename",
        "rollback",
        "read",
        "list",
    } | {
        *("history", "compare", "find", "group", "join", "summarise", "lock", "unlock", "link", "unlink", "index"),
        *("changes", "undo", "copy", "links"),
    }


def test_the_held_in_list_is_read_by_rules_alone() -> None:
    said = listed("held_in.jsonl")
    missed = [one.words for one in said if read(one.words) != one.steps]
    assert len(missed) <= (1 - BAR) * len(said), missed


def test_what_words_do_not_do_is_known_for_that_and_no_model_is_asked() -> None:
    lines = Path(__file__).with_name("refused.jsonl").read_text(encoding="utf-8").splitlines()
    refused = [msgspec.json.decode(line) for line in lines]
    missed = [
        one["words"] for one in refused if one["why"] not in [clause.why for clause in clauses(one["words"], CLOCK)]
    ]
    assert missed == []
    assert {one["why"] for one in refused} == set(sentence_parts("why_not"))


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("first copy a.md to b.md, then delete a.md", ["copy", "delete"]),
        ("save a second copy of a.md as b.md", ["copy"]),
        ("copy a.md to notes/b.md and delete the original", ["copy", "delete"]),
        ("put the first draft of a.md back", ["rollback"]),
        ("make a new empty file named a.md", ["create"]),
        ("do not rename the plan, just show it", ["read"]),
    ],
)
def test_what_looks_like_another_call_is_not_taken_for_it(words: str, calls: list[str]) -> None:
    assert [call_of(step) if step else None for step in read(words)] == calls


@pytest.mark.parametrize(
    "words",
    [
        "delete the last line of the diary",
        "replace apple with pear in the letter",
        "move all files from last week to old/",
        "send the budget to anna@example.com",
        "put my recipes into groups somewhere",
        "delete diary.md permanently",
        "restore diary.md form yesterday",
        "delete a.md or b.md",
        "empty the drafts",
        "put everything into order",
        "rename *.md to *.txt",
    ],
)
def test_a_whole_file_is_not_changed_where_something_else_was_said(words: str) -> None:
    assert not any(step is not None and writes(step) for step in read(words))


@pytest.mark.parametrize(
    "words",
    [
        "please don't delete anything",
        "never delete the budget",
        "blue",
        "the weather is nice today",
        "delete",
        "restore it",
        "I wonder about things",
        "how are you?",
    ],
)
def test_what_is_no_command_is_not_taken_for_one(words: str) -> None:
    assert not any(step is not None and writes(step) for step in read(words))


@pytest.mark.parametrize(
    "words",
    [
        "please don't delete notes/plan.md",
        "do not delete the budget",
        "never roll back plan.md",
        "dont rename a.txt to b.txt",
        "I don't want you to delete a.txt",
        "make sure not to delete a.txt",
        "you must not share a.txt",
        "a.txt must not be deleted",
        "the plan should not be removed",
        "delete a.txt and don't delete b.txt",
        "delete everything but don't delete b.txt",
        "don't delete a.txt but delete b.txt",
    ],
)
def test_what_is_not_to_be_done_is_known_for_that(words: str) -> None:
    found = clauses(words, CLOCK)
    assert any(clause.negated for clause in found)


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("don't forget to delete a.txt", ["delete"]),
        ("don't let anyone change a.txt", ["lock"]),
        ("I do not need the lock on a.txt any more", ["unlock"]),
    ],
)
def test_a_not_that_asks_for_something_is_done(words: str, calls: list[str]) -> None:
    assert [call_of(step) for step in read(words) if step] == calls


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("roll back notes/plan.md two versions and delete a.txt", ["rollback", "delete"]),
        ("delete a.txt and roll back notes/plan.md two versions", ["delete", "rollback"]),
        ("roll back the plan two versions and delete a.txt", ["rollback", "delete"]),
        ("restore plan.md to version 2 and rename a.txt to b.txt", ["rollback", "rename"]),
        ("lock a.txt, delete b.txt and share c.txt", ["lock", "delete", "link"]),
        ("read a.txt and b.txt", ["read"]),
    ],
)
def test_several_verbs_are_several_steps(words: str, calls: list[str]) -> None:
    assert [call_of(step) if step else None for step in read(words)] == calls


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("show the old version of plan.md", "read"),
        ("put the old version of plan.md back", "rollback"),
        ("what changed in plan.md with the last change", "compare"),
        ("what was the last change to plan.md", "compare"),
        ("undo the last change to plan.md", "rollback"),
    ],
)
def test_the_old_version_is_the_one_before(words: str, call: str) -> None:
    (step,) = read(words)
    assert step is not None
    assert call_of(step) == call
    assert Version(back=1) in (getattr(step, name, None) for name in ("at", "to", "old"))


def test_a_step_that_nobody_understands_takes_no_other_with_it() -> None:
    """What is understood stays a step of its own, so that the other can be named."""
    first, second = clauses("restore plan.md to version 2 and tell everybody about it", CLOCK)
    assert first.sure
    assert second.step is None
    assert second.said == "tell everybody about it"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(words: str) -> None:
    for clause in clauses(words, CLOCK):
        assert clause.step is None or call_of(clause.step)


def test_what_is_quoted_stays_as_it_was_written() -> None:
    (step,) = read("append 'Delete a.md, THEN call  Bob.' to todo.md")
    assert step is not None
    assert step.text == "Delete a.md, THEN call  Bob."  # type: ignore[union-attr]
