"""JSON as models write it comes out strict, or with the place where it breaks."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_plugins.function_calls.json_scanner import MOST_LEVELS
from jackfield_plugins.function_calls.written_call import ArgumentsFault, strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
).filter(lambda value: isinstance(value, dict | list | str))
MENDED: dict[str, Any] = {
    '{"a": 1,}': {"a": 1},
    "[1, 2 , \n]": [1, 2],
    '{"a": {"b": [True, False, None,],},}': {"a": {"b": [True, False, None]}},
    '"a\n\tb"': "a\n\tb",
    r'"it\'s"': "it's",
}
BROKEN = {
    "{'a': 1}": "character 2",
    '{"a" 1}': "expected ':'",
    '{"a": }': "expected a value",
    '{"a": 1 "b": 2}': "expected ',' or '}'",
    "[1,, 2]": "character 4",
    "[,]": "expected a value or ']'",
    '{"a": 007}': "'007' is no value",
    '{"a": .5}': "found '.'",
    '{"a": undefined}': "found 'u'",
    '{"a": Truely}': "'Truely' is no value",
    r'"\d"': "a backslash itself is",
    r'"\u12g4"': "four hexadecimal digits",
    "[1}": "found '}'",
    '{"a": 1} 2': "more is written behind",
    "1[": "expected nothing more, found '['",
    '{"a": "b': "the end of a text",
    "[" * (MOST_LEVELS + 1): f"more than {MOST_LEVELS} levels",
}


@given(VALUES, st.sampled_from([None, 2]))
def test_valid_json_stays_what_it_is(value: Any, indent: int | None) -> None:
    for ascii_only in (True, False):
        written = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        assert strict_json(written) == written


@pytest.mark.parametrize("written", MENDED)
def test_what_can_mean_one_thing_is_mended(written: str) -> None:
    assert json.loads(strict_json(written)) == MENDED[written]


@pytest.mark.parametrize("written", BROKEN)
def test_what_breaks_is_named_with_its_place(written: str) -> None:
    with pytest.raises(ArgumentsFault) as fault:
        strict_json(written)
    assert BROKEN[written] in str(fault.value)


@given(st.text(st.sampled_from('{}[],:" \n\\u1eE-+.tfnrueTFalsN'), max_size=30))
def test_what_comes_out_is_always_json(written: str) -> None:
    with contextlib.suppress(ArgumentsFault):
        json.loads(strict_json(written))
