"""What somebody says of themselves that may matter in a later conversation: found by rules, in their own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from jackfield.log_secrets import without_secrets
from jackfield.memory.statements import ASKED_FOR, MADE_UP, OPENING, PASSING, SLOTS, STATEMENT

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
        if fact := _fact(sentence):
            found.setdefault(fact.text.casefold(), fact)
    return tuple(found.values())


def _fact(sentence: str) -> Fact | None:
    asked = ASKED_FOR.fullmatch(sentence)
    statement = asked["fact"].strip() if asked else _without_opening(sentence)
    if len(statement) > LONGEST or statement.endswith("?") or without_secrets(statement) != statement:
        return None
    slot = next((name for name, beginning in SLOTS if beginning.match(statement)), "")
    if not (asked or _is_told(statement, slot)):
        return None
    lasts = next((time for words, time in PASSING if words.search(statement)), None)
    return Fact(text=statement[:1].upper() + statement[1:], slot=slot, lasts=lasts)


def _is_told(statement: str, slot: str) -> bool:
    if MADE_UP.search(statement) or len(statement.split()) < SHORTEST_WORDS:
        return False
    return bool(slot or STATEMENT.match(statement))


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
