"""Queries as people type them."""

from __future__ import annotations

import pytest

from jackfield.errors import InvalidRequest
from jackfield_storage.semantic_index.search_words import search_words, without_accents, words_of


@pytest.mark.parametrize(
    ("typed", "words", "phrases"),
    [
        ("What is the budget of the zoo?", ("budget", "zoo"), ()),
        ("to be or not to be", ("to", "be", "or", "not"), ()),
        ('Find "purple elephant" NOT mice', ("purple", "elephant", "mice"), ("purple elephant",)),
        ("„lila Elefant“ «gris souris»", ("lila", "elefant", "gris", "souris"), ("lila elefant", "gris souris")),
        ('a "single" quote " left open', ("single", "quote", "left", "open"), ()),
        ("snake_case dotted.name 3.14", ("snake", "case", "dotted", "name", "3", "14"), ()),
        ("Cafe\u0301 CAFÉ", ("café",), ()),
        ("字幕 ok", ("字幕", "ok"), ()),
        ("東京都の天気", ("東京", "京都", "都の", "の天", "天気"), ()),
        ("python入門編", ("python", "入門", "門編"), ()),
        ('"東京都"', ("東京", "京都"), ("東京都",)),
        ("zoo zoo ZOO", ("zoo",), ()),
    ],
)
def test_words_and_phrases_are_what_is_meant(typed: str, words: tuple[str, ...], phrases: tuple[str, ...]) -> None:
    found = search_words(typed)
    assert (found.words, found.phrases) == (words, phrases)


def test_signs_alone_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="word or a number"):
        search_words("?! ... \U0001f418")


def test_accents_are_taken_off_letters_and_nothing_else_changes() -> None:
    assert without_accents("Café, naïve Ωμέγα, 한글がく") == "Cafe, naive Ωμεγα, 한글がく"
    assert without_accents("crème brûlée") == "creme brulee"
    assert words_of("One-two THREE") == ["one", "two", "three"]
