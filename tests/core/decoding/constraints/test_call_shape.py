"""An answer is free text, or calls of known tools with arguments that fit; nothing in between."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from jackfield.contracts.sampling import CallForm, CallShape, Constraint, ToolShape
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.matcher import ConstraintMatcher
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import InvalidRequest

END, CONTROL = 256, 257
PIECES = [bytes([byte]) for byte in range(256)] + [b"", b"", b'": {"', b'g": "play', b'[{"g": "', b"l>{"]
FORMS = (
    CallForm(opens="[", separators=(",",), closes="]", commits="key", name_key="g"),
    CallForm(opens="<call>", separators=("</call> <call>",), closes="</call>", commits="opening", place="anywhere"),
    CallForm(opens="```json", separators=("", ",", "``` ```json"), closes="```", commits="name"),
)
PLAY: dict[str, Any] = {
    "properties": {"artist": {"type": "string"}, "min": {"type": "integer"}},
    "required": ["artist"],
}
TOOLS = (ToolShape(name="play", parameters=PLAY), ToolShape(name="play_2", parameters={}))
ONE = '{"name": "play", "arguments": {"artist": "A", "min": 5}}'
WHOLE = [
    "",
    "No call at all: <cal ```json {",
    f"Look <call>\n{ONE}\n</call>",
    f"<call>{ONE}</call>\n<call>{ONE}</call>",
    f"Sure:\n```json\n{ONE}\n```",
    f"```json\n{ONE}\n{ONE},\n{ONE}\n```\n\n```json\n{ONE}```",
    '[{"g": "play", "arguments": {"artist": "A"}}, {"g": "play_2", "arguments": {}}]',
    'Well,\n [ {"g":"play","arguments":\n  {"artist": "[1]"}\n}\n]',
    '```json\n{\n  "name": "play",\n  "args": 1}\n``` it was',
    '```json\n{"name": "Bob", "arguments": 5}\n```\n```json\n' + ONE + "\n```",
    "<think> <call> [{</think> thus",
    f"<think> <call> </think>\n<call>{ONE}</call>",
    '[1, 2] {"g": "x"}',
]
HELD = {
    "<call>": "x",
    '<call>{"name": "': "o",
    '<call>{"name": "play_': "3",
    '```json\n{"name": "play", "arguments": {"': "m",
    '```json\n{"name": "play", "arguments": {"artist": "A", "': "x",
    '```json\n{"name": "play", "arguments": {"artist": ': "5",
    '[{"g": "play': "e",
    '[{"g": "play_2", "arguments": {': '"',
    f"<call>{ONE}</call>": "x",
}


def constraint(*, several: bool = True, required: bool = False, tools: tuple[ToolShape, ...] = TOOLS) -> Constraint:
    shape = CallShape(tools=tools, forms=FORMS, several=several, required=required)
    return Constraint(kind="calls", value=msgspec.json.encode(shape).decode(), parameter="tools")


@pytest.fixture(scope="module")
def compiler() -> ConstraintCompiler:
    """Over bytes, an end token, a control token, and words that lie across the parts of a call."""
    return ConstraintCompiler(
        MatchedVocabulary(size=len(PIECES), piece=lambda token: PIECES[token], end_tokens=frozenset({END}))
    )


def written(matcher: ConstraintMatcher, text: str) -> ConstraintMatcher:
    for byte in text.encode():
        assert matcher.allows(byte), f"{chr(byte)!r} is refused in {text!r}"
        matcher.advance(byte)
    return matcher


@pytest.mark.parametrize("answer", WHOLE)
def test_free_text_and_whole_calls_are_answers(compiler: ConstraintCompiler, answer: str) -> None:
    after = written(compiler.matcher(constraint()), answer)
    assert after.complete or after.allows(END)


@pytest.mark.parametrize("begun", HELD)
def test_what_is_no_call_cannot_be_written_where_one_is_due(compiler: ConstraintCompiler, begun: str) -> None:
    after = written(compiler.matcher(constraint()), begun)
    assert not after.allows(ord(HELD[begun]))


def test_a_call_begun_cannot_end_before_it_is_whole(compiler: ConstraintCompiler) -> None:
    answer = f"<call>{ONE}</call>"
    for length in range(len("<call>"), len(answer)):
        assert not written(compiler.matcher(constraint()), answer[:length]).allows(END)


def test_tokens_across_the_parts_of_a_call_are_held_too(compiler: ConstraintCompiler) -> None:
    quote, name, list_head, opening = 258, 259, 260, 261
    begun = compiler.matcher(constraint())
    assert begun.allows(list_head)
    begun.advance(list_head)
    assert not begun.allows(quote)
    after_name = written(compiler.matcher(constraint()), '[{"g": "play", "arguments')
    assert after_name.allows(quote)
    assert not written(compiler.matcher(constraint()), '[{"g": "play_2", "arguments').allows(quote)
    assert written(compiler.matcher(constraint()), '[{"').allows(name)
    assert written(compiler.matcher(constraint()), "<cal").allows(opening)


def test_one_call_only(compiler: ConstraintCompiler) -> None:
    after = written(compiler.matcher(constraint(several=False)), '[{"g": "play_2", "arguments": {}}')
    assert not after.allows(ord(","))
    assert written(after, "]").complete


def test_a_required_call_has_the_first_form(compiler: ConstraintCompiler) -> None:
    held = compiler.matcher(constraint(required=True))
    assert {PIECES[token] for token in held.allowed()} <= {b" ", b"\n", b"\r", b"\t", b"[", b'[{"g": "'}
    assert written(held, '[{"g": "play_2", "arguments": {}}]').complete


def test_control_tokens_have_a_place_in_free_text_only(compiler: ConstraintCompiler) -> None:
    free = written(compiler.matcher(constraint()), 'A [ { "g": 1')
    assert free.allows(CONTROL)
    free.advance(CONTROL)
    assert not written(free, "<call>").allows(CONTROL)
    assert not compiler.matcher(constraint(required=True)).allows(CONTROL)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"properties": {"a": {"type": "strin"}}}, "strin"),
        ({"properties": {"a": {"uniqueItems": True}}}, "'uniqueItems' at '/properties/a'"),
        ({"properties": {"a": {"enum": []}}, "required": ["a"]}, "Unsatisfiable"),
    ],
)
def test_a_schema_that_cannot_be_held_names_its_tool(
    compiler: ConstraintCompiler, parameters: dict[str, Any], reason: str
) -> None:
    held = constraint(tools=(*TOOLS, ToolShape(name="odd", parameters=parameters)))
    with pytest.raises(InvalidRequest, match="tool 'odd'") as refusal:
        compiler.compile(held)
    assert reason in refusal.value.message
    assert refusal.value.parameter == "tools"


@pytest.mark.parametrize("value", ["no JSON", "{}", json.dumps({"tools": [], "forms": [], "several": True})])
def test_a_shape_that_is_none_is_refused(compiler: ConstraintCompiler, value: str) -> None:
    with pytest.raises(InvalidRequest):
        compiler.compile(Constraint(kind="calls", value=value))


def test_loose_schemas_are_closed_where_they_say_nothing(compiler: ConstraintCompiler) -> None:
    deep = {
        "properties": {"where": {"type": "object", "properties": {"x": {"type": "integer"}}}, "any": {"type": "object"}}
    }
    open_one = {"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "integer"}}
    tools = (ToolShape(name="deep", parameters=deep), ToolShape(name="open", parameters=open_one))

    def after(begun: str) -> ConstraintMatcher:
        return written(compiler.matcher(constraint(tools=tools)), '<call>{"name": "' + begun)

    assert not after('deep", "arguments": {"where": {"').allows(ord("y"))
    assert after('deep", "arguments": {"any": {"').allows(ord("y"))
    assert after('open", "arguments": {"').allows(ord("z"))
