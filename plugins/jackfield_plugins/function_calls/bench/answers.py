"""What a server answers to a case, and the file in which answers are kept so that a bench can go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from jackfield.errors import InvalidRequest, StateUnavailable
from jackfield.messages import Call
from jackfield_plugins.function_calls.bench.cases import Case
from jackfield_plugins.function_calls.bench.functions import OfferedTools


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one case: the calls that the server made of it, and the text that it left.

    `broken` says what of it was begun as a call and is none, `refused` what was so at first and then written again;
    `failed` says why there is no answer at all. `conditions` are a digest of what it was asked and how.
    """

    case: str
    server: str
    conditions: str
    calls: tuple[Call, ...] = ()
    broken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    text: str = ""
    failed: str = ""
    tokens: int = 0
    seconds: float = 0.0


class Answerer(Protocol):
    """Whoever is asked: a run of our own workbench, or another server."""

    name: str
    conditions: str
    """What answers depend on besides the case, in words."""

    async def answer(self, case: Case, offered: OfferedTools) -> Answer:
        """The answer at temperature 0; one that went wrong says so. Raises Unavailable where nobody answers."""
        ...


def digest(answerer: Answerer, case: Case) -> str:
    """What an answer's conditions are kept as."""
    return hashlib.sha256(answerer.conditions.encode() + b"\0" + msgspec.json.encode(case)).hexdigest()[:16]


class KeptAnswers:
    """Answers in a file, a JSON object a line; without a file they are only remembered."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._answers = {(each.server, each.case, each.conditions): each for each in _read(path)} if path else {}

    def get(self, answerer: Answerer, case: Case) -> Answer | None:
        """What was answered under the same conditions."""
        return self._answers.get((answerer.name, case.id, digest(answerer, case)))

    def put(self, answer: Answer) -> None:
        """Keep one more, on disk before this returns; raises StateUnavailable."""
        self._answers[(answer.server, answer.case, answer.conditions)] = answer
        if self._path is None:
            return
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(answer) + b"\n")
        except OSError as error:
            raise StateUnavailable(f"Answers cannot be kept in {self._path}: {error.strerror}.") from error


def _read(path: Path) -> Iterator[Answer]:
    """What a file holds so far; a last line that was cut short is cut off, since its answer can be had again."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read as answers: {error.strerror}.") from error
    for place, line in enumerate(lines, start=1):
        if place == len(lines) and _cut_short(line):
            with path.open("r+b") as file:
                file.truncate(sum(map(len, lines[:-1])))
            return
        try:
            yield msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError as error:
            raise InvalidRequest(f"Line {place} of {path} is no answer that was kept: {error}.") from error


def _cut_short(line: bytes) -> bool:
    """Whether this is the beginning of a kept answer; anything else is somebody's file."""
    begins = b'{"case":'
    return not line.endswith(b"\n") and line[: len(begins)] == begins[: len(line)]
