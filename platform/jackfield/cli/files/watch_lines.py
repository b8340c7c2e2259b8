"""What `jackfield files watch` says: a line for each file, and one for each round."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from jackfield.cli.call_lines import count
from jackfield.cli.files.sentences import cell, undoing
from jackfield.files.watching.batch import Batch, Change, Side

COLOURS = {"added": "green", "changed": "yellow", "renamed": "cyan", "deleted": "red", "kept_both": "magenta"}
SHOWN = 5
"""Names of waiting files that a line has room for."""


def change_line(change: Change) -> str:
    """→ is into the collection, ← into the folder, ! is left alone."""
    path = cell(change.path)
    if change.done == "left":
        return f"{click.style('!', fg='red', bold=True)} {path} is left alone: {cell(change.detail)}"
    mark = "→" if change.side == "collection" else "←"
    said = {
        "added": "added",
        "changed": f"changed, version {change.version}",
        "renamed": f"renamed to {cell(change.to)}",
        "deleted": "deleted" if change.side == "folder" else "deleted; its versions stay",
        "kept_both": _kept_both(change),
    }[change.done]
    return f"{click.style(mark, fg=COLOURS[change.done])} {path} {said}"


def _kept_both(change: Change) -> str:
    whose = "the collection's text" if change.side == "collection" else "the text that was here"
    return f"was changed on both sides; {whose} is in '{cell(change.to)}' now"


def batch_line(batch: Batch, collection: str) -> str:
    """How many files of which kind, and how to take that back; empty where nothing was done."""
    told = [_of_side(batch, side) for side in ("collection", "folder")]
    told += [f"{count(batch.left, 'file')} left alone"] if batch.left else []
    said = "; ".join(one for one in told if one)
    if not said:
        return ""
    line = f"{said} ({batch.seconds:.1f} s, collection '{cell(collection)}')"
    if any(change.side == "collection" and change.done != "left" for change in batch.changes):
        line += f". Undo it with: {undoing(batch.change)}"
    return line


def _of_side(batch: Batch, side: Side) -> str:
    numbers = [(done, batch.counts[side, done]) for done in ("added", "changed", "renamed", "deleted", "kept_both")]
    listed = ", ".join(f"{number:,} {done.replace('_', ' ')}" for done, number in numbers if number)
    return f"{listed} in the {side}" if listed else ""


def waiting_line(waiting: tuple[str, ...]) -> str:
    """Which files are still being written."""
    names = ", ".join(cell(path) for path in waiting[:SHOWN])
    more = f" and {len(waiting) - SHOWN:,} more" if len(waiting) > SHOWN else ""
    return f"{count(len(waiting), 'file')} still being written: {names}{more}"


def ignored_line(ignored: dict[str, int]) -> str:
    """How many files and folders are never kept in step; empty for none."""
    words = {"hidden": "hidden", "temporary": "temporary", "excluded": "excluded", "link": "links", "device": "devices"}
    listed = ", ".join(f"{ignored[reason]:,} {word}" for reason, word in words.items() if ignored.get(reason))
    return f"Passed over: {listed}." if listed else ""


def json_line(kind: str, value: Any) -> str:
    """One object in one line, which says what it is."""
    return msgspec.json.encode({"kind": kind, **msgspec.to_builtins(value)}).decode()


def batch_object(batch: Batch) -> dict[str, Any]:
    """A round without its changes, which have lines of their own."""
    counts = {side: dict.fromkeys((*COLOURS, "left"), 0) for side in ("collection", "folder")}
    for (side, done), number in batch.counts.items():
        counts[side][done] = number
    fields = {name: getattr(batch, name) for name in ("change", "waiting", "ignored", "files", "seconds")}
    return {**fields, **counts}
