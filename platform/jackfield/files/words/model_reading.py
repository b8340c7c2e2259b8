"""Words that the rules are not sure of, read by a model that can only answer with calls over what was said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Constraint
from jackfield.files.asking import ChatModel
from jackfield.files.words.building import built
from jackfield.files.words.likely_calls import likely_calls, speaks_of_files
from jackfield.files.words.marks import DURATIONS, PATHS, QUOTES, TIMES, VERSIONS, Marked
from jackfield.files.words.reading import Clause
from jackfield.files.words.sentence_files import lines_of, sentence_parts
from jackfield.files.words.steps import Step
from jackfield.files.words.times import Clock
from jackfield.messages import Message

LONGEST_SPAN = 8
"""Words that one argument may have; what is quoted counts as one."""
MOST_SPANS = 160
LONGEST_ANSWER = 120
OFFERED = 7
"""Calls that a model chooses from: the likeliest by the sentence's words."""
ALL = "all files"
NONE = "none"

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "create": ("new", "text"),
    "append": ("text", "file"),
    "overwrite": ("file", "text"),
    "delete": ("file",),
    "undelete": ("file",),
    "rename": ("file", "new"),
    "copy": ("file", "new"),
    "rollback": ("file", "version"),
    "read": ("file", "version"),
    "list": ("file",),
    "list_deleted": (),
    "history": ("file",),
    "compare": ("file", "version"),
    "find": ("topic",),
    "find_word": ("topic",),
    "group": ("file",),
    "join": ("file", "new"),
    "join_topic": ("topic", "new"),
    "summarise": ("file",),
    "summarise_topic": ("topic",),
    "lock": ("file", "lasting"),
    "unlock": ("file",),
    "link": ("file", "lasting"),
    "unlink": ("file",),
    "links": (),
    "index": (),
    "index_progress": (),
    "changes": ("time",),
    "undo": (),
    NONE: (),
}
"""What a model may answer, `none` of the calls included, and the arguments of each in their order."""
_AS_CALL: dict[str, tuple[str, dict[str, str]]] = {
    "list_deleted": ("list", {"deleted": "1"}),
    "find_word": ("find", {"mode": "keyword"}),
    "join_topic": ("join", {}),
    "summarise_topic": ("summarise", {}),
    "index_progress": ("index", {"ask": "1"}),
}
_MAY_LACK = {
    "create": ("text",),
    "read": ("version",),
    "compare": ("version",),
    "lock": ("lasting",),
    "link": ("lasting",),
    "join": ("new",),
    "join_topic": ("new",),
    "changes": ("time",),
    "rollback": ("version",),
}
_NEEDS_VERSION = ("rollback", "read", "compare", "link")
_LITTLE = frozenset(
    {
        "the",
        "a",
        "an",
        "my",
        "our",
        "to",
        "of",
        "in",
        "on",
        "at",
        "for",
        "with",
        "and",
        "or",
        "into",
        "from",
        "by",
        "is",
    }
    | {"it", "that", "this", "as", "be", "up", "so", ",", "'s", ":", "about", "all", "please", "me", "i", "you", "we"}
)


class ModelReader:
    """Asks a chat model, whose answer is held to a schema of this sentence's own words."""

    def __init__(self, chat: ChatModel) -> None:
        self._chat = chat

    async def step(self, clause: Clause, clock: Clock) -> Step | None:
        """The step that a model reads in a sentence; None where its answer makes none, or nothing speaks for a call.

        Raises what the run ended with, such as ModelNotFound.
        """
        if clause.negated or clause.why or not speaks_of_files(clause.marked.text):
            return None
        spans = spoken_spans(clause.marked)
        calls = offered_calls(clause)
        request = RunRequest(
            model="",
            messages=(*_examples(calls), Message.of("user", clause.said)),
            constraint=Constraint(kind="json_schema", value=_schema(calls, spans, clause.marked)),
            sampling={"temperature": 0.0},
            max_tokens=LONGEST_ANSWER,
            client="files",
        )
        reply = await self._chat.whole_reply(request)
        return step_of(msgspec.json.decode(reply.text), spans, clause.marked, clock)


def step_of(answer: dict[str, Any], spans: dict[str, str], marked: Marked, clock: Clock) -> Step | None:
    """The step that an answer stands for, or None: its arguments are read as the rules read theirs."""
    if answer["call"] == NONE:
        return None
    call, flags = _AS_CALL.get(answer["call"], (answer["call"], {}))
    slots: dict[str, str] = {}
    for name, said in answer.items():
        if name == "call" or (name == "file" and said == ALL):
            continue
        slots["old" if name == "version" else name] = spans.get(said, said)
    reading = built(call, slots, flags, marked, clock)
    return reading.step if reading else None


def spoken_spans(marked: Marked) -> dict[str, str]:
    """What an argument may be: stretches of the sentence as they were said, each with its plain words."""
    words = marked.text.split()
    spans: dict[str, str] = {}
    for length in range(1, LONGEST_SPAN + 1):
        for start in range(len(words) - length + 1):
            some = words[start : start + length]
            if some[0] in _LITTLE or some[-1] in _LITTLE:
                continue
            spans.setdefault(marked.spoken(" ".join(some)), " ".join(some))
    return dict(list(spans.items())[:MOST_SPANS])


def offered_calls(clause: Clause) -> list[str]:
    """Answers that are not out of the question: those that leave out a version, a path or a quote that was said are."""
    text = clause.marked.text
    has_version = re.search(f"[{VERSIONS}]", text) is not None
    names = re.search(f"[{PATHS}{QUOTES}]", text) is not None
    writes_quote = re.search(f"[{QUOTES}]", text) and re.search(f"[{PATHS}]", text)
    likely = likely_calls(clause.marked.text, OFFERED)
    offered = [
        answer
        for answer in ARGUMENTS
        if answer != NONE
        and _AS_CALL.get(answer, (answer, {}))[0] in likely
        and (not has_version or answer in _NEEDS_VERSION)
        and (not names or ARGUMENTS[answer])
        and (not writes_quote or {"text", "new"} & set(ARGUMENTS[answer]))
    ]
    return [*offered, NONE] if offered else list(ARGUMENTS)


def _schema(calls: Sequence[str], spans: dict[str, str], marked: Marked) -> str:
    """Every offered call with its arguments."""
    shapes = [shape for call in calls if (shape := _shape(call, spans, marked)) is not None]
    return msgspec.json.encode({"anyOf": shapes}).decode()


def _shape(call: str, spans: dict[str, str], marked: Marked) -> dict[str, Any] | None:
    properties: dict[str, Any] = {"call": {"const": call}}
    said: set[str] = set()
    for name in ARGUMENTS[call]:
        choices = _choices(name, spans, marked)
        if choices:
            properties[name] = {"enum": choices}
            if name in ("version", "lasting", "time") or (name == "text" and re.search(f"[{QUOTES}]", marked.text)):
                said.add(name)
        elif name not in _MAY_LACK.get(call, ()):
            return None
    lacking = [name for name in _MAY_LACK.get(call, ()) if name not in said]
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in lacking],
        "additionalProperties": False,
    }


def _choices(name: str, spans: dict[str, str], marked: Marked) -> list[str]:
    match name:
        case "version":
            return _marked(spans, f"[{VERSIONS}{TIMES}]")
        case "lasting":
            return _marked(spans, f"[{TIMES}{DURATIONS}]")
        case "time":
            return _marked(spans, f"[{TIMES}{DURATIONS}]")
        case "text":
            return _marked(spans, f"[{QUOTES}]") or list(_free(spans, VERSIONS))
        case "new":
            return list(_free(spans, VERSIONS + TIMES))
        case "file":
            return [*_named_first(spans, marked), ALL]
    return list(_free(spans, VERSIONS))


def _marked(spans: dict[str, str], expression: str) -> list[str]:
    return [said for said, plain in spans.items() if re.fullmatch(expression, plain)]


def _free(spans: dict[str, str], without: str) -> Iterator[str]:
    return (said for said, plain in spans.items() if not re.search(f"[{without}]", plain))


def _named_first(spans: dict[str, str], marked: Marked) -> list[str]:
    """Where paths are said, files are those, alone or several in a row."""
    paths = [said for said, plain in spans.items() if re.fullmatch(rf"[{PATHS}](?: (?:, )?(?:and )?[{PATHS}])*", plain)]
    return paths or [said for said in _free(spans, VERSIONS) if said]


def _examples(calls: Sequence[str]) -> tuple[Message, ...]:
    """What each of some calls means, and sentences of each, with what is to be answered."""
    meanings = sentence_parts("calls")
    listed = "\n".join(f"{call}: {meanings[call]}" for call in calls)
    told = [Message.of("system", f"Turn what is said about files into one call, as JSON.\n{listed}")]
    for line in lines_of("examples"):
        said, _, answer = line.partition(" => ")
        if msgspec.json.decode(answer)["call"] in calls:
            told += [Message.of("user", said), Message.of("assistant", answer)]
    return tuple(told)
