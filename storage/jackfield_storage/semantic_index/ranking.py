"""From the arms' rankings to what is found: fused, put in the files that hold it, perhaps ranked again."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from jackfield.contracts.files import Found, Query
from jackfield_storage.semantic_index.fusion import fused, fused_by_evidence, places_of
from jackfield_storage.semantic_index.holders import Holder, Within, beginnings, holders
from jackfield_storage.semantic_index.name_arm import Named
from jackfield_storage.semantic_index.reranking import telling
from jackfield_storage.semantic_index.search_words import SearchWords

NAME_WEIGHT = 1.0
PATH_WEIGHT = 3.0
"""What a file's name counts beside what is in it, and a path that was typed, for that one is meant."""
RERANKED = 30
"""Places that are ranked again where that is asked for."""


class Rankings(msgspec.Struct, frozen=True):
    """What the arms found: passages by words and by meaning, both best first, and files by name.

    Passages have the share of the words that they hold, each by how rare it is, and their similarity.
    """

    by_words: dict[int, float]
    by_meaning: dict[int, float]
    named: Named
    words: SearchWords


class Ranked(msgspec.Struct):
    """A passage in a file, and what it scores among the others; `named` is set where it stands for its file's name."""

    holder: Holder
    score: float
    named: bool = False


def found_passages(
    connection: Connection, query: Query, within: Within, names: dict[str, str], rankings: Rankings
) -> tuple[Found, ...]:
    """The best passages of files within, or the best of each file where the query asks for whole files."""
    by_words, by_meaning = places_of(rankings.by_words), places_of(rankings.by_meaning)
    scores = fused_by_evidence([rankings.by_words, rankings.by_meaning])
    best = sorted(scores, key=lambda passage: (-scores[passage], passage))
    # What is ranked again, or goes up by its file's name, may come from further down.
    further = RERANKED if query.rerank or rankings.named.files else 0
    held = _held(connection, best, within, query, at_once=max(3 * query.limit, further))
    ranked = [Ranked(holder, scores[passage]) for passage in best for holder in held.get(passage, ())]
    ranked = _in_order(_with_names(connection, ranked, within, rankings.named))
    if query.rerank:
        ranked = _again(ranked, rankings)
    if query.whole_files:
        ranked = _best_of_each(ranked)
    return tuple(
        Found(
            file_id=one.holder.file_id,
            collection=names[one.holder.collection_id],
            path=one.holder.path,
            version=one.holder.version,
            start=one.holder.start,
            end=one.holder.end,
            text=one.holder.text,
            heading=one.holder.heading,
            score=_closeness(one, rankings),
            keyword_rank=by_words.get(one.holder.passage_id),
            meaning_rank=by_meaning.get(one.holder.passage_id),
            similarity=rankings.by_meaning.get(one.holder.passage_id),
        )
        for one in ranked[: query.limit]
    )


def _closeness(one: Ranked, rankings: Rankings) -> float:
    """How close a passage is to the query, 0 to 1, whatever else was found: what orders them says nothing of that."""
    if one.named:
        return 1.0
    passage = one.holder.passage_id
    closest = max(rankings.by_words.get(passage, 0.0), rankings.by_meaning.get(passage, 0.0), 0.0)
    return round(min(closest, 1.0), 6)


def _held(
    connection: Connection, best: list[int], within: Within, query: Query, *, at_once: int
) -> dict[int, list[Holder]]:
    """Who holds the first of some passages: of more of them only where one long file has all the first places."""
    held: dict[int, list[Holder]] = {}
    for start in range(0, len(best), at_once):
        held |= holders(connection, best[start : start + at_once], within)
        files = {one.file_id for some in held.values() for one in some}
        if not query.whole_files or len(files) >= query.limit:
            break
    return held


def _with_names(connection: Connection, ranked: list[Ranked], within: Within, named: Named) -> list[Ranked]:
    """Let each file that was named count with its best passage, or with its first where none was found."""
    bonus = fused([(places_of(named.files), PATH_WEIGHT if named.path_typed else NAME_WEIGHT)], of=2.0)
    first: dict[str, Ranked] = {}
    for one in ranked:
        first.setdefault(one.holder.file_id, one)
    unseen = beginnings(connection, [file_id for file_id in bonus if file_id not in first], within)
    for file_id, score in bonus.items():
        if file_id in first:
            first[file_id].score += score
            first[file_id].named = True
    return ranked + [Ranked(holder, bonus[file_id], named=True) for file_id, holder in unseen.items()]


def _again(ranked: list[Ranked], rankings: Rankings) -> list[Ranked]:
    """The first places by how telling their passages are, the others behind them."""
    head = telling(
        [(one.holder.heading, one.holder.text) for one in ranked[:RERANKED]],
        [rankings.by_meaning.get(one.holder.passage_id) for one in ranked[:RERANKED]],
        rankings.words,
    )
    for one, score in zip(ranked, head, strict=False):
        one.score = (one.score + score) / 2
    return _in_order(ranked[:RERANKED]) + ranked[RERANKED:]


def _best_of_each(ranked: list[Ranked]) -> list[Ranked]:
    best: dict[str, Ranked] = {}
    for one in ranked:
        best.setdefault(one.holder.file_id, one)
    return list(best.values())


def _in_order(ranked: list[Ranked]) -> list[Ranked]:
    return sorted(ranked, key=lambda one: (-one.score, one.holder.path, one.holder.start))
