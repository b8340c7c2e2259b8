"""What the `native` recogniser sees in answers, however they are cut into pieces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.protocols import AnswerText, CallArguments, CallBroken, CallClosed, CallOpened
from jackfield.testing.recognised_calls import TOOLS, calls_of, events, reasons_of, text_of
from jackfield_plugins.function_calls.native_recogniser import NativeRecogniser

A = [("play", {"artist": "A"})]
CALL = '{"name": "play", "arguments": {"artist": "A"}}'
SEEN = {
    f"<tool_call>\n{CALL}\n</tool_call>": A,
    f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>": A * 2,
    f"<tool_call>{CALL}\n{CALL}</tool_call>": A * 2,
    f"<tool_call>[{CALL}, {CALL}]</tool_call>": A * 2,
    f"```json\n{CALL}\n```": A,
    f"```\n{CALL}\n```": A,
    f"```tool_call\n{CALL}\n```": A,
    f"```json\n[{CALL},\n{CALL}]\n```": A * 2,
    f"```json\n{CALL}\n{CALL}\n```": A * 2,
    f"```json\n{CALL}\n```\n```json\n{CALL}\n```": A * 2,
    f"[TOOL_CALLS][{CALL}]": A,
    '[TOOL_CALLS]play[ARGS]{"artist": "A"}': A,
    '{"name": "play", "parameters": {"artist": "A"}}': A,
    f"{CALL}; {CALL}": A * 2,
    f"[{CALL}, {CALL}]": A * 2,
    f"<|python_tag|>{CALL}": A,
    '<function=play>{"artist": "A"}</function>': A,
    "<function=play>\n<parameter=artist>\nA\n</parameter>\n</function>": A,
    "<tool_call>\n<function=play>\n<parameter=artist>\nA\n</parameter>\n</function>\n</tool_call>": A,
    "<function=play><parameter=artist>5</parameter><parameter=minutes>5</parameter></function>": [
        ("play", {"artist": "5", "minutes": 5})
    ],
    '<tool_call>{"name": "clock"}</tool_call>': [("clock", {})],
    '<tool_call>{"arguments": {"artist": "A"}, "name": "play"}</tool_call>': A,
    '<tool_call>{"id": "1", "name": "play", "arguments": "{\\"artist\\": \\"A\\"}"}</tool_call>': A,
    '<tool_call>{"name": "play", "arguments": {"artist": "A",},}</tool_call>': A,
    '<tool_call>{"name": "play", "arguments": {"artist": "A"}}}</tool_call>': A,
    '<tool_call>{"name": "play", "arguments": {"artist": "A"}</tool_call>': A,
    '<tool_call>{"name": "play", "arguments": {"artist": "A\nB", "x": True}}': [
        ("play", {"artist": "A\nB", "x": True})
    ],
    '<think>{"name": 1}</think>\n\n' + CALL: A,
}
NOT_SEEN = [
    "Nothing but text.",
    "   \n",
    "",
    "``` `` ` < [ { <tool <function= [TOOL",
    '```json\n{"name": "Bob", "age": 3}\n```\nsaid Bob. ',
    '```python\ncall = {"name": "play", "arguments": {}}\n```',
    '{"name": "Bob"} ' + CALL,
    f"As in {CALL}",
    '```json\n{"name": "play", "description": "Plays.", "parameters": {}}\n```',
    f"<think><tool_call>{CALL}</tool_call></think>",
    "<|python_tag|>print(1)",
    '[1, 2, {"name": "play", "arguments": {}}]',
    '{"name": "play"}',
]
BROKEN = {
    '<tool_call>{"name": "plan", "arguments": {}}</tool_call>': "no tool named 'plan'; did you mean play?",
    '<tool_call>{"name": "x", "arguments": {}}</tool_call>': "the tools are: play, clock",
    '<tool_call>{"name": "play", "arguments": {"artist": A}}</tool_call>': "expected a value, found 'A'",
    '<tool_call>{"name": "play", "arguments": {"minutes": 1.}}</tool_call>': "'1.' is no value",
    '<tool_call>{"name": "play", "arguments": [1]}</tool_call>': "must be a JSON object",
    '<tool_call>{"name": "play", "arguments": {"artist": "A': "ended in the middle",
    '<tool_call>{"name": "play", "arguments": {"artist": "\\ud83d"}}</tool_call>': "surrogate",
    "<tool_call>\nplay(A)</tool_call>": "JSON object",
    "<tool_call></tool_call>": "no call",
    "<tool_call>": "ended where a call was to begin",
    "<function=nope>{}</function>": "no tool named 'nope'",
    "<function=play>artist: A</function>": "stand its arguments",
    '<function=play>{"artist"': "ended in the middle",
    '{"name": "play", "arguments": {"artist": A}} and so on': "found 'A'",
}


@pytest.mark.parametrize("answer", SEEN)
def test_a_call_is_seen_in_its_shape(answer: str) -> None:
    told = events(NativeRecogniser(TOOLS), answer)
    assert calls_of(told) == SEEN[answer]
    assert not reasons_of(told)
    assert text_of(told) == (answer[: answer.find("</think>") + 8] if "</think>" in answer else "")


@pytest.mark.parametrize("answer", NOT_SEEN)
def test_what_is_no_call_is_text(answer: str) -> None:
    assert text_of(events(NativeRecogniser(TOOLS), answer)) == answer
    assert not calls_of(events(NativeRecogniser(TOOLS), answer))


@pytest.mark.parametrize("answer", BROKEN)
def test_a_broken_call_comes_with_a_reason(answer: str) -> None:
    told = events(NativeRecogniser(TOOLS), answer)
    [reason] = reasons_of(told)
    assert BROKEN[answer] in reason
    assert not calls_of(told)
    assert not text_of(told)


@pytest.mark.parametrize("answer", [*SEEN, *BROKEN])
def test_the_arguments_join_to_what_was_called(answer: str) -> None:
    told = events(NativeRecogniser(TOOLS), *answer)
    texts = [event.text for event in told if isinstance(event, CallArguments)]
    for text, (_, arguments) in zip(texts, calls_of(told), strict=False):
        assert json.loads(text) == arguments


def test_text_beside_calls_is_told_without_the_white_space_between() -> None:
    answer = f"I will.\n\n<tool_call>\n{CALL}\n</tool_call>\n<tool_call>\n{CALL}\n</tool_call>\n\nDone."
    told = events(NativeRecogniser(TOOLS), answer)
    assert [type(event) for event in told] == [AnswerText, *[CallOpened, CallArguments, CallClosed] * 2, AnswerText]
    assert text_of(told) == "I will.\n\nDone."


def test_a_call_goes_on_behind_a_broken_one() -> None:
    answer = '<tool_call>{"name": "play", "arguments": {"artist": A}}</tool_call>\n<tool_call>' + CALL + "</tool_call>"
    told = events(NativeRecogniser(TOOLS), answer)
    assert len(reasons_of(told)) == 1
    assert calls_of(told) == A


def test_everything_is_told_as_soon_as_it_is_certain() -> None:
    recogniser = NativeRecogniser(TOOLS)
    assert [type(event) for event in recogniser.feed('Yes: \n```json\n{"name": "play"')] == [AnswerText]
    assert recogniser.feed(', "arguments": ') == []
    assert [type(event) for event in recogniser.feed('{"artist": "Some')] == [CallOpened, CallArguments]
    assert [event.text for event in recogniser.feed(" one") if isinstance(event, CallArguments)] == [" one"]
    assert isinstance(recogniser.feed('"}}')[-1], CallClosed)


def test_without_tools_nothing_is_held_back() -> None:
    recogniser = NativeRecogniser(())
    assert recogniser.feed("<tool_call> ") == [AnswerText("<tool_call> ")]
    assert recogniser.finish() == []


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"arguments": {"artist": "A"}, "name": "play"}\n```',
        '```json\n{"name": "pl\\u0061y", "arguments": {"artist": "A"}}\n```',
        '``` json\n{"name": "play", "arguments": {"artist": "A"}}\n```',
        '```tool_code\n{"name": "play", "arguments": {"artist": "A"}}\n```',
        '<function=play>{"artist": "A"}</function>',
        '[TOOL_CALLS][{"name": "play", "arguments": {"artist": "A"}}]',
        '<|python_tag|>{"name": "play", "arguments": {"artist": "A"}}',
    ],
)
def test_forms_that_no_constraint_knows_are_text_where_only_those_count(answer: str) -> None:
    assert calls_of(events(NativeRecogniser(TOOLS), answer)) == A
    assert text_of(events(NativeRecogniser(TOOLS, only_shaped=True), answer)) == answer


def test_a_forced_beginning_counts() -> None:
    told = events(NativeRecogniser(TOOLS, begins='<tool_call>\n{"name": "play", "arguments":'), ' {"artist": "A"}}')
    assert calls_of(told) == A


FRAGMENTS = [*SEEN, *NOT_SEEN, *BROKEN, "```", "{", "[", "<", "\n", " ", "}", "</tool_call>", "text", "<think>", '"']


@given(parts=st.lists(st.sampled_from(FRAGMENTS), max_size=5), data=st.data())
def test_pieces_of_any_length_tell_the_same(parts: list[str], data: st.DataObject) -> None:
    answer = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    pieces = [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    whole = events(NativeRecogniser(TOOLS), answer)
    assert events(NativeRecogniser(TOOLS), *pieces) == whole
    assert events(NativeRecogniser(TOOLS), *answer) == whole


@given(st.text(st.sampled_from('<tool_call>{"name": play,[]}`\n\\/functi=x1'), max_size=60))
def test_nothing_is_lost(answer: str) -> None:
    told = events(NativeRecogniser(TOOLS), answer)
    written = "".join(event.text for event in told if isinstance(event, AnswerText | CallBroken))
    if not calls_of(told):
        marks = ("<tool_call>", "</tool_call>")
        for mark in marks:
            answer, written = answer.replace(mark, ""), written.replace(mark, "")
        assert "".join(written.split()) == "".join(answer.split())
