"""Text from bytes: whole characters only, nothing past a stop string, nothing lost."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jackfield.decoding.text import TextStream


def streamed(data: bytes, cuts: list[int], stop: tuple[str, ...]) -> tuple[str, bool]:
    stream = TextStream(stop)
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    text = ""
    for start, end in pairwise(places):
        text += stream.feed(data[start:end])
        if stream.stopped:
            return text, True
    return text + stream.finish(), stream.stopped


@given(st.text(), st.lists(st.integers(0, 200)))
def test_without_stop_strings_everything_comes_through(text: str, cuts: list[int]) -> None:
    assert streamed(text.encode(), cuts, ()) == (text, False)


@given(
    st.text(alphabet="ab🎉", max_size=30),
    st.lists(st.integers(0, 60)),
    st.lists(st.text(alphabet="ab🎉", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_text_ends_where_the_earliest_complete_stop_string_begins(text: str, cuts: list[int], stop: list[str]) -> None:
    said, stopped = streamed(text.encode(), cuts, tuple(stop))
    assert stopped == any(word in text for word in stop)
    assert text.startswith(said)
    assert not any(word in said for word in stop)
    if not stopped:
        assert said == text


def test_a_character_in_parts_is_held_until_it_is_whole() -> None:
    stream = TextStream()
    parts = [stream.feed(bytes([byte])) for byte in "🎉".encode()]
    assert parts == ["", "", "", "🎉"]


def test_a_broken_character_at_the_end_is_marked() -> None:
    stream = TextStream()
    assert stream.feed(b"a\xf0\x9f") == "a"
    assert stream.finish() == "\ufffd"
