"""What somebody says of themselves that may matter in a later conversation: found by rules, in their own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from jackfield.log_secrets import without_secrets
from jackfield.memory.statements import ASKED_FOR, JOINT, MADE_UP, OPENING, PASSING, POINTS_BACK, SLOTS, STATEMENT

LONGEST = 300
"""Characters of a sentence that is taken for a fact; longer ones tell stories."""

SHORTEST_WORDS = 3

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\w)[^.!?\n]*)*[.!?]?")


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence worth keeping; a later one of its `slot` takes its place, and it holds for as long as it `lasts`."""

    text: str
    slot: str = ""
    lasts: timedelta | None = None


def facts_in(text: str) -> tuple[Fact, ...]:
    """The facts in a person's message; none from questions, quotations, code, or what looks like a secret."""
    found: dict[str, Fact] = {}
    for sentence in _sentences(text):
        for statement in _clauses(_statement(sentence)):
            fact = _fact(statement)
            found.setdefault(fact.text.casefold(), fact)
    return tuple(found.values())


def _statement(sentence: str) -> str:
    """What a sentence says that is worth keeping; nothing where it is none of one's own, or too long."""
    asked = ASKED_FOR.fullmatch(sentence)
    statement = asked["fact"].strip() if asked else _without_opening(sentence)
    if len(statement) > LONGEST or statement.endswith("?") or without_secrets(statement) != statement:
        return ""
    return statement if asked or _is_told(statement) else ""


def _clauses(statement: str) -> Iterator[str]:
    """A statement, cut where another begins: what takes the place of one must not take the other with it."""
    begin = 0
    for joint in JOINT.finditer(statement):
        rest = statement[joint.end() :]
        if _is_told(rest) and not POINTS_BACK.search(rest):
            yield statement[begin : joint.start()]
            begin = joint.end()
    if statement:
        yield statement[begin:]


def _fact(statement: str) -> Fact:
    lasts = next((time for words, time in PASSING if words.search(statement)), None)
    return Fact(text=statement[:1].upper() + statement[1:], slot=_slot(statement), lasts=lasts)


def _slot(statement: str) -> str:
    return next((name for name, beginning in SLOTS if beginning.match(statement)), "")


def _is_told(statement: str) -> bool:
    if MADE_UP.search(statement) or len(statement.split()) < SHORTEST_WORDS:
        return False
    return bool(_slot(statement) or STATEMENT.match(statement))


def _without_opening(sentence: str) -> str:
    opening = OPENING.match(sentence)
    return sentence[opening.end() :].strip() if opening else sentence.strip()


def _sentences(text: str) -> Iterator[str]:
    """Sentences outside code blocks and quotations."""
    fenced = False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("```"):
            fenced = not fenced
        elif not (fenced or stripped.startswith((">", "|")) or line.startswith("    ")):
            yield from (found.group().strip() for found in _SENTENCE.finditer(stripped))
