"""Passages: nothing lost, offsets that hold, cuts that stay where they are when something else is edited."""

from __future__ import annotations

import random
import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.files import Extracted
from jackfield_storage.chunking.cutting import LONGEST
from jackfield_storage.chunking.passages import Cut, passages_of

Kind = Literal["text", "markdown", "code", "table"]
KINDS: tuple[tuple[Kind, str], ...] = (
    ("text", ""),
    ("text", "log"),
    ("markdown", ""),
    ("table", "csv"),
    ("code", "python"),
    ("code", "cpp"),
    ("code", "unheard-of"),
)

CODE = ["def f(x):\n", "class A:\n    ", "    ", '"""', "# note\n", "@x\n", "int f(int a) {\n", "}\n", "a,b\n"]
MARKS = ["# A", "\n## B\n", "\n", "\n\n", "```\n", "~~~", "- item\n", "| a | b |\n| - | - |\n| 1 | 2 |\n", "===\n", " "]
pieces = st.sampled_from(
    [
        *MARKS,
        "A sentence. Another one! ",
        "word " * 50,
        "x" * 700,
        "句子。" * 100,
        "字" * 500,
        "é",
        "👍",
        "\r\n",
        "\x85",
        "|",
    ]
)
texts = st.lists(pieces | st.text(max_size=20), max_size=40).map("".join)
examined = settings(max_examples=150, deadline=None)


def passages(text: str, kind: Kind = "text", language: str = "") -> tuple[Cut, ...]:
    """Of a text, with every promise about them held against it."""
    cuts = passages_of(Extracted(text=text, kind=kind, language=language))
    encoded = text.encode()
    at = 0
    for cut in cuts:
        assert not encoded[at : cut.start].decode().strip()
        assert encoded[cut.start : cut.end].decode() == cut.text
        assert cut.text.strip()
        assert len(cut.text) <= LONGEST
        at = cut.end
    assert not encoded[at:].decode().strip()
    return cuts


@pytest.mark.parametrize(("kind", "language"), KINDS)
@examined
@given(text=texts)
def test_every_character_is_in_one_passage(kind: Kind, language: str, text: str) -> None:
    assert passages(text, kind, language) == passages(text, kind, language)


def prose(seed: int, paragraphs: int) -> list[str]:
    """Paragraphs of made-up words."""
    words = random.Random(seed)
    return [
        " ".join("".join(words.choices("abcdefgh", k=words.randint(2, 9))) for _ in range(words.randint(5, 90))) + "."
        for _ in range(paragraphs)
    ]


@pytest.mark.parametrize(("kind", "language"), KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_a_paragraph_more_changes_few_passages(kind: Kind, language: str, seed: int) -> None:
    paragraphs = prose(seed, 400)
    before = {cut.text for cut in passages("\n\n".join(paragraphs), kind, language)}
    paragraphs.insert(seed * 15, "Something new that nobody wrote before.")
    after = {cut.text for cut in passages("\n\n".join(paragraphs), kind, language)}
    assert len(before) > 150
    assert len(after - before) <= 8


@pytest.mark.parametrize(("kind", "language"), KINDS)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    place=st.integers(0, 299),
    separator=st.sampled_from(["\n\n", "\n", " "]),
    removed=st.integers(0, 3),
    added=st.lists(st.text(max_size=200), max_size=3),
)
def test_an_edit_anywhere_changes_few_passages(
    kind: Kind, language: str, seed: int, place: int, separator: str, removed: int, added: list[str]
) -> None:
    paragraphs = prose(seed, 300)
    before = {cut.text for cut in passages(separator.join(paragraphs), kind, language)}
    paragraphs[place : place + removed] = [re.sub(r"[`~\"'#=-]", "", text) for text in added]
    after = {cut.text for cut in passages(separator.join(paragraphs), kind, language)}
    assert len(before) > 100
    assert len(after - before) <= 24
