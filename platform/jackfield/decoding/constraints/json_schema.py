"""JSON schemas, read strictly: what no answer could be held to is refused by name, and what would take too long too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

import msgspec

from jackfield.errors import InvalidRequest

HELD = frozenset({
    "type", "enum", "const", "$ref", "required", "minProperties", "maxProperties", "minItems", "maxItems",
    "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf",
})  # fmt: skip
"""Keywords that say something of the value itself, and that an answer is held to."""

SCHEMA, SCHEMAS, NAMED_SCHEMAS = "a schema", "a list of schemas", "an object of schemas"

NESTING = {
    "items": SCHEMA,
    "additionalProperties": SCHEMA,
    "prefixItems": SCHEMAS,
    "anyOf": SCHEMAS,
    "oneOf": SCHEMAS,
    "allOf": SCHEMAS,
    "properties": NAMED_SCHEMAS,
    "patternProperties": NAMED_SCHEMAS,
    "$defs": NAMED_SCHEMAS,
    "definitions": NAMED_SCHEMAS,
}
"""Keywords that have schemas within."""

REMARKS = frozenset({
    "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "$schema",
    "$comment", "contentEncoding", "contentMediaType", "discriminator",
})  # fmt: skip
"""Keywords that, by their standard, forbid no value."""

DEEPEST = 64
MOST_LEVELS = 800
"""Compiling recurses through levels and references, and a stack that runs out would take the process along."""
LONGEST_PATTERN = 4096
"""Characters; compiling takes time, and memory, with the square of this."""
MOST_MULTIPLES = 100_000
"""Remainders to tell apart, over all `multipleOf` of a schema."""

WHITESPACE = r" |\n[ \t]{0,32}"
"""What may stand between the parts of JSON: enough for any usual layout, too little to go on for ever."""

Place = tuple[str, ...]


def checked_schema(text: str, parameter: str) -> dict[str, Any]:
    """A schema that can be compiled, as an object; raises InvalidRequest that names the keyword and the place."""
    try:
        schema = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The JSON schema is not valid JSON: {error}.", parameter=parameter) from error
    except RecursionError as error:
        raise InvalidRequest("The JSON schema is nested too deeply.", parameter=parameter) from error
    try:
        _Check().schema(schema, ())
    except InvalidRequest as error:
        raise InvalidRequest(error.message, parameter=parameter) from error
    return {} if schema is True else dict(schema)


class _Check:
    """One walk through a schema."""

    def __init__(self) -> None:
        self._heights: dict[Place, int] = {}
        self._references: dict[Place, str] = {}
        self._multiples: set[int] = set()

    def schema(self, schema: Any, place: Place) -> None:
        """Check a whole schema."""
        height = self._height(schema, place)
        levels = height + sum(self._heights[self._target(*entry)] for entry in self._distinct_references())
        if levels > MOST_LEVELS:
            raise InvalidRequest(
                f"The JSON schema is {levels} levels deep, references included; {MOST_LEVELS} are allowed."
            )

    def _height(self, schema: Any, place: Place) -> int:
        """Check one schema and those within; how many levels it has."""
        if len(place) > DEEPEST:
            raise InvalidRequest(f"The JSON schema is nested more than {DEEPEST} levels deep.")
        if schema is False and place:
            self._heights[place] = 1
            return 1
        if not isinstance(schema, dict) and schema is not True:
            raise InvalidRequest(f"The JSON schema has no schema at {_shown(place)}: an object was expected.")
        keywords: dict[str, Any] = {} if schema is True else schema
        for keyword, value in keywords.items():
            self._keyword(keyword, value, place)
        below = [self._height(inner, at) for inner, at in _within(keywords, place)]
        self._heights[place] = height = 1 + max(below, default=0)
        return height

    def _keyword(self, keyword: str, value: Any, place: Place) -> None:
        if (
            keyword not in HELD
            and keyword not in NESTING
            and keyword not in REMARKS
            and not _names_root(keyword, place)
        ):
            raise InvalidRequest(
                f"The JSON schema has '{keyword}' at {_shown(place)}, to which no answer can be held; leave it out."
            )
        if keyword == "$ref":
            self._references[place] = str(value)
        elif keyword == "pattern":
            _check_pattern(str(value), place)
        elif keyword == "patternProperties" and isinstance(value, dict):
            for pattern in value:
                _check_pattern(pattern, place)
        elif keyword == "multipleOf":
            self._count_multiples(value, place)

    def _count_multiples(self, value: Any, place: Place) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise InvalidRequest(f"The JSON schema has a 'multipleOf' at {_shown(place)} that is no number above 0.")
        self._multiples.add(Fraction(repr(value)).numerator)
        if math.prod(self._multiples) > MOST_MULTIPLES:
            raise InvalidRequest(
                f"The JSON schema's 'multipleOf' at {_shown(place)} is too much to follow; smaller ones are held."
            )

    def _distinct_references(self) -> Iterator[tuple[str, Place]]:
        return iter({reference: place for place, reference in self._references.items()}.items())

    def _target(self, reference: str, place: Place) -> Place:
        """Where a reference points to."""
        pointer = tuple(
            unquote(part).replace("~1", "/").replace("~0", "~") for part in reference.removeprefix("#").split("/")[1:]
        )
        if reference[:2] not in ("#", "#/") or pointer not in self._heights:
            raise InvalidRequest(
                f"The JSON schema's '$ref' at {_shown(place)} is {reference!r:.80}, which is no schema within it; "
                "point to one, such as '#/$defs/name'."
            )
        return pointer


def _within(keywords: dict[str, Any], place: Place) -> Iterator[tuple[Any, Place]]:
    """The schemas that a schema has within, each with its place."""
    for keyword, nests in NESTING.items():
        if keyword not in keywords:
            continue
        value = keywords[keyword]
        if nests == SCHEMA and not isinstance(value, list):
            yield value, (*place, keyword)
        elif nests == SCHEMAS and isinstance(value, list):
            yield from ((inner, (*place, keyword, str(index))) for index, inner in enumerate(value))
        elif nests == NAMED_SCHEMAS and isinstance(value, dict):
            yield from ((inner, (*place, keyword, name)) for name, inner in value.items())
        else:
            raise InvalidRequest(f"The JSON schema's '{keyword}' at {_shown(place)} must be {nests}.")


def _check_pattern(pattern: str, place: Place) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidRequest(
            f"The JSON schema has a pattern of {len(pattern):,} characters at {_shown(place)}; "
            f"{LONGEST_PATTERN:,} are allowed."
        )


def _names_root(keyword: str, place: Place) -> bool:
    """An identifier changes what references mean, but not at the top, where it names the whole."""
    return keyword == "$id" and not place


def _shown(place: Place) -> str:
    return f"'/{'/'.join(place)}'" if place else "its top"
