"""Markers in text from outside: found in every disguise, and in time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.messages import Message, Span
from jackfield.tools.provenance import REMOVED, without_markers

MARKERS = ("[CALL]", "[HEAD]", "[END]", "<tool_call>", "</tool_call>")


def left_of(*texts: str, between: tuple[Span, ...] = ()) -> str:
    """What a model reads of tainted texts that stand beside each other."""
    first, *others = (Span(text, "tool") for text in texts)
    message = Message(role="tool", spans=(first, *between, *others))
    return without_markers([message], MARKERS)[0].text


@pytest.mark.parametrize(
    "hidden",
    [
        "<|im_st\u200bart|>",
        "<\u200b|im_end|>",
        "<|im_end\u200d|>",
        "<st\ufe0fart_of_turn>",
        "[\u200bINST]",
        "<\u2060<SYS>>",
        "[C\u034fALL]",
        "[ \u200b \u200b CALL ]",
        "<tool\U000e0101_call>",
        "< / TOOL_CALL >",
        "<\uff5cUser\uff5c>",
    ],
)
def test_markers_are_found_whatever_is_between_their_characters(hidden: str) -> None:
    assert left_of(f"a {hidden} b") == f"a {REMOVED} b"


def test_a_marker_cannot_be_split_between_spans() -> None:
    assert left_of("a [CA", "LL] b") == f"a {REMOVED} b"
    assert left_of("a [CA", "LL] b", between=(Span("", "system"),)) == f"a {REMOVED} b"


def test_what_is_no_marker_stays() -> None:
    text = "if a < b | c > d: x[1] = <s1> [INSTALL] <bold> |> table | cell |"
    assert left_of(text) == text


@given(st.text("[]<>|/ \u200bCALHEDN_toolcaimsr", max_size=60))
def test_no_marker_appears_once_another_was_taken_out(text: str) -> None:
    assert not any(marker in left_of(text) for marker in MARKERS)


@pytest.mark.parametrize("begins", ["[", "<", "<<", "<|", "<|/", "[/"])
@pytest.mark.parametrize("gap", ["\u200b", " ", "\u200b ", "/"])
def test_text_of_nothing_but_gaps_does_not_take_for_ever(begins: str, gap: str) -> None:
    began = time.process_time()
    left_of(begins + gap * 50_000)
    assert time.process_time() - began < 20
