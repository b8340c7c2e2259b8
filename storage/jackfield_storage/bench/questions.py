"""Questions about a generated corpus, and the files that answer each: by what the files are about, not by their words.

Four in ten are paraphrases, which share one word with their answers or none; three name a reference or a project, and
next to nothing else; three name a person or a town and paraphrase the rest.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from jackfield_storage.bench.corpus import Corpus, Matter
from jackfield_storage.bench.corpus_words import ABOUT_BOTH, ABOUT_WHAT, ABOUT_WHY, CAUSES, PLACES, TOPICS

Kind = Literal["paraphrase", "keyword", "mixed"]
SAME_PLACE = 0.5
"""Questions that call a place what files call it; all else is always called something else."""
SHARES: dict[Kind, float] = {"paraphrase": 0.4, "keyword": 0.3, "mixed": 0.3}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and the paths of all files that answer it."""

    kind: Kind
    text: str
    relevant: frozenset[str]


def questions_about(corpus: Corpus, number: int, seed: int) -> tuple[Question, ...]:
    """Up to so many, each with words of its own; fewer where the corpus is too small for more."""
    chance = random.Random(f"questions {seed} {len(corpus.files)}")  # noqa: S311 - questions, no secrets
    answers = _Answers(corpus)
    asked: dict[str, Question] = {}
    for kind, share in SHARES.items():
        wanted = len(asked) + round(number * share)
        matters = list(corpus.matters) * 3
        chance.shuffle(matters)
        for matter in matters:
            if len(asked) >= wanted:
                break
            text, relevant = _ASK[kind](chance, matter, answers)
            if relevant:
                asked.setdefault(text.casefold(), Question(kind=kind, text=text, relevant=relevant))
    shuffled = list(asked.values())
    chance.shuffle(shuffled)
    return tuple(shuffled)


class _Answers:
    """Files by what they are about."""

    def __init__(self, corpus: Corpus) -> None:
        self._matters = corpus.matters
        self._paths: dict[int, list[str]] = defaultdict(list)
        self._naming: set[str] = set()
        for file in corpus.files:
            self._paths[file.matter].append(file.path)
            if file.names_project:
                self._naming.add(file.path)
        self._numbers: dict[tuple[str, ...], dict[tuple[object, ...], list[int]]] = {}

    def alike(self, matter: Matter, *in_what: str) -> frozenset[str]:
        """The files of every matter that is as this one in some respects."""
        wanted = tuple(getattr(matter, name) for name in in_what)
        return frozenset(path for number in self._by(in_what)[wanted] for path in self._paths[number])

    def naming(self, matter: Matter) -> frozenset[str]:
        """The files that name a matter's project in their text."""
        return self.alike(matter, "project") & self._naming

    def _by(self, names: tuple[str, ...]) -> dict[tuple[object, ...], list[int]]:
        if names not in self._numbers:
            grouped: dict[tuple[object, ...], list[int]] = defaultdict(list)
            for number, matter in enumerate(self._matters):
                grouped[tuple(getattr(matter, name) for name in names)].append(number)
            self._numbers[names] = grouped
        return self._numbers[names]


Asked = tuple[str, frozenset[str]]


def _paraphrase(chance: random.Random, matter: Matter, answers: _Answers) -> Asked:
    place, why = _place(chance, matter), chance.choice(CAUSES[matter.cause].asked)
    what = chance.choice(TOPICS[matter.topic].asked).format(it=place)
    texts: Iterable[Asked] = (
        (chance.choice(ABOUT_WHAT).format(what=what), answers.alike(matter, "topic", "place")),
        (chance.choice(ABOUT_WHY).format(why=why, it=place), answers.alike(matter, "place", "cause")),
        (chance.choice(ABOUT_BOTH).format(what=what, why=why), answers.alike(matter, "topic", "place", "cause")),
    )
    return chance.choice(list(texts))


def _keyword(chance: random.Random, matter: Matter, answers: _Answers) -> Asked:
    reference, project = answers.alike(matter, "reference"), answers.naming(matter)
    texts: Iterable[Asked] = (
        (matter.reference, reference),
        (f"file {matter.reference}", reference),
        (f"{matter.reference} {matter.town}", reference),
        (f"project {matter.project}", project),
    )
    return chance.choice(list(texts))


def _mixed(chance: random.Random, matter: Matter, answers: _Answers) -> Asked:
    what = _what(chance, matter)
    by_person = answers.alike(matter, "topic", "place", "person")
    in_town = answers.alike(matter, "topic", "place", "town")
    texts: Iterable[Asked] = (
        (f"{matter.person} on {what}", by_person),
        (f"what did {matter.person} write about {what}?", by_person),
        (f"{what} in {matter.town}", in_town),
    )
    return chance.choice(list(texts))


def _what(chance: random.Random, matter: Matter) -> str:
    return chance.choice(TOPICS[matter.topic].asked).format(it=_place(chance, matter))


def _place(chance: random.Random, matter: Matter) -> str:
    place = PLACES[matter.place]
    return (place.told if chance.random() < SAME_PLACE else place.asked)[0]


_ASK: dict[Kind, Callable[[random.Random, Matter, _Answers], Asked]] = {
    "paraphrase": _paraphrase,
    "keyword": _keyword,
    "mixed": _mixed,
}
