from __future__ import annotations

import click
from hypothesis import given
from hypothesis import strategies as st

from jackfield.cli.files.passages import marked, snippet, words_of

BOLD = click.style("X", bold=True).split("X")


def unmarked(text: str) -> str:
    return click.unstyle(text)


def test_common_words_are_not_marked_unless_there_are_no_others() -> None:
    assert words_of("How is the Backup made?") == {"backup", "made"}
    assert words_of("what is it") == {"what", "is", "it"}


def test_words_are_marked_also_where_they_are_longer_or_shorter() -> None:
    begin, end = BOLD
    assert marked("Backups are backed up.", {"backup"}) == f"{begin}Backups{end} are backed up."
    assert marked("A backup.", {"backups"}) == f"A {begin}backup{end}."
    assert marked("is it in", {"i"}) == "is it in"


def test_a_long_passage_is_shown_where_the_words_are() -> None:
    text = "nothing here " * 60 + "the backup is restored from the database " + "nor there " * 60
    lines = snippet(text, {"backup", "restored"}, columns=60)
    assert 1 <= len(lines) <= 4
    shown = " ".join(map(unmarked, lines))
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "backup is restored" in shown


def test_a_short_passage_is_shown_whole_and_in_one_piece() -> None:
    assert snippet("One\n\tline.", frozenset(), columns=60) == ["One line."]


@given(st.text(max_size=600), st.sets(st.text(min_size=1, max_size=8), max_size=3), st.integers(20, 100))
def test_a_snippet_never_steers_a_terminal_nor_leaves_its_columns(text: str, words: set[str], columns: int) -> None:
    for line in snippet(text, words, columns):
        shown = unmarked(line)
        assert len(shown) <= columns
        assert shown.isprintable()
