"""One ranking out of two: what each arm's places count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackfield_storage.semantic_index.fusion import fused_by_evidence

TELLING = st.floats(-1, 1, allow_nan=False)


def best_first(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda one: -scores[one])


def test_what_holds_all_that_was_typed_is_before_what_is_merely_nearest() -> None:
    by_words = {"all": 1.0, "all too": 1.0}
    by_meaning = {"near": 0.4, "nearly": 0.39, "all": 0.2}
    assert best_first(fused_by_evidence([by_words, by_meaning]))[:2] == ["all", "all too"]


def test_what_is_near_is_before_what_shares_a_common_word() -> None:
    by_words = {"shares": 0.1, "shares too": 0.1}
    by_meaning = {"near": 0.6, "nearly": 0.55}
    assert best_first(fused_by_evidence([by_words, by_meaning]))[:2] == ["near", "nearly"]


def test_what_both_found_is_before_what_one_found() -> None:
    by_words, by_meaning = {"one": 0.5, "both": 0.5}, {"other": 0.5, "both": 0.5}
    assert best_first(fused_by_evidence([by_words, by_meaning]))[0] == "both"


@given(st.dictionaries(st.text(max_size=3), TELLING, max_size=20))
def test_one_ranking_alone_keeps_its_order(ranking: dict[str, float]) -> None:
    for rankings in ([ranking], [ranking, {}], [{}, ranking]):
        assert best_first(fused_by_evidence(rankings)) == list(ranking)


@given(st.lists(st.dictionaries(st.integers(0, 30), TELLING, max_size=20), min_size=2, max_size=2))
def test_scores_are_from_0_to_1(rankings: list[dict[int, float]]) -> None:
    scores = fused_by_evidence(rankings)
    assert scores.keys() == {one for ranking in rankings for one in ranking}
    assert all(0 <= score <= 1.0001 for score in scores.values())
