"""What is said of files, versions and changes, with nothing in it that could steer a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from jackfield.cli.call_lines import count, printable
from jackfield.cli.output import print_json, say
from jackfield.contracts.files import FileVersion, StoredFile, Written
from jackfield.quantities import readable_bytes

ACTIONS = {
    "written": "written",
    "appended": "appended to",
    "restored": "rolled back",
    "renamed": "renamed",
    "deleted": "deleted",
    "undeleted": "brought back",
}
INDEXED = {"indexed": "", "pending": "waits", "empty": "no text", "skipped": "not read", "failed": "unreadable"}


def cell(text: str) -> str:
    """A name or a sentence of somebody's, in one line of a table."""
    return printable(text.replace("\t", " "))


def when(at: datetime | None) -> str:
    """A time by this machine's clock, to the minute."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else ""


def version_row(version: FileVersion) -> tuple[str, ...]:
    """A version's number, time, author, what was done, size and reason."""
    done = ACTIONS[version.action]
    if version.restored_from:
        done += f" to {version.restored_from}"
    return (
        str(version.number),
        when(version.written_at),
        cell(version.author.name),
        done,
        readable_bytes(version.size),
        cell(version.reason),
    )


def state(file: StoredFile, *, reason: bool = False) -> str:
    """What is worth knowing of a file: whether its text is found, or the `reason` why not, and who holds it."""
    said = [INDEXED[file.index]]
    if reason and file.index_error:
        said = [cell(file.index_error)]
    if file.lock:
        said.append(f"locked by {cell(file.lock.by.name)} until {when(file.lock.until)}")
    return ", ".join(filter(None, said))


def tell(written: Written, what: str, *, as_json: bool) -> None:
    """Say what a change made of a file; `what` is such as "was renamed"."""
    if as_json:
        print_json(written)
    elif not written.changed:
        say(f"'{cell(written.file.path)}' has these bytes already; it stays at version {written.file.version}.")
    else:
        say(f"'{cell(written.file.path)}' {what}; it is at version {written.version.number} now.")


def tell_all(changed: Sequence[Written], what: str, change: str, *, as_json: bool) -> None:
    """Say what was done to several files in one change, and how it is undone."""
    if as_json:
        print_json({"change": change, "files": changed})
    elif len(changed) == 1:
        tell(changed[0], what, as_json=False)
    else:
        say(f"{count(len(changed), 'file')} {what.replace('was', 'were', 1)}. Undo it with: {undoing(change)}")


def undoing(change: str) -> str:
    """The command that takes a change back."""
    return click.style(f"jackfield files undo {change}", bold=True)
