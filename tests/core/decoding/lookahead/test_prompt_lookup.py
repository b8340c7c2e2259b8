"""What is looked up stands there already: in the context, or in an attached file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackfield.decoding.lookahead.lookup_drafter import CHUNK, PromptLookupDrafter
from jackfield.decoding.lookahead.ngram_index import BREAK, NgramIndex
from jackfield.decoding.lookahead.prompt_lookup import PromptLookup

texts = st.lists(st.integers(0, 4), max_size=60)


def newest_match(text: list[int]) -> tuple[int, int] | None:
    """Length and place of the longest earlier match of at least two newest tokens, by looking everywhere."""
    found = []
    for place in range(1, len(text)):
        length = 0
        while length < place and text[place - 1 - length] == text[-1 - length] != BREAK:
            length += 1
        found.append((length, place))
    best = max(found, default=(0, 0))
    return best if best[0] >= 2 else None


@given(texts)
def test_a_match_is_the_longest_and_newest_where_few_places_compete(text: list[int]) -> None:
    index = NgramIndex()
    index.extend(text)
    match = index.longest_match()
    expected = newest_match(text)
    assert (match is None) == (expected is None)
    if match and expected:
        places = [place for place in range(2, len(text)) if text[place - 2 : place] == text[-2:]]
        if len(places) <= 8:
            assert (match.length, match.source) == expected
        assert text[match.source - match.length : match.source] == text[len(text) - match.length :]


@given(st.lists(texts, max_size=3), texts, st.lists(texts, max_size=8), st.integers(1, 12))
def test_a_draft_goes_on_as_an_earlier_text_does(
    references: list[list[int]], prompt: list[int], written: list[list[int]], most: int
) -> None:
    lookup = PromptLookup(references)
    lookup.read(prompt)
    for piece in written:
        lookup.extend(piece)
        draft = lookup.draft(most)
        assert len(draft) <= most
        assert BREAK not in draft
        chances = lookup.chances(len(draft))
        assert len(chances) == len(draft)
        assert all(0 <= chance <= 1 for chance in chances)
    whole = [token for reference in references for token in [*reference, BREAK]]
    whole += [*prompt, *(token for piece in written for token in piece)]
    draft = lookup.draft(most)
    drafted = whole + draft
    places = range(len(whole))
    assert not draft or any(drafted[place : place + len(draft)] == draft for place in places)


@given(st.lists(st.integers(0, 2**18), min_size=8, max_size=40, unique=True), st.integers(2, 6), st.integers(1, 40))
def test_a_copy_is_drafted_as_far_as_it_is_borne_out(source: list[int], copied: int, most: int) -> None:
    lookup = PromptLookup([source])
    lookup.read([2**19])
    lookup.extend(source[:copied])
    assert lookup.draft(most) == source[copied : copied + min(most, max(3, 2 * copied))]


def test_a_long_copy_is_drafted_to_the_end_of_its_source() -> None:
    lookup = PromptLookup([range(50)])
    lookup.extend(range(40))
    assert lookup.draft(31) == [*range(40, 50)]


def test_a_copy_goes_on_behind_a_replaced_token() -> None:
    lookup = PromptLookup()
    lookup.read([*range(100, 140), 7])
    lookup.extend([*range(100, 110), 8])
    assert lookup.draft(3) == [111, 112, 113]


def test_a_copy_goes_on_behind_a_token_that_was_left_out() -> None:
    lookup = PromptLookup()
    lookup.read([*range(100, 140), 7])
    lookup.extend([*range(100, 110), 111])
    assert lookup.draft(3) == [112, 113, 114]


def test_a_copy_goes_on_behind_tokens_that_were_put_in() -> None:
    lookup = PromptLookup()
    lookup.read([*range(100, 140), 7])
    lookup.extend([*range(100, 110), 8, 9, 10, 111])
    assert lookup.draft(3) == [112, 113, 114]


def test_a_text_that_repeats_itself_is_drafted_beyond_its_end() -> None:
    lookup = PromptLookup()
    lookup.read([1, 2, 3, 1, 2, 3, 1, 2])
    assert lookup.draft(7) == [3, 1, 2, 3, 1, 2, 3]


def test_chances_grow_with_what_came_true_and_fall_with_what_did_not() -> None:
    lookup = PromptLookup()
    lookup.read([*range(100), 200])
    lookup.extend(range(50))
    copying = lookup.chances(1)[0]
    assert copying > 0.95
    wrong = PromptLookup()
    wrong.read([*range(100), 200])
    for start in range(0, 90, 3):
        wrong.extend([start, start + 1, 300 + start])
    wrong.extend([95, 96])
    assert wrong.draft(1) == [97]
    assert wrong.chances(1)[0] < 0.2


def test_long_prompts_and_references_are_read_in_chunks() -> None:
    drafter = PromptLookupDrafter()
    prompt = list(range(2 * CHUNK))
    tokens = [*prompt, 2**19]
    drafter.follow(1, tokens, [list(range(10**5, 10**5 + CHUNK + 1))])
    tokens += [5, 6, 7]
    turns = 0
    while not drafter.drafts({1: 4}):
        drafter.catch_up()
        turns += 1
    assert turns == 5
    assert drafter.drafts({1: 4})[1].tokens == [8, 9, 10, 11]
    tokens += [10**5, 10**5 + 1]
    assert drafter.drafts({1: 2})[1].tokens == [10**5 + 2, 10**5 + 3]
    drafter.forget(1)
    drafter.forget(1)


def test_sequences_are_looked_up_each_in_itself() -> None:
    drafter = PromptLookupDrafter()
    drafter.follow(1, [1, 2, 3, 4, 1, 2])
    drafter.follow(2, [1, 2, 9, 9, 1, 2])
    drafter.follow(3, [1, 2, 3])
    for _ in range(3):
        drafter.catch_up()
    drafts = drafter.drafts({1: 1, 2: 1, 3: 1})
    assert {key: draft.tokens for key, draft in drafts.items()} == {1: [3], 2: [9]}
