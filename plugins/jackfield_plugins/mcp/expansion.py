"""`${NAME}` in a configuration stands for an environment variable, and `${NAME:-text}` for text where it is not set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jackfield.errors import SettingsInvalid

_REFERENCE = re.compile(r"\$\{(?:env:)?(?P<name>[^}:]*)(?P<default>:-[^}]*)?(?P<rest>[^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expanded(value: Any, environment: Mapping[str, str]) -> Any:
    """A value with every reference in its texts replaced; raises SettingsInvalid for a variable that is not set."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda reference: _meant(reference, environment), value)
    if isinstance(value, list):
        return [expanded(item, environment) for item in value]
    if isinstance(value, dict):
        return {key: expanded(item, environment) for key, item in value.items()}
    return value


def _meant(reference: re.Match[str], environment: Mapping[str, str]) -> str:
    name, default = reference["name"], reference["default"]
    if reference["rest"] or not _NAME.fullmatch(name):
        raise SettingsInvalid(
            f"'{reference[0]}' names no environment variable; write ${{NAME}}, or ${{NAME:-text}} with a default."
        )
    if name in environment:
        return environment[name]
    if default is None:
        raise SettingsInvalid(
            f"the environment variable {name} is not set; set it, or write ${{{name}:-text}} with a default."
        )
    return default.removeprefix(":-")
