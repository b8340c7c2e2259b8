"""Verbs that mean the calls on files, and the forms in which people put them."""

from __future__ import annotations

import re
from functools import cache

from jackfield.files.words.sentence_files import sentence_parts


def _expanded() -> dict[str, str]:
    """With `@kind` standing for all verbs of another kind."""
    kinds = sentence_parts("verbs")
    return {kind: re.sub(r"@(\w+)", lambda found: kinds[found[1]], verbs) for kind, verbs in kinds.items()}


VERBS: dict[str, str] = _expanded()
"""By kind of call, each verb in its base form, with bars between them."""

_DOUBLED = frozenset({
    "bin", "blot", "cat", "chat", "chop", "cut", "diff", "dig", "drop", "fit", "get", "grep", "log", "nix", "pin",
    "pop", "put", "rm", "scrap", "set", "split", "step", "stop", "stub", "swap", "tag", "trim", "wrap", "zap",
})  # fmt: skip
_IRREGULAR = {
    "put": "put",
    "bring": "brought",
    "take": "taken",
    "get": "got|gotten",
    "write": "written",
    "find": "found",
    "show": "shown",
    "give": "given",
    "make": "made",
    "throw": "thrown",
    "undo": "undone",
    "cut": "cut",
    "set": "set",
    "split": "split",
    "read": "read",
    "tell": "told",
    "let": "let",
    "rewrite": "rewritten",
    "overwrite": "overwritten",
    "hold": "held",
    "freeze": "frozen",
    "unfreeze": "unfrozen",
    "see": "seen",
    "look": "looked",
    "stick": "stuck",
    "seek": "sought",
    "do": "done",
    "redo": "redone",
    "go": "gone",
    "wind": "wound",
    "unwind": "unwound",
    "rewind": "rewound",
    "dig": "dug",
    "send": "sent",
    "begin": "begun",
    "lose": "lost",
    "build": "built",
    "rebuild": "rebuilt",
    "keep": "kept",
    "weave": "woven",
    "break": "broken",
    "run": "run",
    "draw": "drawn",
    "sum": "summed",
    "have": "had",
    "fall": "fallen",
    "string": "strung",
}


def gerund(verb: str) -> str:
    """`deleting` for `delete`, `putting back` for `put back`."""
    first, space, rest = verb.partition(" ")
    if first in _DOUBLED or first in ("run", "begin", "sum"):
        first += first[-1]
    elif first.endswith("e") and not first.endswith(("ee", "ye", "oe")):
        first = first[:-1]
    return f"{first}ing{space}{rest}"


def participles(verb: str) -> tuple[str, ...]:
    """The first word's: `deleted` for `delete`, `taken` for `take back`."""
    first = verb.partition(" ")[0]
    if first in _IRREGULAR:
        return tuple(_IRREGULAR[first].split("|"))
    if first in _DOUBLED:
        return (f"{first}{first[-1]}ed",)
    if first.endswith("e"):
        return (f"{first}d",)
    if first.endswith("y") and first[-2] not in "aeiou":
        return (f"{first[:-1]}ied",)
    return (f"{first}ed",)


@cache
def base_forms() -> frozenset[str]:
    """Every verb, and the first word of each."""
    phrases = [phrase for phrases in VERBS.values() for phrase in phrases.split("|")]
    return frozenset([*phrases, *(phrase.partition(" ")[0] for phrase in phrases)])


@cache
def _of_participles() -> dict[str, str]:
    return {form: verb for verb in sorted(_single()) for form in participles(verb)}


@cache
def _of_gerunds() -> dict[str, str]:
    return {gerund(verb): verb for verb in sorted(_single())}


def _single() -> frozenset[str]:
    return frozenset(phrase for phrase in base_forms() if " " not in phrase and phrase.isascii())


@cache
def _passives() -> tuple[re.Pattern[str], ...]:
    done = "|".join(sorted(map(re.escape, _of_participles()), key=len, reverse=True))
    doing = "|".join(sorted(map(re.escape, _of_gerunds()), key=len, reverse=True))
    ought = "should|must|needs? to|has to|have to|is to|are to|ought to|can|could|may|might|wants? to|shall|will"
    return (
        re.compile(rf"(?:(?:i )?(?:want|need|would like|wish|would love|would rather have) )?(?P<what>.+?) "
        rf"(?:{ought}) (?:please )?be (?P<done>{done}) (?P<rest>.*)"),
        re.compile(rf"(?:{ought}) (?P<what>.+?) (?:please )?be (?P<done>{done}) (?P<rest>.*)"),
        re.compile(
            rf"(?:i |we )?(?:want|need|would like|get|have|wish|would love) (?:to (?:have|get|see) )?(?P<what>.+?) "
            rf"(?:to be )?(?P<done>{done}) (?P<rest>.*)"
        ),
        re.compile(rf"(?P<what>.+?) (?:needs?|wants?|could do with) (?P<doing>{doing}) (?P<rest>.*)"),
    )  # fmt: skip


def active(text: str) -> str | None:
    """`delete the budget` for `the budget should be deleted`; None for what is no passive. Words end in a space."""
    for passive in _passives():
        if found := passive.fullmatch(text):
            parts = found.groupdict()
            verb = _of_participles()[parts["done"]] if parts.get("done") else _of_gerunds()[parts["doing"]]
            return f"{verb} {parts['what']} {parts['rest']}"
    return None


def is_form_of_a_verb(word: str) -> bool:
    """`delete`, `deleting` or `deleted`."""
    return word in base_forms() or word in _of_gerunds() or word in _of_participles()


def imperative(text: str) -> str:
    """`delete it` for `deleting it`."""
    first, space, rest = text.partition(" ")
    return f"{_of_gerunds().get(first, first)}{space}{rest}"
