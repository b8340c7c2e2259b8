"""Finding the types that belong at a place such as `messages[0].content` of a Struct's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import inspect

_STEP = re.compile(r"\[(?P<item>[^\]]*)\]|(?P<field>[^.\[\]]+)")


def types_at(kind: type, place: str) -> tuple[inspect.Type, ...]:
    """What may stand at a place, unions taken apart; nothing if the place does not exist."""
    types: Iterable[inspect.Type] = _alternatives(inspect.type_info(kind))
    for step in _STEP.finditer(place):
        inside = [inner for outer in types for inner in _inside(outer, step["field"])]
        types = [alternative for inner in inside for alternative in _alternatives(inner)]
    return tuple(types)


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    match kind:
        case inspect.UnionType(types=types):
            for member in types:
                yield from _alternatives(member)
        case inspect.Metadata(type=inner):
            yield from _alternatives(inner)
        case _:
            yield kind


def _inside(kind: inspect.Type, field: str | None) -> Iterator[inspect.Type]:
    match kind:
        case inspect.StructType(fields=fields) if field is not None:
            yield from (member.type for member in fields if member.encode_name == field)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) if field is None:
            yield item
        case inspect.DictType(value_type=value):
            yield value
