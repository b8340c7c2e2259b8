"""The flags that give an answer a shape."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jackfield.contracts.sampling import Constraint
from jackfield.errors import InvalidRequest

_FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=False)


def constraint_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the flags to a command, which receives the shape that was asked for as `constraint`, or None."""

    @functools.wraps(function)
    def with_constraint(
        *args: Any,
        json_schema: Path | None,
        grammar: Path | None,
        regex: str | None,
        choice: tuple[str, ...],
        **options: Any,
    ) -> None:
        asked = [
            *([] if json_schema is None else [_from_file("json_schema", json_schema, "--json-schema")]),
            *([] if grammar is None else [_from_file("grammar", grammar, "--grammar")]),
            *([] if regex is None else [Constraint(kind="regex", value=regex, parameter="--regex")]),
            *([Constraint(kind="choice", value=json.dumps(choice), parameter="--choice")] if choice else []),
        ]
        if len(asked) > 1:
            raise InvalidRequest(
                f"{asked[0].parameter} and {asked[1].parameter} cannot both be held; give one of them."
            )
        function(*args, constraint=asked[0] if asked else None, **options)

    command: Callable[..., None] = with_constraint
    for option in (
        click.option("--choice", multiple=True, metavar="TEXT", help="The answer is one of these; give it repeatedly."),
        click.option("--regex", metavar="REGEX", help="The whole answer matches this regular expression."),
        click.option("--grammar", type=_FILE, metavar="FILE", help="The answer is in this GBNF grammar."),
        click.option("--json-schema", type=_FILE, metavar="FILE", help="The answer is JSON of this schema."),
    ):
        command = option(command)
    return command


def _from_file(kind: Any, path: Path, flag: str) -> Constraint:
    try:
        return Constraint(kind=kind, value=path.read_text(encoding="utf-8"), parameter=flag)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidRequest(f"'{path}' cannot be read: {reason}.", parameter=flag) from error
