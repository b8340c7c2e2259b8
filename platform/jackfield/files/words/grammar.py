"""Sentence patterns: words, `(one|another)`, `[perhaps]`, `@verb` for all verbs of a kind, `{slot}` for what varies.

A pattern stands for a whole sentence. `{file}`, `{text}` and `{topic}` take any words, as few as will do; the others
take one mark (see `marking`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import msgspec

from jackfield.files.words.marks import ANY, DURATIONS, PATHS, QUOTES, TIMES, VERSIONS
from jackfield.files.words.verbs import VERBS

NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "a couple of": 2,
    "a dozen": 12,
}
_OPEN = r"(?:\S+ )+?"
_COUNT = rf"(?:\d{{1,4}}|{'|'.join(NUMBERS)}) "
_SLOTS = {
    "file": _OPEN,
    "other": _OPEN,
    "text": _OPEN,
    "topic": _OPEN,
    "new": rf"(?:[{PATHS}{QUOTES}] |(?:[^\s{ANY}]+ ){{1,6}}?)",
    "quote": rf"[{QUOTES}] ",
    "path": rf"[{PATHS}] ",
    "version": rf"[{VERSIONS}] ",
    "old": rf"[{VERSIONS}{TIMES}] ",
    "newer": rf"[{VERSIONS}{TIMES}] ",
    "time": rf"[{TIMES}{DURATIONS}] ",
    "lasting": rf"[{TIMES}{DURATIONS}] ",
    "path2": rf"[{PATHS}] ",
    "count": _COUNT,
    "count2": _COUNT,
}
OPEN_SLOTS = ("file", "other", "text", "topic", "new")
_TOKEN = re.compile(r"[()\[\]|]|@\w+|\{\w+\}|[^\s()\[\]|]+")


class Pattern(msgspec.Struct, frozen=True):
    """A sentence of one call; `flags` are arguments that its words alone tell."""

    call: str
    expression: re.Pattern[str]
    flags: dict[str, str]

    def slots(self, text: str) -> dict[str, str] | None:
        """What stands in the slots of a sentence, a slot that is there twice as one; None for another sentence."""
        found = self.expression.fullmatch(text)
        if not found:
            return None
        slots: dict[str, str] = {}
        for name, said in found.groupdict().items():
            if said:
                slot = name.rpartition("_")[0]
                slots[slot] = f"{slots[slot]} {said.strip()}" if slot in slots else said.strip()
        return slots


@cache
def _verbs(kind: str) -> str:
    verbs = sorted(VERBS[kind].split("|"), key=len, reverse=True)
    return "(?:" + "|".join(re.escape(verb) + " " for verb in verbs) + ")"


def compiled(call: str, line: str) -> Pattern:
    """One pattern; behind `=>` stand its flags, such as `mode=keyword`."""
    words, _, flags = line.partition("=>")
    expression = re.compile(_expression(_TOKEN.findall(words)))
    return Pattern(call, expression, dict(pair.split("=") for pair in flags.split()))


def _expression(tokens: list[str]) -> str:
    """One slot may stand in several alternatives, each in a group of its own."""
    seen: dict[str, int] = {}
    return _alternatives(iter(tokens), seen)


def _alternatives(tokens: Iterator[str], seen: dict[str, int]) -> str:
    """Up to the bracket that closes them; those of more words are tried first."""
    found: list[list[str]] = [[]]
    for part in tokens:
        if part in ")]":
            break
        if part == "|":
            found.append([])
        elif part in "([":
            found[-1].append(_alternatives(tokens, seen) + ("?" if part == "[" else ""))
        else:
            found[-1].append(_word(part, seen))
    ordered = sorted(found, key=len, reverse=True)
    return "(?:" + "|".join("".join(parts) for parts in ordered) + ")"


def _word(token: str, seen: dict[str, int]) -> str:
    if token.startswith("@"):
        return _verbs(token[1:])
    if token.startswith("{"):
        slot = token[1:-1]
        seen[slot] = seen.get(slot, 0) + 1
        return f"(?P<{slot}_{seen[slot]}>{_SLOTS[slot]})"
    return re.escape(token) + " "


def vocabulary(patterns: Iterable[Pattern]) -> frozenset[str]:
    """Every word that patterns and verbs are made of."""
    literal = re.compile(r"[a-z]{4,}")
    words = {word for verbs in VERBS.values() for word in literal.findall(verbs)}
    for pattern in patterns:
        words |= set(literal.findall(re.sub(r"\(\?P<\w+>", "", pattern.expression.pattern)))
    return frozenset(words)
