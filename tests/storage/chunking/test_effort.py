"""Cutting takes time in proportion to a text's length, whatever the text is."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from jackfield.contracts.files import Extracted
from jackfield_storage.chunking.passages import passages_of

MANY = 100_000
MEAN = {
    "spaces": " " * MANY + "x",
    "empty lines": "\n" * MANY,
    "lines of spaces": (" " * 999 + "\n") * (MANY // 1000),
    "pipes": "|" * MANY + "\nx",
    "rules": "|-" * MANY + "x",
    "hashes": "# " * MANY + "x",
    "titles": "# a\n" * (MANY // 4),
    "underlines": "a\n---\n" * (MANY // 6),
    "fences": "```\n" * (MANY // 4),
    "items": "- " * MANY,
    "quotes": '"""' * MANY,
    "single quotes": "'" * MANY + "\n",
    "backslashes": '"' + "\\" * MANY,
    "brackets": "([{" * MANY,
    "calls": "int f(int a,\n" * (MANY // 10),
    "stairs": "".join(" " * level + "class A:\n" for level in range(400)),
    "words": "const x " * (MANY // 8),
    "one letter": "x" * MANY,
    "one sentence": "字" * MANY,
    "commas": "," * MANY,
}
"""Texts that a careless pattern goes through again and again."""


@pytest.mark.parametrize("name", MEAN)
@pytest.mark.parametrize(
    ("kind", "language"),
    [("text", ""), ("markdown", ""), ("table", "csv"), ("code", "python"), ("code", "typescript"), ("code", "sql")],
)
def test_mean_texts_are_cut_before_the_time_is_up(kind: str, language: str, name: str) -> None:
    text = MEAN[name]
    cuts = passages_of(Extracted(text=text, kind=kind, language=language))  # type: ignore[arg-type]
    assert len(cuts) <= len(text) // 100 + 1


@pytest.mark.parametrize(("kind", "language"), [("text", ""), ("markdown", ""), ("code", "python")])
def test_twice_the_text_takes_twice_the_steps(kind: str, language: str) -> None:
    unit = "# Title\n\nSome words that say nothing. And more of them.\n\n- an item\n\ndef f(x):\n    return x\n\n" * 40
    steps = [steps_taken(Extracted(text=unit * times, kind=kind, language=language)) for times in (4, 8, 16)]  # type: ignore[arg-type]
    assert steps[1] <= steps[0] * 2.2
    assert steps[2] <= steps[1] * 2.2


def steps_taken(extracted: Extracted) -> int:
    """Calls of functions while a text is cut."""
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        passages_of(extracted)
    finally:
        sys.setprofile(before)
    return steps
