"""What `jackfield files add` says of what it did."""

from __future__ import annotations

from typing import Any

from jackfield.cli.call_lines import count
from jackfield.cli.files.adding import Added
from jackfield.cli.files.index_progress import as_object as index_as_object
from jackfield.cli.files.local_files import Failure, LocalFiles
from jackfield.cli.files.sentences import cell, undoing
from jackfield.cli.output import exit_code
from jackfield.contracts.files import IndexProgress
from jackfield.errors import error_from_code
from jackfield.files.open_collection import OpenCollection

NAMED = 10
"""Failures that are named to a person; JSON has all."""


def account(added: Added, found: LocalFiles) -> list[str]:
    """Lines for a person."""
    numbers = {"added": added.new, "changed": added.changed, "unchanged": added.unchanged}
    parts = [f"{number:,} {what}" for what, number in numbers.items() if number]
    lines = [f"{', '.join(parts)}." if parts else "Nothing was added."]
    if skipped := _skipped(found):
        lines.append(f"Passed over: {skipped}.")
    failures = [*found.failures, *added.failures]
    lines += [f"Not added: {cell(failure.source)}: {cell(failure.message)}" for failure in failures[:NAMED]]
    if len(failures) > NAMED:
        lines.append(f"And {count(len(failures) - NAMED, 'more failure')}; --json names all.")
    if added.new or added.changed:
        lines.append(f"To take it back: {undoing(added.change)}")
    return lines


def as_object(added: Added, found: LocalFiles, collection: str, index: IndexProgress | None) -> dict[str, Any]:
    """The same and more for programs; `index` is null where nothing was indexed."""
    return {
        "collection": collection,
        "change": added.change,
        "added": added.new,
        "changed": added.changed,
        "unchanged": added.unchanged,
        "skipped": {"hidden": found.hidden, "links": found.links, "special": found.special},
        "failures": [*found.failures, *added.failures],
        "files": added.files,
        "index": None if index is None else index_as_object(index),
    }


async def unreadable(opened: OpenCollection, added: Added, *, under: str) -> tuple[str, ...]:
    """Paths of what was just added or changed and cannot be read."""
    now = {file.path for file in added.files if file.changed}
    files = await opened.every(under=under) if now else ()
    return tuple(file.path for file in files if file.index == "failed" and file.path in now)


def code_of(failures: list[Failure]) -> int:
    """The exit code for what could not be added: that of their family, 1 where they are of several, 0 for none."""
    codes = {exit_code(error_from_code(failure.code, failure.message)) for failure in failures}
    return codes.pop() if len(codes) == 1 else min(len(codes), 1)


def _skipped(found: LocalFiles) -> str:
    counts = {"hidden file or folder": found.hidden, "symbolic link": found.links, "special file": found.special}
    said = [f"{number:,} {_plural(what, number)}" for what, number in counts.items() if number]
    return ", ".join(said)


def _plural(what: str, number: int) -> str:
    return what if number == 1 else {"hidden file or folder": "hidden files and folders"}.get(what, f"{what}s")
