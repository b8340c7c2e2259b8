"""The generated corpus and its questions: the same for the same seed, with answers that are all there are."""

from __future__ import annotations

import re

import pytest

from jackfield_storage.bench.corpus import Corpus, generated_corpus
from jackfield_storage.bench.corpus_words import CAUSES, PLACES, TOPICS
from jackfield_storage.bench.questions import SHARES, questions_about

SIZES = (40, 400, 3000)
COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an the of in on at to for and or is was are be by with from it its that this what which who did do does we "
        "have has had there due about mean effects papers leading all some into not up out off will everything",
    )
)


@pytest.fixture(scope="module", params=SIZES)
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return generated_corpus(request.param, 7)


def telling(text: str) -> set[str]:
    """Beginnings of the words that say something."""
    return {word[:5] for word in re.findall(r"[a-z]+", text.lower()) if word not in COMMON}


def test_the_same_seed_gives_the_same_and_another_does_not(corpus: Corpus) -> None:
    size = len(corpus.files)
    assert generated_corpus(size, 7) == corpus
    assert generated_corpus(size, 8) != corpus
    assert questions_about(corpus, 50, 7) == questions_about(corpus, 50, 7)


def test_there_are_so_many_files_each_at_a_path_of_its_own(corpus: Corpus) -> None:
    assert len(corpus.files) in SIZES
    assert len({file.path.casefold() for file in corpus.files}) == len(corpus.files)
    assert all(file.content.decode().strip() for file in corpus.files)


def test_some_files_are_copies_and_many_are_almost_alike(corpus: Corpus) -> None:
    distinct = {file.content for file in corpus.files}
    assert 0.6 < len(distinct) / len(corpus.files) < 0.95
    places = {(matter.topic, matter.place) for matter in corpus.matters}
    assert len(places) < len(corpus.matters)


def test_every_file_tells_what_its_matter_is_about(corpus: Corpus) -> None:
    for file in corpus.files:
        matter, text = corpus.matters[file.matter], file.content.decode()
        assert {matter.reference, matter.person, matter.town} <= set(re.findall(r"[A-Z]{2}-\d{5}-[A-Z]", text)) | {
            name for name in (matter.person, matter.town) if name in text
        }
        assert PLACES[matter.place].told[0] in text
        assert any(cause.lower() in text.lower() for cause in CAUSES[matter.cause].told)
        assert file.names_project == (matter.project in text.lower())


def test_questions_are_of_three_kinds_and_each_has_an_answer(corpus: Corpus) -> None:
    questions = questions_about(corpus, 60, 7)
    paths = {file.path for file in corpus.files}
    assert {question.kind for question in questions} == set(SHARES)
    assert len({question.text.casefold() for question in questions}) == len(questions)
    assert all(question.relevant and question.relevant <= paths for question in questions)


def test_a_reference_is_answered_by_every_file_that_has_it_and_no_other(corpus: Corpus) -> None:
    for question in questions_about(corpus, 100, 7):
        if found := re.findall(r"[A-Z]{2}-\d{5}-[A-Z]", question.text):
            having = {file.path for file in corpus.files if found[0] in file.content.decode()}
            assert question.relevant == having


def test_paraphrases_share_next_to_no_word_with_their_answers(corpus: Corpus) -> None:
    contents = {file.path: file.content.decode() for file in corpus.files}
    places = telling(" ".join(place.told[0] for place in PLACES))
    for question in questions_about(corpus, 100, 7):
        if question.kind == "paraphrase":
            asked = telling(question.text) - places
            shared = [len(asked & telling(contents[path])) for path in question.relevant]
            assert sum(shared) / len(shared) < 1


@pytest.mark.parametrize("subjects", [TOPICS, PLACES, CAUSES])
def test_no_subject_is_asked_for_in_the_words_it_is_told_in(subjects: tuple) -> None:
    for subject in subjects:
        slots = {"{it}", "{date}", "{amount}"}
        told, asked = (
            telling(re.sub("|".join(slots), "", " ".join(phrases))) for phrases in (subject.told, subject.asked)
        )
        assert not told & asked
