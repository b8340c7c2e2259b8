"""Questions that calls answer, in the shape of the Berkeley Function-Calling Leaderboard (BFCL)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from jackfield.errors import InvalidRequest
from jackfield.messages import Message

CATEGORY = re.compile(r"_\d+(-\d+)*$")
"""What an id has behind its category: `parallel_12`, `live_multiple_3-1-0`."""

WITHOUT_TRUTH = "irrelevance"
"""Cases of such a category want no call, and need not say so."""


class Turn(msgspec.Struct, frozen=True):
    """What is said before the answer."""

    role: Literal["system", "user"]
    content: str


GroundTruth = tuple[dict[str, dict[str, list[Any]]], ...]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One question and the functions at hand, as BFCL describes them.

    `ground_truth` holds the calls to be made, each a function's name with the values that each parameter may have ("":
    it may be left out); None says that none of the functions suits.
    """

    id: str
    question: tuple[tuple[Turn, ...], ...]
    function: tuple[dict[str, Any], ...]
    ground_truth: GroundTruth | None

    @property
    def category(self) -> str:
        """The id without its number."""
        return CATEGORY.sub("", self.id)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The question as a conversation."""
        return tuple(Message.of(turn.role, turn.content) for turn in self.question[0])


def read_cases(paths: Sequence[Path]) -> list[Case]:
    """Every case of some files, one a line, packed (.gz) or not; folders stand for all .jsonl files in them.

    A file without ground truth has it in one of its name in the folder `possible_answer` beside it, as in BFCL's own
    package. Raises InvalidRequest naming file and line.
    """
    cases: dict[str, Case] = {}
    for path in (file for each in paths for file in _files(each)):
        truths = _truths(path)
        for place, line in enumerate(_lines(path), start=1):
            case = _case(line, truths, f"line {place} of {path}")
            if case.id in cases:
                raise InvalidRequest(f"Case '{case.id}' stands twice, the second time in line {place} of {path}.")
            cases[case.id] = case
    if not cases:
        raise InvalidRequest(f"There is no case in {', '.join(map(str, paths))}.")
    return list(cases.values())


def sample(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """At most so many of each category, evenly spaced and always the same ones; categories take turns."""
    by_category: dict[str, list[Case]] = {}
    for case in cases:
        by_category.setdefault(case.category, []).append(case)
    rounds = zip_longest(*(_evenly_spaced(each, limit) for each in by_category.values()))
    return [case for each in rounds for case in each if case]


def _evenly_spaced(cases: list[Case], limit: int | None) -> list[Case]:
    if limit is None or limit >= len(cases):
        return cases
    return [cases[place * len(cases) // limit] for place in range(limit)]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted((*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")))
    return [path]


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from (line for line in file if line.strip())
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest(f"{path} cannot be read as cases: {error}.") from error


def _truths(path: Path) -> dict[str, GroundTruth]:
    """Ground truth that stands apart from its cases, by id."""
    apart = path.with_name("possible_answer") / path.name
    if not apart.exists():
        return {}
    rows = [_decoded(line, _Truth, f"line {place} of {apart}") for place, line in enumerate(_lines(apart), start=1)]
    return {row.id: row.ground_truth for row in rows}


def _case(line: bytes, truths: Mapping[str, GroundTruth], where: str) -> Case:
    row = _decoded(line, _Row, where)
    if len(row.question) != 1:
        raise InvalidRequest(
            f"Case '{row.id}' ({where}) has {len(row.question)} turns; only cases of one turn can be measured."
        )
    truth = truths.get(row.id) if row.ground_truth is msgspec.UNSET else row.ground_truth
    case = Case(id=row.id, question=row.question, function=row.function, ground_truth=truth)
    if truth is None and row.ground_truth is msgspec.UNSET and WITHOUT_TRUTH not in case.category:
        raise InvalidRequest(f"Case '{row.id}' ({where}) does not say which calls are right: it has no ground_truth.")
    return case


class _Row(msgspec.Struct):
    id: str
    question: tuple[tuple[Turn, ...], ...]
    function: tuple[dict[str, Any], ...]
    ground_truth: GroundTruth | msgspec.UnsetType | None = msgspec.UNSET


class _Truth(msgspec.Struct):
    id: str
    ground_truth: GroundTruth


T = TypeVar("T")


def _decoded(line: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"What stands in {where} is no case of BFCL's shape: {error}.") from error
