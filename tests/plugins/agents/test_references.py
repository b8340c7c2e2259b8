"""Labels of steps in the arguments of others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackfield_plugins.agents.plan_then_work.references import filled, label, references

NUMBERS = st.integers(1, 200)
WORDS = st.text(st.characters(exclude_characters="#", exclude_categories=("Cs", "Nd", "L"))).filter(
    lambda text: not text.startswith("_")
)
PIECES = st.lists(st.tuples(WORDS, NUMBERS), max_size=8)


@given(PIECES, WORDS)
def test_each_label_is_found_and_replaced_whole(pieces: list[tuple[str, int]], end: str) -> None:
    text = "".join(f"{words}{label(number)}" for words, number in pieces) + end
    assert references({"deep": [text, 1, None]}) == {number for _, number in pieces}
    texts = {number: f"<{number} #E{number}>" for _, number in pieces}
    assert filled(text, texts) == "".join(f"{words}{texts[number]}" for words, number in pieces) + end


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_has_no_label_stays_as_it_is(value: object) -> None:
    assert filled(value, {}) == value


def test_a_label_with_letters_behind_it_is_none() -> None:
    assert references("#E1a #Ex #E0 #E01 E1 #e1") == frozenset()
