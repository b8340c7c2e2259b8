"""Long texts and long differences go to a model in parts, with nothing left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.files import Found
from jackfield.events import Source
from jackfield.files.comparing import _parts
from jackfield.files.joining import GAP, Part, _is_repeated
from jackfield.files.joining import _parts as merged
from jackfield.files.summaries import _batches, _numbered, _only_repeats
from jackfield.files.telling_words import words_in


def source(text: str) -> Source:
    return Source(number=0, kind="file", id="file_1", version=3, text=text, path="a.md", end=len(text.encode()))


@given(st.text(max_size=600), st.integers(20, 200))
def test_pieces_of_a_text_are_all_of_it_with_their_spans(text: str, size: int) -> None:
    pieces = _numbered([source(text)], size)
    assert "".join(piece.text for piece in pieces) == text
    assert all(len(piece.text) <= size for piece in pieces)
    data = text.encode()
    assert all(data[piece.start : piece.end].decode() == piece.text for piece in pieces)
    assert [piece.number for piece in pieces] == list(range(1, len(pieces) + 1))


@given(st.lists(st.tuples(st.sampled_from("+- "), st.text(st.characters(exclude_categories=["C", "Z"]), max_size=80))))
def test_parts_of_a_difference_hold_every_line(lines: list[tuple[str, str]]) -> None:
    unified = "".join(f"{sign}{text}\n" for sign, text in lines)
    assert "".join(_parts(unified, 200)) == unified


def test_a_line_longer_than_a_part_keeps_its_sign_in_each_piece() -> None:
    parts = _parts("+" + "x" * 450 + "\n", 200)
    assert all(part.startswith("+") for part in parts)
    assert "".join(part[1:].rstrip("\n") for part in parts) == "x" * 450


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=40))
def test_each_round_of_summaries_leaves_fewer(lengths: list[int]) -> None:
    said = [(number, "x" * length) for number, length in enumerate(lengths, 1)]
    batches = _batches(said)
    assert [one for batch in batches for one in batch] == said
    short = [(number, "x" * min(length, 1_600)) for number, length in enumerate(lengths, 1)]
    assert len(_batches(short)) == 1 or len(_batches(short)) < len(short)


def found(start: int, end: int) -> Found:
    return Found(file_id="f", collection="main", path="a.md", version=1, start=start, end=end, text="", score=1.0)


def test_neighbouring_passages_are_one_part() -> None:
    parts = merged([found(900, 1000), found(0, 100), found(100 + GAP, 400)])
    assert parts == [
        Part(path="a.md", version=1, start=0, end=400),
        Part(path="a.md", version=1, start=900, end=1000),
    ]


def test_what_was_said_before_in_nearly_the_same_words_is_repeated() -> None:
    seen = [frozenset(words_in("Solar panels on the roof give four kilowatts of power in summer and one in winter."))]
    assert _is_repeated("Solar panels on the roof give four kilowatts of power, in summer, and one in winter!", seen)
    assert not _is_repeated("Heat pumps take warmth from the ground.", seen)


def test_an_answer_is_a_summary_or_what_the_model_was_given() -> None:
    given = [source(" ".join(f"word{number}" for number in range(60)))]
    assert _only_repeats("(a.md, version 3)", given)
    assert _only_repeats("", given)
    assert _only_repeats(given[0].text, given)
    assert not _only_repeats("It counts words [1].", given)
    assert not _only_repeats("word1 word2 word3 word4 word5 word6 word7", given)
