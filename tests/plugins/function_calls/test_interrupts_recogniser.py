"""What the `interrupts` recogniser sees between AsyncLM's markers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.protocols import CallClosed, Trapped
from jackfield.testing.recognised_calls import TOOLS, calls_of, events, reasons_of, text_of
from jackfield_plugins.function_calls.interrupts import own_identifier
from jackfield_plugins.function_calls.interrupts_recogniser import InterruptsRecogniser

A = [("play", {"artist": "A"})]
SEEN = {
    '[CALL] 1 [HEAD] play {"artist": "A"} [END]': A,
    '[CALL]1[HEAD]play{"artist":"A"}[END]': A,
    '[CALL] a [HEAD] play {"artist": "A"}}\n[END]\n[CALL] b [HEAD] clock {} [END]': [*A, ("clock", {})],
    "[CALL] 1 [HEAD] clock [END]": [("clock", {})],
    '[CALL] 1 [HEAD] play {"artist": "[END]"} [END]': [("play", {"artist": "[END]"})],
    '[CALL] 1 [HEAD] play {"artist": "A"}': A,
}
BROKEN = {
    '[CALL] 1 [HEAD] plai {"artist": "[END]"} [END]': "did you mean play?",
    "[CALL] what? [END]": "This is no call; write [CALL]",
    "[CALL] 1 [HEAD] play [1] [END]": "must be a JSON object",
    '[CALL] 1 [HEAD] play {"artist": A} [END]': "found 'A'",
    '[CALL] 1 [HEAD] play {"artist": "A"} and [END]': "must follow",
    '[CALL] 1 [HEAD] play {"artist"': "[END] is missing",
    "[CALL] 1": "[END] is missing",
    "[INTR] 1 [HEAD] 5 [END]": "never [INTR]",
}


@pytest.mark.parametrize("answer", SEEN)
def test_a_call_is_seen(answer: str) -> None:
    told = events(InterruptsRecogniser(TOOLS), answer)
    assert calls_of(told) == SEEN[answer]
    assert text_of(told) == ""


@pytest.mark.parametrize("answer", BROKEN)
def test_a_broken_call_comes_with_a_reason(answer: str) -> None:
    told = events(InterruptsRecogniser(TOOLS), answer)
    [reason] = reasons_of(told)
    assert BROKEN[answer] in reason
    assert not calls_of(told)


@pytest.mark.parametrize("trap", ["[TRAP][END]", "[TRAP] [END]", "[TRAP]"])
def test_a_trap_waits(trap: str) -> None:
    told = events(InterruptsRecogniser(TOOLS), f"So{trap} on")
    assert Trapped() in told
    assert text_of(told) == "So on"


def test_nothing_is_recognised_in_thoughts() -> None:
    answer = "<think>[CALL] 1 [HEAD] clock {} [END][TRAP][END]</think> Well [CALL]s [] exist"
    told = events(InterruptsRecogniser(TOOLS), answer.replace("[CALL]s", "(CALL)s"))
    assert text_of(told) == answer.replace("[CALL]s", "(CALL)s")


def test_a_call_keeps_its_own_name_and_is_still_unique() -> None:
    recogniser = InterruptsRecogniser(TOOLS)
    told = recogniser.feed("[CALL] oslo_1 [HEAD] clock {} [END]" * 2)
    one, other = (event.call.identifier for event in told if isinstance(event, CallClosed))
    assert one != other
    assert own_identifier(one) == own_identifier(other) == "oslo_1"


FRAGMENTS = [*SEEN, *BROKEN, "[TRAP]", "[END]", "[", "]", "[CALL", "text", " ", "\n", "<think>", "</think>"]


@given(parts=st.lists(st.sampled_from(FRAGMENTS), max_size=5), data=st.data())
def test_pieces_of_any_length_tell_the_same(parts: list[str], data: st.DataObject) -> None:
    answer = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    pieces = [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    whole = events(InterruptsRecogniser(TOOLS), answer)
    assert events(InterruptsRecogniser(TOOLS), *pieces) == whole
    assert events(InterruptsRecogniser(TOOLS), *answer) == whole
