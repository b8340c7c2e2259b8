"""The `JACKFIELD_*` variables, without validation: light enough for the plugin host to read at every start."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from jackfield.errors import SettingsInvalid

PREFIX = "JACKFIELD_"
NO_SETTINGS = ("JACKFIELD_SETTINGS", "JACKFIELD_LOAD_PLUGINS")
"""Variables that are read elsewhere, and have no place in the file."""

TESTS_PREFIX = "JACKFIELD_TEST_"
# What container orchestrators set in every container beside a service named `jackfield`.
SERVICE_LINK = re.compile(r"JACKFIELD_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_(TCP|UDP|SCTP)\w*)")
SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def set_variables() -> dict[str, str]:
    """Ours by their names in capitals; an empty one counts as unset."""
    return {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX) and value}


def variable_name(*keys: str) -> str:
    """The variable of a setting: `server`, `port` have JACKFIELD_SERVER__PORT."""
    return PREFIX + "__".join(keys).upper()


def refuse_unknown_variables(known: Collection[str]) -> None:
    """Raise SettingsInvalid for the first variable that is none of the known settings' and none of ours otherwise."""
    for name, value in sorted(set_variables().items()):
        if name in known or name in NO_SETTINGS or name.startswith(TESTS_PREFIX) or _is_service_link(name, value):
            continue
        near = difflib.get_close_matches(name, [*known, *NO_SETTINGS], n=1)
        hint = f"did you mean {near[0]}?" if near else "unset it, or correct its name."
        raise SettingsInvalid(f"The variable {name} names an unknown setting; {hint}")


def variable_table(section: str, example: Mapping[str, Any]) -> dict[str, Any] | None:
    """A section's table from its one variable, which is JSON; None where it is unset. Raises SettingsInvalid."""
    name = variable_name(section)
    text = set_variables().get(name)
    if text is None:
        return None
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        key = next(iter(example))
        raise SettingsInvalid(
            f"{name} is {text!r:.80}, but a table in JSON is expected, such as {name}='{json.dumps(example)}'; "
            f"{variable_name(section, key)} sets '{section}.{key}' alone."
        )
    return table


def listed_names(name: str, text: str) -> list[str]:
    """The names in a variable's value: separated by commas, or a list in JSON. Raises SettingsInvalid."""
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
        raise SettingsInvalid(
            f"{name} is {text!r:.80}, but names separated by commas or a list in JSON is expected, "
            f'such as {name}=web,dice or {name}=\'["web", "dice"]\'.'
        )
    return names


def _is_service_link(name: str, value: str) -> bool:
    return bool(SERVICE_LINK.fullmatch(name)) or (name == "JACKFIELD_PORT" and bool(SERVICE_ADDRESS.match(value)))
