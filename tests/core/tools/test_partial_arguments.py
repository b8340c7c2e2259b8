"""Arguments are read as they are written: nothing early that could change, nothing late that is certain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.tools import ArgumentPart
from jackfield.errors import ArgumentsInvalid
from jackfield.tools.partial_arguments import PartialArguments

texts = st.text(st.one_of(st.sampled_from('\n\r\t"\\/ aé😀\u2028\x00'), st.characters(codec="utf-8")))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=5)


@st.composite
def written(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """An object, and its JSON text in pieces."""
    it = draw(objects)
    text = json.dumps(it, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2])))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return it, [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def joined(parts: list[ArgumentPart]) -> dict[str, Any]:
    """The object that parts join to; a field goes on only where its last part said that it does."""
    whole: dict[str, Any] = {}
    going_on: str | None = None
    for part in parts:
        assert going_on in (None, part.field)
        whole[part.field] = whole[part.field] + part.value if going_on else part.value
        going_on = None if part.complete else part.field
        assert part.complete or (isinstance(part.value, str) and part.value.endswith("\n"))
    assert going_on is None
    return whole


@given(written())
def test_parts_join_to_the_object_wherever_it_is_cut(case: tuple[dict[str, Any], list[str]]) -> None:
    it, pieces = case
    reader = PartialArguments()
    parts = [part for piece in pieces for part in reader.feed(piece)]
    reader.finish()
    assert joined(parts) == it
    assert list(joined(parts)) == list(it)


@given(objects, st.data())
def test_what_is_cut_short_is_not_whole(it: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(it)
    reader = PartialArguments()
    reader.feed(text[: data.draw(st.integers(0, len(text) - 1))])
    assert not reader.whole
    with pytest.raises(ArgumentsInvalid):
        reader.finish()


def test_fields_come_once_they_are_certain() -> None:
    reader = PartialArguments()
    assert reader.feed('{"days": 1') == []
    assert reader.feed("2") == []
    assert reader.feed(", ") == [ArgumentPart(field="days", value=12, complete=True)]
    assert reader.feed('"stops": [{"a": [1, "}"]}') == []
    assert reader.feed("]") == [ArgumentPart(field="stops", value=[{"a": [1, "}"]}], complete=True)]


def test_lines_come_once_they_are_certain() -> None:
    reader = PartialArguments()
    assert reader.feed('{"code": "import os') == []
    assert reader.feed("\\") == []
    assert reader.feed("nprint(1)") == [ArgumentPart(field="code", value="import os\n", complete=False)]
    assert reader.feed('\\n\\nx"') == [ArgumentPart(field="code", value="print(1)\n\nx", complete=True)]


def test_a_pair_of_surrogates_may_be_cut() -> None:
    reader = PartialArguments()
    assert [part for piece in ('{"a":"\\ud83', "d\\ude", '00"') for part in reader.feed(piece)] == [
        ArgumentPart(field="a", value="😀", complete=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "x",
        '"',
        "{x",
        "{,",
        '{"a"=',
        '{"a":}',
        '{"a":,',
        '{"a":]',
        '{"a": hello',
        '{"a": 01',
        '{"a": 1.e',
        '{"a": .5',
        '{"a": +1',
        '{"a": NaN',
        '{"a": tru,',
        '{"a": 1e999}',
        '{"a": -}',
        '{"a": 1 2',
        '{"a": [1}',
        '{"a": {"b": 1]',
        '{"a": [1,]',
        '{"a": 1,}',
        '{"a": "x\ny',
        '{"a": "\\x',
        '{"a": "\\u12g',
        '{"a": "\\udc00',
        '{"a": "\\ud800"',
        '{"a": "\\ud800x',
        '{"a": "\\ud800\\n',
        '{"a": ["\\ud800"',
        '{"a": 1, "a":',
        "{} x",
        "{}{",
        '{"a": ' + "1" * 5000,
    ],
)
def test_what_cannot_become_an_object_is_refused_at_once(text: str) -> None:
    reader = PartialArguments()
    with pytest.raises(ArgumentsInvalid) as refusal:
        list(map(reader.feed, text))
    assert refusal.value.message.endswith(".")


def test_nesting_without_end_is_refused_in_words() -> None:
    with pytest.raises(ArgumentsInvalid):
        PartialArguments().feed('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
