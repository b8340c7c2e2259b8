"""What is compiled is kept and shared, what cannot be followed is an error, and control tokens keep their place."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.sampling import Constraint
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.matcher import ConstraintMatcher
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import ConstraintUnsupported, EngineFailure, InvalidRequest

END, OTHER_END, THINK, NEVER = 256, 257, 258, 259
WORDS = [b">x", b'>{"', b'l>{"a":1}', b"ab", "🙂".encode(), b"a"]
PIECES = [bytes([byte]) for byte in range(256)] + [b"", b"", b"", b"never"] + WORDS
TOOL = Constraint(
    kind="json_schema",
    value=json.dumps({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}),
    triggers=("<tool>", "<call:"),
)


def vocabulary() -> MatchedVocabulary:
    return MatchedVocabulary(
        size=len(PIECES),
        piece=lambda token: PIECES[token],
        end_tokens=frozenset({END, OTHER_END}),
        suppressed=frozenset({NEVER}),
    )


@pytest.fixture(scope="module")
def compiler() -> ConstraintCompiler:
    """Over bytes, two end tokens, a control token, one that must never be written, and a few words."""
    return ConstraintCompiler(vocabulary())


def written(matcher: ConstraintMatcher, text: bytes) -> ConstraintMatcher:
    for byte in text:
        assert byte in matcher.allowed()
        matcher.advance(byte)
    return matcher


def pieces(matcher: ConstraintMatcher) -> set[bytes]:
    return {PIECES[token] for token in matcher.allowed()}


def test_a_token_that_writes_a_trigger_and_goes_on_goes_on_in_the_shape(compiler: ConstraintCompiler) -> None:
    at_the_trigger = pieces(written(compiler.matcher(TOOL), b"I call <tool"))
    assert b'>{"' in at_the_trigger
    assert b">x" not in at_the_trigger
    assert {b"ab", b" ", b">"} <= at_the_trigger
    assert b'l>{"a":1}' in pieces(written(compiler.matcher(TOOL), b"<too"))


def test_no_token_is_kept_from_text_without_a_trigger(compiler: ConstraintCompiler) -> None:
    free = compiler.matcher(TOOL)
    assert {END, OTHER_END, THINK} <= set(free.allowed())
    assert NEVER not in free.allowed()
    free.advance(THINK)
    written(free, b"<too <tool {} <")
    assert b">x" in pieces(free)
    assert not free.complete


def test_control_tokens_have_no_place_in_a_shape(compiler: ConstraintCompiler) -> None:
    shaped = written(compiler.matcher(TOOL), b"<call:")
    assert pieces(shaped) == {b"{"}
    written(shaped, b'{"a":1}')
    assert shaped.complete
    assert set(shaped.allowed()) == {END, OTHER_END}


def test_the_first_of_overlapping_triggers_counts(compiler: ConstraintCompiler) -> None:
    held = Constraint(kind="choice", value='["1"]', triggers=("<tool_call>", "<tool"))
    assert pieces(written(compiler.matcher(held), b"<tool")) == {b"1"}


def test_all_tokens_of_one_piece_are_as_good(compiler: ConstraintCompiler) -> None:
    held = compiler.matcher(Constraint(kind="choice", value='["a"]'))
    assert set(held.allowed()) == {ord("a"), len(PIECES) - 1}
    held.advance(len(PIECES) - 1)
    assert held.complete


def test_a_character_may_come_in_parts(compiler: ConstraintCompiler) -> None:
    held = compiler.matcher(Constraint(kind="choice", value='["🙂"]'))
    assert pieces(held) == {"🙂".encode(), b"\xf0"}
    assert written(held, "🙂".encode()).complete


def test_a_token_that_was_not_allowed_is_an_error_from_then_on(compiler: ConstraintCompiler) -> None:
    held = compiler.matcher(Constraint(kind="choice", value='["a"]'))
    with pytest.raises(EngineFailure):
        held.advance(ord("b"))
    with pytest.raises(EngineFailure):
        held.allowed()
    assert not held.complete


def test_a_shape_that_gets_too_complex_is_an_error_and_never_let_go(compiler: ConstraintCompiler) -> None:
    grammar = 'root ::= (((x{1,100}){1,100}){1,100}){1,100}\nx ::= "a" x? "b" | [a-c]'
    held = compiler.matcher(Constraint(kind="grammar", value=grammar))

    def write_on() -> None:
        for _ in range(500):
            allowed = held.allowed()
            assert END not in allowed or PIECES.index(b"a") in allowed
            held.advance(ord("a"))

    with pytest.raises(EngineFailure, match="simplify the constraint"):
        write_on()


def test_a_shape_that_failed_one_answer_is_there_for_the_next() -> None:
    compiler = ConstraintCompiler(vocabulary())
    held = Constraint(kind="choice", value='["a"]')
    with pytest.raises(EngineFailure):
        compiler.matcher(held).advance(ord("b"))
    assert written(compiler.matcher(held), b"a").complete


def test_a_shape_wears_out_for_nobody_however_often_it_is_asked_for() -> None:
    compiler, chance = ConstraintCompiler(vocabulary()), random.Random(1)
    held = Constraint(kind="regex", value="(a|b)*a(a|b){24}(c|(a|b)*d)")
    for _ in range(30):
        compiler.compile(held)
        matcher = compiler.matcher(held)
        for _ in range(1500):
            assert {ord("a"), ord("b")} <= set(matcher.allowed())
            matcher.advance(chance.choice(b"ab"))


def test_a_model_that_ends_no_answer_is_held_to_no_shape() -> None:
    endless = ConstraintCompiler(
        MatchedVocabulary(size=256, piece=lambda token: bytes([token]), end_tokens=frozenset())
    )
    with pytest.raises(ConstraintUnsupported):
        endless.compile(Constraint(kind="choice", value='["a"]'))


DEEP_GRAMMAR = "\n".join(
    ['root ::= r0 | "(" root ")"', *(f"r{rule} ::= r{rule + 1}?" for rule in range(1500)), 'r1500 ::= "a"']
)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("grammar", "root ::= root", "No answer can have the shape"),
        ("json_schema", '{"$ref": "#"}', "No answer can have the shape"),
        ("json_schema", '{"type": "integer", "minimum": 2, "maximum": 1}', "greater than maximum"),
        ("json_schema", '{"oneOf": [{"type": "integer"}, {"type": "number"}]}', "oneOf constraints are not supported."),
        ("json_schema", '{"type": "string", "format": "path"}', "Unknown format: path"),
        ("json_schema", '{"type": "string", "pattern": "a("}', "unclosed group"),
        ("regex", "a(?=b)", "look-ahead"),
        ("regex", r"\bword", "lookarounds not supported"),
        ("regex", "a?" * 3000, "6,000 characters"),
        ("regex", "(" * 2000 + "a" + ")" * 2000, "nest"),
        ("grammar", DEEP_GRAMMAR, "nested too deeply"),
        ("regex", "\ud800", "half of a surrogate pair"),
        ("choice", json.dumps(["a"] * 100_000), "262,144 are allowed"),
        ("choice", '["a", ""]', "none of them empty"),
        ("choice", "[1]", "JSON list of texts"),
        ("grammar", "root ::= " + '"a" ' * 100_000, "262,144 are allowed"),
    ],
)
def test_the_reason_is_one_sentence(compiler: ConstraintCompiler, kind: Any, value: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        compiler.compile(Constraint(kind=kind, value=value, parameter="shape"))
    assert reason in refusal.value.message
    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 400
    assert refusal.value.parameter == "shape"


@pytest.mark.parametrize("triggers", [("",), ("x" * 300,), ("x",) * 65, ("\ud800",)])
def test_triggers_are_short_texts(compiler: ConstraintCompiler, triggers: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest):
        compiler.compile(Constraint(kind="choice", value='["a"]', triggers=triggers))


@pytest.mark.parametrize("expression", ["/", "a/b", r"a\/b", r"\\/", "[/]", "a\nb", r"\n", "a\\\nb", "\r"])
def test_slashes_and_line_breaks_are_only_characters(compiler: ConstraintCompiler, expression: str) -> None:
    texts = {"/": "/", "a/b": "a/b", r"a\/b": "a/b", r"\\/": "\\/", "[/]": "/", "\r": "\r", r"\n": "\n"}
    held = compiler.matcher(Constraint(kind="regex", value=expression))
    assert written(held, texts.get(expression, "a\nb").encode()).complete


def test_one_answer_does_not_move_another(compiler: ConstraintCompiler) -> None:
    held = Constraint(kind="choice", value='["ab", "ac"]')
    one, other = compiler.matcher(held), compiler.matcher(held)
    written(one, b"ab")
    assert one.complete
    assert pieces(other) == {b"a", b"ab"}


def test_many_threads_compile_at_once() -> None:
    compiler = ConstraintCompiler(vocabulary())
    complete: list[bool] = []

    def work(number: int) -> None:
        for count in range(100):
            held = Constraint(kind="choice", value=json.dumps([f"{number}-{count % 80}"]))
            complete.append(written(compiler.matcher(held), f"{number}-{count % 80}".encode()).complete)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert complete == [True] * 400


HOSTILE = {
    "a chain of references": {
        "$ref": "#/$defs/0",
        "$defs": {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}, {"const": n}]} for n in range(260)} | {"260": {}},
    },
    "all of all of": {
        "$ref": "#/$defs/0",
        "$defs": {
            str(n): {
                "allOf": [{"$ref": f"#/$defs/{n + 1}"}, {"anyOf": [{"maxLength": n}, {"$ref": f"#/$defs/{n + 1}"}]}]
            }
            for n in range(40)
        }
        | {"40": {"type": "string"}},
    },
    "thousands of properties": {"properties": {f"p{n}": {"type": "string"} for n in range(5000)}},
    "multiples": {"type": "number", "multipleOf": 0.99991},
    "patterns": {"properties": {f"p{n}": {"type": "string", "pattern": "(a?){900}"} for n in range(200)}},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.slow
def test_a_hostile_schema_takes_no_process_along(schema: Any) -> None:
    program = (
        "import sys; from test_compiler import ConstraintCompiler, Constraint, vocabulary, InvalidRequest\n"
        "try: ConstraintCompiler(vocabulary()).compile(Constraint(kind='json_schema', value=sys.stdin.read()))\n"
        "except InvalidRequest as error: print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(schema),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert done.returncode == 0, done.stderr


def test_without_llguidance_the_extra_that_brings_it_is_named() -> None:
    program = (
        "import sys; sys.modules['llguidance'] = None\n"
        "from jackfield.contracts.sampling import Constraint, Sampling\n"
        "from jackfield.errors import MissingDependency\n"
        "from jackfield.testing.scripted_engine import ScriptedEngine\n"
        "engine = ScriptedEngine()\n"
        "engine.sampler(Sampling(), None)\n"
        "try: engine.compile_constraint(Constraint(kind='choice', value='[\"a\"]'))\n"
        "except MissingDependency as error: print(error.message)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "pip install 'jackfield[local]'" in done.stdout
