"""Changing the granted folder: `write_file` and `edit_file`; a file is either as it was or as it is to be."""

from __future__ import annotations

import difflib
import os
import secrets
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid, ToolFailure
from jackfield.quantities import readable_bytes
from jackfield_plugins.tools.folder import GrantedFolder, Place, regular_file
from jackfield_plugins.tools.folder_tool import BlockingFolderTool, parameters

PARTIAL = (".jackfield-", ".partial")
"""How the name of a file begins and ends that is not whole yet."""
STALE = 3600
"""Seconds after which a partial file is what a crash left behind."""
LARGEST_EDITED = 8 << 20
"""Bytes of a file that can be edited."""
MOST_COMPARED = 20_000
"""Lines of a file in which the one nearest to a missing text is looked for."""
NEW_FILE = 0o666


class WriteFile(BlockingFolderTool):
    """A whole file, new or in place of one."""

    description = ToolDescription(
        name="write_file",
        description="Write a text file: a new one, or all of one that exists. Missing folders are made.",
        parameters=parameters(
            ("path", "content"),
            path={"type": "string", "description": "such as notes/today.txt"},
            content={"type": "string", "description": "everything the file is to hold"},
        ),
        permission="write",
        targets=("path",),
        concurrency=1,
        derived=True,
    )

    def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
        path, content = arguments["path"], _encoded(arguments["content"])
        with folder.place(path, make_folders=True) as place:
            before = _status(place, path)
            replace_file(place, content, mode=before.st_mode if before else None)
        was = "It replaced the file that was there" if before else "The file is new"
        lines = len(arguments["content"].splitlines())
        return ToolResult(text=f"Wrote {lines} lines ({readable_bytes(len(content))}) to {path}. {was}.")


class EditFile(BlockingFolderTool):
    """One place of a file, found by its exact text."""

    description = ToolDescription(
        name="edit_file",
        description=(
            "Replace a text in a file. old_text must be exactly as in the file and be there only once; "
            "add a line before or after it to make it unique."
        ),
        parameters=parameters(
            ("path", "old_text", "new_text"),
            path={"type": "string", "description": "such as notes/today.txt"},
            old_text={"type": "string", "description": "what is there now"},
            new_text={"type": "string", "description": "what is to be there instead; empty removes it"},
        ),
        permission="write",
        targets=("path",),
        concurrency=1,
    )

    def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
        path, old, new = arguments["path"], arguments["old_text"], arguments["new_text"]
        if not old:
            raise ArgumentsInvalid("old_text is empty; copy the text to replace from the file, or use write_file.")
        with folder.place(path) as place:
            before, text = _read(place, path)
            old, new = _with_the_files_line_ends(text, old, new)
            line = _only_line(text, old, path)
            content = _encoded(text.replace(old, new))
            _require_unchanged(place, before, path)
            replace_file(place, content, mode=before.st_mode)
        return ToolResult(text=f"Replaced the text at line {line} of {path}.")


def replace_file(place: Place, content: bytes, *, mode: int | None) -> None:
    """Put a file there in one step, on the disk before it has its name; `mode` is that of the file it replaces."""
    _remove_stale(place.folder)
    partial = secrets.token_hex(8).join(PARTIAL)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(partial, flags, NEW_FILE, dir_fd=place.folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if mode is not None:
                os.fchmod(descriptor, stat.S_IMODE(mode))
            file.flush()
            os.fsync(descriptor)
        os.rename(partial, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial, dir_fd=place.folder)
        raise
    os.fsync(place.folder)


def _status(place: Place, path: str) -> os.stat_result | None:
    """What is there now; raises where it is no file that could be replaced."""
    try:
        os.close(regular_file(place.folder, place.name or ".", path))
    except FileNotFoundError:
        return None
    return os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)


def _read(place: Place, path: str) -> tuple[os.stat_result, str]:
    with os.fdopen(regular_file(place.folder, place.name or ".", path), "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_size > LARGEST_EDITED:
            limit = readable_bytes(LARGEST_EDITED)
            raise ToolFailure(
                f"'{path}' is {readable_bytes(status.st_size)} long; only files up to {limit} are edited."
            )
        content = file.read()
    try:
        return status, content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolFailure(f"'{path}' is not UTF-8 text and cannot be edited.") from error


def _require_unchanged(place: Place, before: os.stat_result, path: str) -> None:
    now = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    if (now.st_ino, now.st_mtime_ns, now.st_size) != (before.st_ino, before.st_mtime_ns, before.st_size):
        raise ToolFailure(f"'{path}' was changed by somebody else meanwhile; read it again, then edit it.")


def _with_the_files_line_ends(text: str, old: str, new: str) -> tuple[str, str]:
    """Both texts with the file's line ends, where models write `\\n` and the file has `\\r\\n`."""
    if "\r\n" not in text or "\r" in old + new or old in text:
        return old, new
    return old.replace("\n", "\r\n"), new.replace("\n", "\r\n")


def _only_line(text: str, old: str, path: str) -> int:
    """The line in which the only such text begins; raises ToolFailure saying what is there instead."""
    first = text.find(old)
    if first < 0:
        raise ToolFailure(f"old_text is not in '{path}'. {_nearest(text, old)}")
    lines = _lines_of(text, old)
    if len(lines) > 1:
        listed = ", ".join(str(line) for line in lines[:10])
        raise ToolFailure(
            f"old_text is in '{path}' more than once, at lines {listed}; make it longer so that only one place fits."
        )
    return lines[0]


def _lines_of(text: str, old: str) -> list[int]:
    """The lines in which a text begins, each place once, overlapping ones too."""
    found: list[int] = []
    start = text.find(old)
    while start >= 0 and len(found) < 11:
        found.append(text.count("\n", 0, start) + 1)
        start = text.find(old, start + 1)
    return found


def _nearest(text: str, old: str) -> str:
    """What the file has that is most like the first line of a missing text."""
    wanted = next((line.strip() for line in old.splitlines() if line.strip()), "")
    lines = text.splitlines()[:MOST_COMPARED]
    for number, line in enumerate(lines, 1):
        if wanted and line.strip() == wanted:
            return f"Line {number} is like its first line: {line[:200]!r}. Copy the text exactly, spaces included."
    close = difflib.get_close_matches(wanted[:200], {line.strip()[:200] for line in lines[:2000]}, n=1)
    if close:
        number = next(number for number, line in enumerate(lines, 1) if line.strip()[:200] == close[0])
        return f"The nearest is line {number}: {lines[number - 1][:200]!r}. Copy the text exactly, spaces included."
    return "Nothing in it is like that; read it with read_file and copy the text exactly."


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentsInvalid("The text holds half a character (a lone surrogate); write it without.") from error


def _remove_stale(folder: int) -> None:
    """Take away partial files that a crash left in an open folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PARTIAL[0]) and entry.name.endswith(PARTIAL[1]):
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > STALE:
                        os.unlink(entry.name, dir_fd=folder)
