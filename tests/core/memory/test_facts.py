"""What is taken from a message for later, and what is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.memory.facts import LONGEST, facts_in


def texts(message: str) -> list[str]:
    return [fact.text for fact in facts_in(message)]


@pytest.mark.parametrize(
    ("message", "slot"),
    [
        ("My name is Ada Lovelace.", "name"),
        ("call me Bo", "name"),
        ("I live in Cologne.", "home"),
        ("I've just moved to Lyon", "home"),
        ("Hi, I'm a software engineer from Cologne.", "work"),
        ("I work at a hospital.", "work"),
        ("I am 34 years old.", "age"),
        ("And I'm a strict vegan", "diet"),
        ("My favourite editor is Helix.", "editor"),
    ],
)
def test_what_one_has_only_one_of_has_a_slot(message: str, slot: str) -> None:
    assert [fact.slot for fact in facts_in(message)] == [slot]


@pytest.mark.parametrize(
    "message",
    [
        "I prefer short answers.",
        "I'm allergic to peanuts!",
        "I have two cats and a parrot.",
        "My wife's name is Ada.",
        "We use PostgreSQL for everything.",
        "From now on, answer in French.",
        "By the way, our release branch is called stable.",
    ],
)
def test_lasting_statements_are_taken(message: str) -> None:
    assert len(texts(message)) == 1


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "My name is Ada, and I'm allergic to nuts.",
            [("name", "My name is Ada"), ("", "I'm allergic to nuts.")],
        ),
        (
            "Remember that I live in Cologne but I'm originally from Lyon",
            [("home", "I live in Cologne"), ("origin", "I'm originally from Lyon")],
        ),
        ("I like tea; my name is Bo", [("", "I like tea"), ("name", "My name is Bo")]),
        ("I like tea and biscuits, but only in winter.", [("", "I like tea and biscuits, but only in winter.")]),
        ("She said, my name is Ada and I live in Cologne", []),
        ("I like tea, and if I had two cats I'd call me a lion tamer", []),
    ],
)
def test_each_statement_of_a_sentence_is_a_fact_of_its_own(message: str, expected: list[tuple[str, str]]) -> None:
    assert [(fact.slot, fact.text) for fact in facts_in(message)] == expected


@pytest.mark.parametrize(
    "message",
    [
        "What is the capital of France?",
        "I have a question about tea.",
        "My question is simple.",
        "I want you to write a poem about the sea.",
        "If I live in Cologne, how far is Bonn?",
        "Imagine my name is Bob.",
        "Do I like tea?",
        "```\nI like code\n```",
        "> I live in Rome, she wrote",
        "Please remember that the key is sk-jf-abcdefghijklmnop123456",
        "my password is hunter2, password=hunter2",
        "I like " + "very " * LONGEST + "long stories.",
        "",
    ],
)
def test_what_is_no_fact_is_left(message: str) -> None:
    assert texts(message) == []


def test_what_somebody_wants_remembered_is_taken_as_it_is_said() -> None:
    assert texts("Please remember that the meeting room is 4.12") == ["The meeting room is 4.12"]
    assert texts("remember: oat milk") == ["Oat milk"]


def test_what_passes_is_kept_for_as_long_as_it_holds() -> None:
    (fact,) = facts_in("Remember: the review with Ada is tomorrow at 10.")
    assert fact.lasts == timedelta(days=2)


def test_only_the_sentences_that_tell_something_are_taken_and_each_once() -> None:
    message = "Hello! I live in Berlin and I like it. Can you help me? My dog is called Rex. My dog is called Rex."
    assert texts(message) == ["I live in Berlin and I like it.", "My dog is called Rex."]


@given(st.text(max_size=2000))
def test_any_text_can_be_read(message: str) -> None:
    assert all(len(fact.text) <= LONGEST + 1 for fact in facts_in(message))
