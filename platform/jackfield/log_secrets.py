"""Keeping secrets out of log lines: fields that are named for one, and text that looks like one, wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"

SECRET_NAMES = re.compile(
    r"(?:.*[-_. ])?(?:password|passwd|secret|authorization|cookie|api[-_]?key|access[-_]?token|refresh[-_]?token"
    r"|id[-_]?token|csrf|credentials?)",
    re.IGNORECASE,
)

SECRET_TEXT = re.compile(
    r"""
      (?P<key>\bsk-(?:jf-|ant-|proj-)?)[A-Za-z0-9_-]{12,}          # our keys and those of remote services
    | (?P<scheme>\b(?:Bearer|Basic)\s+)[^\s"'\\,;]+                # Authorization's two usual schemes
    | (?P<address>://[^\s:@/"'\\]*:)[^\s@"'\\]+(?=@)               # the password in a database's or broker's address
    | (?P<cookie>\b(?:set-)?cookie["']?\s*+[:=]\s*+\\?+["']?+)(?![\[{])[^"'\\\r\n]+
    | (?P<name>\b[\w-]*(?:password|passwd|secret|api[-_]?key|authorization)["']?\s*+[:=]\s*+\\?+["']?+)(?![\[{(])
      (?:(?:Bearer|Basic)\s+)?[^\s"'\\,;&}\])]+
    """,
    re.IGNORECASE | re.VERBOSE,
)


def hide_secret_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: fields with a secret's name lose their value, also inside tables and lists."""
    return {name: _without_secrets(name, value) for name, value in event.items()}


def hide_secret_text(_: Any, __: str, line: str) -> str:
    """A structlog processor behind the renderer, so that it sees errors and objects as they were written."""
    return without_secrets(line)


def without_secrets(text: str) -> str:
    """A text in which what looks like a key, a password or a cookie is hidden, and nothing else changed."""
    return SECRET_TEXT.sub(_hidden, text)


def _without_secrets(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(name, inner) for inner in value]
    return HIDDEN if isinstance(value, str | bytes) and value and SECRET_NAMES.fullmatch(name) else value


def _hidden(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}{HIDDEN}"
