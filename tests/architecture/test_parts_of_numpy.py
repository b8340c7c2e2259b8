"""Threads may load numpy at once, as a search does for its model and its vectors.

A part of numpy that is loaded while another thread is loading the whole waits for what waits for it, and Python breaks
that off with a half-loaded module. Whoever imports numpy itself first waits for all of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("engines", "platform", "plugins", "storage", "tui", "web")


def loads_whole(node: ast.stmt) -> bool:
    """`import numpy`."""
    return isinstance(node, ast.Import) and any(alias.name == "numpy" for alias in node.names)


def loads_part(node: ast.stmt) -> bool:
    """`from numpy.typing import …` or `import numpy.typing`."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith("numpy")
    return isinstance(node, ast.Import) and any(alias.name.startswith("numpy.") for alias in node.names)


def parts_loaded_first(tree: ast.AST) -> Iterator[int]:
    """Lines that load a part of numpy where nothing before them in the same body loads the whole."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or _only_for_types(node):
            continue
        whole = False
        for statement in body:
            if loads_part(statement) and not whole:
                yield statement.lineno
            whole = whole or loads_whole(statement)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_numpy_is_loaded_whole_before_a_part_of_it() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if "numpy." in (text := path.read_text())
        for line in parts_loaded_first(ast.parse(text))
    ]
    assert found == []
