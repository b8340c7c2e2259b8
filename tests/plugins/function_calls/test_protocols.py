"""How each protocol presents its tools, and what it asks of decoding."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from jackfield.contracts.protocols import CallProtocol, Presentation
from jackfield.contracts.sampling import CallShape
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.messages import Call, Message
from jackfield.testing.recognised_calls import PLAY, TOOLS, calls_of, events, reasons_of
from jackfield_plugins.function_calls.constrained import ConstrainedProtocol
from jackfield_plugins.function_calls.interrupts import InterruptsProtocol
from jackfield_plugins.function_calls.native import NativeProtocol

AUTO, MUST, PLAY_NOW = ToolChoice(), ToolChoice(mode="required"), ToolChoice(mode="required", name="play")
ASKED = (Message.of("user", "Play A."),)
CALL = Call(identifier="call_0_a", tool="play", arguments={"artist": "A"})
END = 256


def presented(
    protocol: CallProtocol,
    *messages: Message,
    choice: ToolChoice = AUTO,
    several: bool = True,
    mode: CallMode = "async",
    in_template: bool = False,
    tools: tuple[ToolDescription, ...] = TOOLS,
) -> Presentation:
    return protocol.presentation(
        messages or ASKED, tools, choice=choice, several=several, mode=mode, template_shows_tools=in_template
    )


@pytest.mark.parametrize(
    ("choice", "rest"),
    [(MUST, '{"name": "play", "arguments": {"artist": "A"}}'), (PLAY_NOW, ' {"artist": "A"}}\n</tool_call>')],
)
def test_native_goes_on_from_where_it_forces_the_answer(choice: ToolChoice, rest: str) -> None:
    shown = presented(NativeProtocol(), choice=choice, in_template=True)
    assert shown.in_template
    assert shown.messages == ASKED
    assert shown.reply_starts.startswith("<tool_call>\n")
    assert calls_of(events(NativeProtocol().recogniser(TOOLS, choice=choice), rest)) == [("play", {"artist": "A"})]


def test_native_keeps_tool_turns_only_where_the_template_knows_them() -> None:
    turns = (*ASKED, Message(role="assistant", spans=(), calls=(CALL,)))
    turns = (*turns, *(NativeProtocol().result(CALL, ToolResult(text=text)) for text in ("one", "two")))
    assert [turn.role for turn in presented(NativeProtocol(), *turns, in_template=True).messages] == [
        "user", "assistant", "tool", "tool",
    ]  # fmt: skip
    without = presented(NativeProtocol(), *turns).messages
    assert [turn.role for turn in without] == ["system", "user", "assistant", "user"]
    assert without[-1].text == "<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>"


@pytest.mark.parametrize(
    ("choice", "rest"),
    [(MUST, ' play {"artist": "A"} [END]'), (PLAY_NOW, '{"artist": "A"} [END]')],
)
def test_interrupts_go_on_from_where_the_answer_is_forced(choice: ToolChoice, rest: str) -> None:
    shown = presented(InterruptsProtocol(), choice=choice)
    assert shown.reply_starts.startswith("[CALL]")
    assert calls_of(events(InterruptsProtocol().recogniser(TOOLS, choice=choice), rest)) == [("play", {"artist": "A"})]


def test_interrupts_wait_after_each_call_only_in_sync() -> None:
    assert presented(InterruptsProtocol(), mode="sync").parks_at == ("[END]",)
    for mode in ("parallel", "async"):
        assert presented(InterruptsProtocol(), mode=mode).parks_at == ("[TRAP][END]",)
    assert presented(InterruptsProtocol()).blocks == (("[CALL]", "[END]"),)


def test_interrupts_ask_for_the_longest_first_where_it_is_known() -> None:
    timed = (msgspec.structs.replace(PLAY, estimate=2.5), *TOOLS[1:])
    assert "longest first" not in presented(InterruptsProtocol()).messages[0].text
    assert "longest first" not in presented(InterruptsProtocol(), tools=timed, mode="sync").messages[0].text
    text = presented(InterruptsProtocol(), tools=timed).messages[0].text
    assert "longest first" in text
    assert '"seconds": 2.5' in text


def test_an_interrupt_names_the_call_as_the_model_did() -> None:
    message = InterruptsProtocol().result(CALL, ToolResult(text="5"))
    assert message.text == "\n[INTR] a [HEAD] 5 [END]\n"
    foreign = msgspec.structs.replace(message, spans=(message.spans[1],))
    assert presented(InterruptsProtocol(), *ASKED, foreign).messages[-1].text == message.text


def test_constrained_holds_a_named_choice_to_that_tool() -> None:
    held = presented(ConstrainedProtocol(), choice=PLAY_NOW).constraint
    assert held is not None
    shape = msgspec.json.decode(held.value, type=CallShape)
    assert [tool.name for tool in shape.tools] == ["play"]
    assert shape.required


def test_one_call_is_asked_for_where_only_one_is_allowed() -> None:
    assert "3 and 8" not in presented(ConstrainedProtocol(), several=False).messages[0].text
    assert "one function to" in presented(NativeProtocol(), several=False).messages[0].text
    assert "at most one call" in presented(InterruptsProtocol(), several=False).messages[0].text


BEGUN = [
    "",
    "[",
    '[{"function": "',
    "Well:\n```json\n[{",
    '```json\n{"name": "play", "arguments": ',
    '```\n{\n\t"name" :"clock",\r\n "parameters":',
    "<tool_call>",
    'x <tool_call>{"name": "play", "arguments": {"artist": "A"}}',
    '{"name": "play", "arguments": {',
    '{"function": "',
    "<think>a</think>[{",
]


@pytest.mark.parametrize("choice", [AUTO, MUST])
@pytest.mark.parametrize("begun", BEGUN)
def test_whatever_is_drawn_under_the_constraint_every_call_is_whole_and_fits(begun: str, choice: ToolChoice) -> None:
    schemas = {tool.name: Draft202012Validator(tool.parameters) for tool in TOOLS}
    shown = presented(ConstrainedProtocol(), choice=choice)
    assert shown.constraint is not None
    compiler = ConstraintCompiler(
        MatchedVocabulary(
            size=257, piece=lambda token: b"" if token == END else bytes([token]), end_tokens=frozenset({END})
        )
    )
    for seed in range(4):
        answer = _drawn(compiler, shown, begun if choice is AUTO else "", random.Random(seed))
        told = events(ConstrainedProtocol().recogniser(TOOLS, choice=choice), answer)
        assert not reasons_of(told)
        assert all(_fits(schemas, *call) for call in calls_of(told))
        assert calls_of(told) or choice is AUTO


def _fits(schemas: dict[str, Any], tool: str, arguments: object) -> bool:
    return bool(schemas[tool].is_valid(arguments))


def _drawn(compiler: ConstraintCompiler, shown: Presentation, begun: str, chance: random.Random) -> str:
    """A random answer that ends, and ends the sooner the longer it is."""
    assert shown.constraint is not None
    matcher = compiler.matcher(shown.constraint)
    answer = begun.encode()
    for byte in answer:
        assert matcher.allows(byte)
        matcher.advance(byte)
    while not matcher.complete:
        allowed = [int(token) for token in matcher.allowed()]
        if END in allowed and chance.random() < 0.1 + len(answer) / 500:
            break
        closing = [token for token in allowed if token in set(b'"}]`>')] if len(answer) > 200 else []
        token = chance.choice(closing or [token for token in allowed if token != END] or allowed)
        if token == END:
            break
        answer += bytes([token])
        matcher.advance(token)
        assert len(answer) < 3000, answer
    return answer.decode()
