"""Calls as a grammar in Lark's notation: free text, or calls whose names and arguments cannot be wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from jackfield.contracts.sampling import CallForm, CallShape, ToolShape
from jackfield.decoding.constraints.json_schema import WHITESPACE, checked_schema
from jackfield.errors import InvalidRequest

MOST_TOOLS = 128
LONGEST_NAME = 128

SPACE = r"[\x20\t\r\n]{0,16}"
"""White space that is no part of JSON arguments; bounded, so that no model can go on with it for ever."""
ANY_SPACE = r"[\x20\t\r\n]*"
ANYTHING = "(?s:.*)"

_THOUGHT = rf"""
start: text | thought text
thought[lazy]: THOUGHT
THOUGHT: /[\x20\t\r\n]*<think>{ANYTHING}<\x2fthink>/
TEXT: /{ANYTHING}/ & ~/[\x20\t\r\n]*<think>{ANYTHING}/
free: FREE
FREE: /{ANYTHING}/
"""
"""In a thought at the beginning nothing is a call."""


def parsed_shape(value: str, parameter: str) -> CallShape:
    """A shape from JSON, with schemas that can be held; raises InvalidRequest naming the tool whose cannot."""
    try:
        shape = msgspec.json.decode(value, type=CallShape)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The shape of calls cannot be read: {error}.", parameter=parameter) from error
    if not 0 < len(shape.tools) <= MOST_TOOLS or not shape.forms:
        raise InvalidRequest(
            f"A shape of calls has 1 to {MOST_TOOLS} tools and at least one form, not {len(shape.tools)} tools and "
            f"{len(shape.forms)} forms.",
            parameter=parameter,
        )
    tools = tuple(_checked(tool, parameter) for tool in shape.tools)
    otherwise = shape.otherwise and json.dumps(checked_schema(shape.otherwise, parameter))
    return msgspec.structs.replace(shape, tools=tools, otherwise=otherwise)


def call_rules(shape: CallShape) -> str:
    """The rules of a shape, from `start` on."""
    return "\n".join([*_starts(shape), *_tools(shape), *(rule for rules in _forms(shape) for rule in rules)]) + "\n"


def _checked(tool: ToolShape, parameter: str) -> ToolShape:
    if not 0 < len(tool.name) <= LONGEST_NAME:
        raise InvalidRequest(f"A tool's name has 1 to {LONGEST_NAME} characters, not {len(tool.name)}.")
    try:
        schema = checked_schema(json.dumps(_closed(tool.parameters)), parameter)
    except InvalidRequest as error:
        raise InvalidRequest(f"For tool '{tool.name}': {error.message}", parameter=parameter) from error
    return ToolShape(name=tool.name, parameters=schema)


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of an object, in which what it does not name is forbidden wherever it says nothing of that."""
    closed: dict[str, Any] = {"type": "object"} | schema
    if not any(each in closed for each in ("$ref", "anyOf", "oneOf", "allOf")):
        closed.setdefault("properties", {})
    return dict(_without_more(closed))


def _without_more(schema: Any) -> Any:
    """What is composed of several schemas is left alone: each of them would forbid what the others name."""
    if not isinstance(schema, dict) or any(each in schema for each in ("$ref", "anyOf", "oneOf", "allOf")):
        return schema
    closed = dict(schema)
    if isinstance(closed.get("properties"), dict):
        closed["properties"] = {name: _without_more(inner) for name, inner in closed["properties"].items()}
        if "patternProperties" not in closed:
            closed.setdefault("additionalProperties", False)
    if isinstance(closed.get("items"), dict):
        closed["items"] = _without_more(closed["items"])
    return closed


def _starts(shape: CallShape) -> list[str]:
    if shape.otherwise is not None and not shape.required:
        return ["start: otherwise | first_0 calls_0", f"otherwise: %json {_held(json.loads(shape.otherwise))}"]
    if shape.required:
        return ["start: first_0 calls_0"]
    return [_THOUGHT, " | ".join(["text: free", *(f"maybe_{at}" for at in range(len(shape.forms)))])]


def _tools(shape: CallShape) -> Iterator[str]:
    """A call from its name on, up to the end of its arguments; `known` is one that free text turned out to be."""
    keys = "|".join(_escaped(_json_text(key)) for key in shape.arguments_keys)
    for at, tool in enumerate(shape.tools):
        name = _escaped(_json_text(tool.name)[1:])
        yield f"KNOWN_{at}: /{ANY_SPACE.join((name, ',', f'(?:{keys})', ':'))}/"
        yield f"known_{at}[lazy]: KNOWN_{at}"
        yield f"NAME_{at}: /{SPACE.join((name, ',', f'(?:{keys})', ':'))}/"
        yield f"named_{at}: NAME_{at}"
        yield f"arguments_{at}: gap json_{at} | json_{at}"
        yield f"json_{at}: %json {_held(tool.parameters)}"
    every = range(len(shape.tools))
    yield "gap: GAP"
    yield r"GAP: /[\x20\t\r\n]{1,16}/"
    yield f"known: {' | '.join(f'known_{at} arguments_{at}' for at in every)}"
    yield f"named: {' | '.join(f'named_{at} arguments_{at}' for at in every)}"


def _forms(shape: CallShape) -> Iterator[list[str]]:
    for at, form in enumerate(shape.forms if shape.free else shape.forms[:1]):
        brace = SPACE.join(_brace(form))
        more = "|".join(_spaced(separator, SPACE) for separator in form.separators)
        closes = SPACE + _spaced(form.closes, SPACE) if form.closes else ""
        rules = [
            f"calls_{at}: named ending_{at}",
            f"ending_{at}: last_{at}" + (f" | more_{at} calls_{at}" if shape.several else ""),
            f"last_{at}: LAST_{at}",
            f"LAST_{at}: /{SPACE}\\}}{closes}/",
        ]
        if shape.several:
            rules += [f"more_{at}: MORE_{at}", f"MORE_{at}: /{SPACE}\\}}{SPACE}(?:{more}){brace}/"]
        if not shape.free:
            rules += [f"first_{at}: FIRST_{at}", f"FIRST_{at}: /{_spaced(form.opens, SPACE)}{brace}/"]
        yield rules + _beginning(at, form) if shape.free else rules


def _beginning(at: int, form: CallForm) -> list[str]:
    """How free text comes to a form."""
    before = "TEXT" if form.place == "anywhere" else r"(TEXT /\n/)? /[\x20\t\r]*/"
    opens = _spaced(form.opens, ANY_SPACE)
    if form.commits == "opening":
        begun, opened = f"/{opens}/", f"brace_{at} calls_{at}"
    else:
        begun, opened = f"/{opens}{ANY_SPACE.join(_brace(form))}/", f"calls_{at}"
    if form.commits == "name":
        opened = f"(known ending_{at} | text)"
    return [
        f"HEAD_{at}: {before} {begun}",
        f"head_{at}[lazy]: HEAD_{at}",
        f"maybe_{at}: head_{at} {opened}",
        f"brace_{at}: BRACE_{at}",
        f"BRACE_{at}: /{SPACE.join(_brace(form))}/",
    ]


def _brace(form: CallForm) -> tuple[str, ...]:
    """The parts of what a call begins with, up to the quote before its name."""
    return ("", r"\{", _escaped(_json_text(form.name_key)), ":", r"\"")


def _spaced(text: str, space: str) -> str:
    """An expression for a text whose blanks stand for white space."""
    return space.join(map(_escaped, text.split(" ")))


def _escaped(text: str) -> str:
    """A text as a part of an expression between slashes."""
    return re.sub(r"([^0-9A-Za-z_\x80-\U0010ffff])", lambda found: f"\\x{ord(found[1]):02x}", text)


def _held(schema: dict[str, Any]) -> str:
    return json.dumps(schema | {"x-guidance": {"whitespace_pattern": WHITESPACE}})


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
