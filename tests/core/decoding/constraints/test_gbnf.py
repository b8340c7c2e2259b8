"""GBNF grammars mean here what they mean to llama.cpp, and what cannot be read is told by its place."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.sampling import Constraint
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.gbnf import parsed_gbnf
from jackfield.decoding.constraints.gbnf_rules import as_expression, as_lark
from jackfield.decoding.constraints.grammar_text import HEADER, WHOLE
from jackfield.decoding.constraints.matcher import TokenTrie, compiled_matcher
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import EngineFailure, InvalidRequest

END = 256
BYTES = MatchedVocabulary(
    size=257, piece=lambda token: bytes([token]) if token < END else b"", end_tokens=frozenset({END})
)
TRIE = TokenTrie(BYTES)
COMPILER = ConstraintCompiler(BYTES)


def takes(grammar: str, text: str) -> bool:
    """Whether a text is in a grammar, byte after byte."""
    return followed(COMPILER.matcher(Constraint(kind="grammar", value=grammar)), text)


def followed(matcher: Any, text: str) -> bool:
    for byte in text.encode():
        if byte not in matcher.allowed():
            return False
        matcher.advance(byte)
    return END in matcher.allowed()


TAKEN = [
    ('root ::= [a-z]+ "ing"', ["sing", "singing"], ["ing", "singx"]),
    ('root ::= word "ing" | "(" root ")"\nword ::= [a-z]+', ["sing", "(singing)"], ["(ing)", "(sing"]),
    ('root ::= . "b"', ["\nb", "🙂b"], ["b"]),
    ('root ::= [^"\\n]* "\\n"  # up to the line\'s end', ["x y\n", "\n"], ['"\n', "a\nb\n"]),
    ("root ::= (\"a\" | 'x')?".replace("'x'", '"bc"') + "{2,3}", ["aa", "bca", ""], ["aaaa", "b"]),
    ("root ::= [\\u00e0-\\u00fc] [\\U0001F600]", ["é\U0001f600"], ["e\U0001f600"]),
    ('root ::= [-+]? ["\\]\\\\]', ['-"', "]", "+\\"], ["--", "-"]),
    ('root ::= "a\\x41\\t\\"" ', ['aA\t"'], ["aA"]),
    ('root ::= root "a" | "b"', ["b", "baaa"], ["ab"]),
    ('item-2 ::= "x"\nroot ::= item-2{2}', ["xx"], ["x", "xxx"]),
    ('root ::= ( "a"\n  | "b" # or\n ) "c"', ["ac", "bc"], ["abc"]),
    ('root ::=\n  "a"\n  ', ["a"], [""]),
    ('root ::= "a" |\n "b"', ["a", "b"], ["ab"]),
    ('root ::= ws "x" ws\nws ::= | " " ws', ["x", "  x "], [" "]),
    ("root ::= [^]", ["a", "\n"], [""]),
    ('root ::= "(" root ")" root | ""', ["", "()", "(())()"], ["(", ")("]),
    ('root ::= "/" [/] "\\\\" | "a" "|b"', ["//\\", "a|b"], ["/"]),
]


@pytest.mark.parametrize(("grammar", "inside", "outside"), TAKEN, ids=[taken[0][:30] for taken in TAKEN])
def test_what_is_inside_is_taken_and_nothing_else(grammar: str, inside: list[str], outside: list[str]) -> None:
    assert [text for text in inside if not takes(grammar, text)] == []
    assert [text for text in outside if takes(grammar, text)] == []


FAULTS = [
    ("", "no rule 'root'"),
    ('start ::= "x"', "no rule 'root'"),
    ("root ::= x", "'root' names 'x'"),
    ('root ::= "never closed', "closing quote is missing (line 1, column 23)"),
    ('root ::= "a"\nroot ::= "b"', "'root' is there twice (line 2"),
    ('root = "a"', "'::=' was expected (line 1, column 6)"),
    ("root ::= [a-", "closing ']' is missing"),
    ("root ::= [z-a]", "backwards"),
    ("root ::= []", "holds no character"),
    ('root ::= "a"{2,1}', "backwards"),
    ('root ::= "a"{x}', "a count such as"),
    ('root ::= "\\q"', "'\\q' is not known"),
    ('root ::= "\\uD"', "4 hexadecimal digits"),
    ('root ::= "\\U00110000"', "8 hexadecimal digits"),
    ('root ::= ("a"', "')' was expected"),
    ('root ::= "a")', "was expected (line 1"),
    ('root ::= "a" % "b"', "was expected (line 1, column 14)"),
    ("root ::= <think>", "write their text in quotes"),
    ("root ::= " + "(" * 200 + '"a"' + ")" * 200, "100 parentheses"),
    ('root ::= "a"*****', "one behind the other"),
]


@pytest.mark.parametrize(("grammar", "reason"), FAULTS, ids=[fault[0][:30] for fault in FAULTS])
def test_what_cannot_be_read_is_told_by_its_place(grammar: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parsed_gbnf(grammar, "grammar")
    assert reason in refusal.value.message
    assert refusal.value.parameter == "grammar"


@given(st.text('root :=|()[]{}^-+*?.,#"\\ab1\n<', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for grammar in (text, f"root ::= {text}"):
        try:
            rules = parsed_gbnf(grammar, "grammar")
        except InvalidRequest:
            continue
        assert "root" in rules


LETTERS = st.sampled_from(
    ("[ab]", "[^a]", '"a"', '"ab"', '"b"', '""', ".", '"a" | "ab"', '"(" [^)]* ")"', '"b" "c"* "("', '"a"{2,9} "c"')
)
PARTS = st.recursive(
    LETTERS,
    lambda inner: st.one_of(
        st.builds("({}){}".format, inner, st.sampled_from(("*", "+", "?", "{2}", "{1,2}", "{2,}", ""))),
        st.builds("{} {}".format, inner, inner),
        st.builds("({} | {})".format, inner, inner),
    ),
    max_leaves=5,
)


PARTED = [
    (r'"\"" ([^"\\] | "\\" ["n])* "\""', 1),
    (r'"\"" ([^"\\] | "\\" ["n])* "\"" " "*', 1),
    (r'"<" [^>]* ">" | "<" "b" [^>]* ">"', 2),
    (r'"<" [^>]* ">" | "<" [^>]* ">>"', 0),
    ('"a"+ "b" | "a"', 0),
    ('[a-z]+ "."', 1),
    ('[a-z]+ "." | "a"', 0),
    ('"." [a-z]* "."', 1),
    ('"." [a-z]* "." [a-z]', 1),
]


@pytest.mark.parametrize(("part", "expected"), PARTED, ids=[part for part, _ in PARTED])
def test_only_what_nothing_else_begins_like_is_read_as_one(part: str, expected: int) -> None:
    lark = as_lark(parsed_gbnf(f'root ::= "(" root ")" | x [0-9]*\nx ::= {part}', "grammar"), "shape")
    assert len(re.findall("^SHAPE-", lark, re.MULTILINE)) == expected


@settings(max_examples=150, deadline=None)
@given(part=PARTS, texts=st.lists(st.text("abc()", max_size=7), min_size=12, max_size=12))
def test_rules_and_the_one_expression_mean_the_same(part: str, texts: list[str]) -> None:
    rules = parsed_gbnf(f"root ::= {part}", "grammar")
    expression = as_expression(rules)
    assert expression is not None
    python = re.compile(re.sub(r"\\x\{(\w+)\}", lambda found: f"\\U{found[1]:0>8}", expression))
    try:
        by_rules = compiled_matcher(TRIE, HEADER + WHOLE + as_lark(rules, "shape"), (), "grammar")
    except InvalidRequest:
        assert not any(map(python.fullmatch, texts))
        return
    for text in texts:
        expected = bool(python.fullmatch(text))
        assert followed_or_stuck(by_rules.copy(), text) == expected
        assert takes(f"root ::= {part}", text) == expected


def followed_or_stuck(matcher: Any, text: str) -> bool:
    """Whether a text is followed; a grammar over single characters may turn out to be too ambiguous."""
    try:
        return followed(matcher, text)
    except EngineFailure:
        pytest.skip("too ambiguous")


def test_a_grammar_that_grows_when_spelled_out_is_left_as_rules() -> None:
    rules = "\n".join(f"r{number} ::= r{number + 1} r{number + 1}" for number in range(30))
    began = time.process_time()
    assert as_expression(parsed_gbnf(f'root ::= r0\n{rules}\nr30 ::= "a"', "grammar")) is None
    assert time.process_time() - began < 5
