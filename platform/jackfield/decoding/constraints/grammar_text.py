"""A constraint as the text of a grammar in Lark's notation, which is what a matcher compiles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from jackfield.contracts.sampling import CallShape, Constraint
from jackfield.decoding.constraints.call_shape import call_rules, parsed_shape
from jackfield.decoding.constraints.gbnf import parsed_gbnf
from jackfield.decoding.constraints.gbnf_rules import as_expression, as_lark
from jackfield.decoding.constraints.json_schema import LONGEST_PATTERN, WHITESPACE, checked_schema
from jackfield.errors import InvalidRequest

LONGEST_VALUE = 256 * 1024
"""Characters of a constraint."""
MOST_TRIGGERS = 64
LONGEST_TRIGGER = 256

# Without "no_forcing" the matcher would allow only the one way to tokenize what must come next, and ask for it.
HEADER = '%llguidance {"no_forcing": true}\n'
WHOLE = "start: shape\n"
AFTER_TRIGGER = r"""start: free | head shape
head[lazy]: HEAD
HEAD: /(?s:.*)/ (%s)
free: FREE
FREE: /(?s:.*)/
"""
"""The shortest text that ends in a trigger is taken, so that nothing free can hold one."""


_RESPELLED = {
    "/": r"\x2f",
    "\n": r"\x0a",
    "\r": r"\x0d",
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[0-9A-Za-z_]",
    r"\W": "[^0-9A-Za-z_]",
    r"\s": r"[\x20\t-\r]",
    r"\S": r"[^\x20\t-\r]",
}
"""Classes mean ASCII, as in JSON Schema's dialect: other dialects know different editions of Unicode."""


def grammar_text(constraint: Constraint) -> str:
    """The grammar of all answers that a constraint allows; raises InvalidRequest with what is wrong with it."""
    if len(constraint.value) > LONGEST_VALUE:
        raise _invalid(
            constraint, f"The constraint has {len(constraint.value):,} characters; {LONGEST_VALUE:,} are allowed."
        )
    try:
        "".join((constraint.value, *constraint.triggers)).encode()
    except UnicodeEncodeError as error:
        raise _invalid(constraint, "The constraint is not valid Unicode: it holds half of a surrogate pair.") from error
    try:
        if constraint.kind == "calls":
            return HEADER + call_rules(_shape_of_calls(constraint))
        return HEADER + _start(constraint) + _shape(constraint)
    except RecursionError as error:
        raise _invalid(
            constraint, "The constraint's rules are nested too deeply; write it with fewer levels."
        ) from error


def texts_before_shape(constraint: Constraint) -> tuple[str, ...] | None:
    """Texts until which an answer is free, none where it never is; None where it is free wherever it may end."""
    if constraint.kind == "calls":
        return None if _shape_of_calls(constraint).free else ()
    return constraint.triggers


def parts_by_name(constraint: Constraint) -> Iterator[tuple[str, str]]:
    """Grammars that can be tried alone, to tell which part of a constraint cannot be held: a tool's arguments each."""
    if constraint.kind == "calls":
        for tool in _shape_of_calls(constraint).tools:
            yield f"tool '{tool.name}'", f"{HEADER}{WHOLE}{_of_schema(tool.parameters)}"


def _shape_of_calls(constraint: Constraint) -> CallShape:
    if constraint.triggers:
        raise _invalid(constraint, "A shape of calls says itself where they begin; leave its triggers out.")
    return parsed_shape(constraint.value, constraint.parameter)


def _start(constraint: Constraint) -> str:
    if not constraint.triggers:
        return WHOLE
    if len(constraint.triggers) > MOST_TRIGGERS:
        raise _invalid(constraint, f"There are {len(constraint.triggers)} triggers; {MOST_TRIGGERS} are allowed.")
    for trigger in constraint.triggers:
        if not 0 < len(trigger) <= LONGEST_TRIGGER:
            raise _invalid(constraint, f"A trigger has 1 to {LONGEST_TRIGGER} characters, not {len(trigger)}.")
    return AFTER_TRIGGER % " | ".join(map(json.dumps, constraint.triggers))


def _shape(constraint: Constraint) -> str:
    match constraint.kind:
        case "json_schema":
            return _of_schema(checked_schema(constraint.value, constraint.parameter))
        case "grammar":
            rules = parsed_gbnf(constraint.value, constraint.parameter)
            expression = as_expression(rules)
            return as_lark(rules, "shape") if expression is None else _terminal(f"/{expression}/")
        case "regex":
            return _terminal(f"/{_escaped_expression(constraint)}/")
        case "choice":
            return _terminal(" | ".join(map(json.dumps, _choices(constraint))))
    raise AssertionError("calls have rules of their own")


def _of_schema(schema: dict[str, Any]) -> str:
    return f"shape: %json {json.dumps(schema | {'x-guidance': {'whitespace_pattern': WHITESPACE}})}\n"


def _terminal(pattern: str) -> str:
    return f"shape: SHAPE\nSHAPE: {pattern}\n"


def _choices(constraint: Constraint) -> list[str]:
    try:
        choices = msgspec.json.decode(constraint.value, type=list[str])
    except msgspec.DecodeError as error:
        raise _invalid(constraint, f"The choices are no JSON list of texts: {error}.") from error
    if not choices or "" in choices:
        raise _invalid(constraint, "The choices must be at least one text, and none of them empty.")
    return choices


def _escaped_expression(constraint: Constraint) -> str:
    """The expression as it stands between slashes: on one line, with no slash of its own, its classes spelled out."""
    if len(constraint.value) > LONGEST_PATTERN:
        raise _invalid(
            constraint,
            f"The regular expression has {len(constraint.value):,} characters; {LONGEST_PATTERN:,} are allowed.",
        )

    def respelled(found: re.Match[str]) -> str:
        if found[0] == "\\":
            raise _invalid(constraint, "The regular expression ends in a backslash, which has nothing to escape.")
        return _RESPELLED.get(found[0]) or _RESPELLED.get(found[1] or "") or found[0]

    return re.sub(r"(?s)\\(.?)|[/\n\r]", respelled, constraint.value)


def _invalid(constraint: Constraint, sentence: str) -> InvalidRequest:
    return InvalidRequest(sentence, parameter=constraint.parameter)
