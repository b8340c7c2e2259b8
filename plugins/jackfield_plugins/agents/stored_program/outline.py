"""What a file offers, in a line: enough to use it without reading it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator

LONGEST_OUTLINE = 300
"""Characters."""


def outline(path: str, content: str) -> str:
    """Its length, and the names that a Python file defines."""
    length = f" ({len(content.splitlines())} lines)"
    names = ", ".join(_defined(content)) if path.endswith(".py") else ""
    if len(names) > LONGEST_OUTLINE:
        names = names[:LONGEST_OUTLINE].rpartition(", ")[0] + ", …"
    return f"{length}: {names}" if names else length


def _defined(content: str) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from _names(module.body)


def _names(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield f"{statement.name}({', '.join(argument.arg for argument in statement.args.args)})"
            case ast.ClassDef():
                methods = [name for name in _names(statement.body) if not name.startswith("_")]
                yield f"class {statement.name}" + (f" with {', '.join(methods)}" if methods else "")
