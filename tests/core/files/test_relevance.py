"""Which of the passages that were found a model is given."""

from __future__ import annotations

from jackfield.contracts.files import Found
from jackfield.files.relevance import relevant

ROOF = "Solar panels on the roof give four kilowatts of power in summer and one in winter."


def found(text: str, score: float, path: str = "a.md") -> Found:
    return Found(file_id=path, collection="main", path=path, version=1, start=0, end=1, text=text, score=score)


def test_what_is_far_from_the_question_or_from_the_best_is_left_out() -> None:
    best, near, far = found("one", 0.9), found("two", 0.5), found("three", 0.3)
    assert relevant([best, near, far]) == [best, near]
    assert relevant([found("four", 0.1)]) == []


def test_what_says_the_same_as_one_before_it_is_left_out() -> None:
    first = found(ROOF, 0.9)
    joined = found(f"{ROOF}\n\n*From a.md, version 1.*", 0.9, "joined.md")
    part = found("four kilowatts of power in summer", 0.9, "part.md")
    other = found("Heat pumps take warmth from the ground.", 0.9, "other.md")
    assert relevant([first, joined, part, first]) == [first]
    assert relevant([first, other]) == [first, other]


def test_other_numbers_say_something_else() -> None:
    words = " ".join(f"word{chr(97 + at)}" for at in range(26))
    passages = [found(f"{words} 80", 0.9), found(f"{words} 75", 0.9)]
    assert relevant(passages) == passages
    assert len(relevant([found(f"{words} same", 0.9), found(f"{words} nearly", 0.9)])) == 1
