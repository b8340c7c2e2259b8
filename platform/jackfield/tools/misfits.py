"""What does not fit in a call's arguments, in words that a model can act on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from jackfield.tools.validators import Misfit

SHOWN = 60
"""Characters of a wrong value that are repeated."""


def worst(misfits: Iterable[Misfit]) -> Misfit | None:
    """The one to tell about: the outermost, and there a wrong name before a missing field, which may be the same."""
    first = min(misfits, key=_rank, default=None)
    while first and first.context:
        within = [misfit for misfit in first.context if len(misfit.absolute_path) > len(first.absolute_path)]
        if not within:
            break
        first = max(within, key=lambda misfit: len(misfit.absolute_path))
    return first


def _rank(misfit: Misfit) -> tuple[int, int]:
    return len(misfit.absolute_path), {"additionalProperties": 0, "required": 1}.get(misfit.validator, 2)


def reason(misfit: Misfit) -> str:
    """One sentence: which field, what is wrong with it, what is expected."""
    word = _WORDS.get(str(misfit.validator))
    if word is not None:
        return word(misfit)
    return f"{_subject(misfit)} is {named(misfit.instance)}, which does not fit: {_shortened(misfit.message)}."


def _missing(misfit: Misfit) -> str:
    here = [name for name in misfit.validator_value if name not in misfit.instance]
    fields = " and ".join(f"'{name}' ({_expected(_fields(misfit).get(name, {}))})" for name in here)
    within = f" in {_subject(misfit)}" if misfit.absolute_path else ""
    return f"{fields} {'is' if len(here) == 1 else 'are'} missing{within}."


def _unknown(misfit: Misfit) -> str:
    known = _fields(misfit)
    strange = next((name for name in misfit.instance if name not in known), "")
    near = difflib.get_close_matches(strange, known, n=1)
    within = f" in {_subject(misfit)}" if misfit.absolute_path else ""
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"there is no field '{_shortened(strange)}'{within}{hint} It has {known_fields(misfit.schema)}."


def _mistyped(misfit: Misfit) -> str:
    return f"{_subject(misfit)} must be {_expected(misfit.schema)}, not {named(misfit.instance)}."


_WORDS: dict[str, Callable[[Misfit], str]] = {
    "required": _missing,
    "additionalProperties": _unknown,
    "type": _mistyped,
    "enum": _mistyped,
    "const": _mistyped,
    "anyOf": _mistyped,
    "oneOf": _mistyped,
}


def _fields(misfit: Misfit) -> dict[str, Any]:
    fields: dict[str, Any] = misfit.schema.get("properties", {}) if isinstance(misfit.schema, dict) else {}
    return fields


def known_fields(schema: Any) -> str:
    """The fields of an object's schema, in words."""
    names = list(schema.get("properties", {}))
    return "the fields " + ", ".join(f"'{name}'" for name in names) if names else "no fields"


def _expected(schema: Any) -> str:
    """A schema in a few words: an integer; one of "c", "f"."""
    if not isinstance(schema, dict):
        return "anything"
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(map(_expected, alternatives)))
    if "enum" in schema:
        words = "one of " + ", ".join(_json(value) for value in schema["enum"])
    elif "const" in schema:
        words = _json(schema["const"])
    else:
        types = schema.get("type", "value")
        words = " or ".join(_with_article(kind) for kind in ([types] if isinstance(types, str) else types))
    return words


def _with_article(kind: str) -> str:
    if kind == "null":
        return "null"
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def named(value: Any) -> str:
    """A value with its JSON type: the string "three"."""
    if value is None or isinstance(value, bool):
        return _json(value)
    kinds = ((str, "string"), (int, "number"), (float, "number"), (list, "array"), (dict, "object"))
    kind = next((word for family, word in kinds if isinstance(value, family)), type(value).__name__)
    return f"the {kind} {_json(value)}"


def _json(value: Any) -> str:
    try:
        return _shortened(msgspec.json.encode(value).decode())
    except (TypeError, ValueError, RecursionError):
        return _shortened(repr(value))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def place(misfit: Misfit) -> str | None:
    """Where it is: `days`, `stops[2].city`; None for the whole."""
    return misfit.json_path.removeprefix("$.") if misfit.absolute_path else None


def _subject(misfit: Misfit) -> str:
    where = place(misfit)
    return f"'{where}'" if where else "the whole"
