"""Which setting makes no sense, where it came from, and what was expected: one sentence from a validation error."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from jackfield.errors import SettingsInvalid
from jackfield.settings_file import read_settings_table, settings_path
from jackfield.settings_variables import set_variables, variable_name, variable_table


def first_fault(error: ValidationError, flags: Mapping[str, Any], known: Sequence[str]) -> SettingsInvalid:
    """The error's first fault; `known` are all settings, such as `server.port`."""
    fault = error.errors()[0]
    keys = tuple(str(part) for part in fault["loc"])
    place, origin = ".".join(keys), _origin(keys, flags)
    if fault["type"] == "extra_forbidden":
        return SettingsInvalid(f"There is an unknown setting '{place}' in {origin}; {_advice(place, known)}")
    expected = "a table is expected" if fault["type"] == "model_type" else fault["msg"].removeprefix("Value error, ")
    return SettingsInvalid(f"The setting '{place}' is {fault.get('input')!r:.80} in {origin}: {expected}.")


def _advice(place: str, known: Sequence[str]) -> str:
    sections = dict.fromkeys(name.partition(".")[0] for name in known if "." in name)
    section = place.rpartition(".")[0]
    if near := difflib.get_close_matches(place, known if section else [*known, *sections], n=1):
        return f"did you mean '{near[0]}'?"
    beside = [name for name in known if name.rpartition(".")[0] == section]
    return f"the settings there are {', '.join([*beside, *([] if section else sections)])}."


def _origin(keys: tuple[str, ...], flags: Mapping[str, Any]) -> str:
    """What set a value: a flag wins over a variable, and that over the file."""
    if _holds(flags, keys):
        return "a flag"
    variables = set_variables()
    if (own := variable_name(*keys[:2])) in variables:
        return f"the variable {own}"
    if len(keys) > 1 and _holds(variable_table(keys[0], {keys[1]: None}), keys[1:]):
        return f"the variable {variable_name(keys[0])}"
    return str(settings_path()) if _holds(read_settings_table(), keys) else "the defaults"


def _holds(table: object, keys: Sequence[str]) -> bool:
    for key in keys:
        if isinstance(table, list):
            return True
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True
