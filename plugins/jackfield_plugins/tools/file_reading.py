"""Looking at the granted folder: `list_files` and `read_file`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, BinaryIO

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid, ToolFailure
from jackfield.quantities import readable_bytes
from jackfield_plugins.tools.file_kinds import description, is_text
from jackfield_plugins.tools.folder import GrantedFolder
from jackfield_plugins.tools.folder_tool import BlockingFolderTool, parameters
from jackfield_plugins.tools.folder_walk import FolderWalk, Found, require_relative

MOST_LISTED = 300
MOST_CHARACTERS = 15_000
"""Of a file in one result; what a runner adds still fits the result's limit."""
MOST_BYTES = 4 * MOST_CHARACTERS
"""As many characters of UTF-8 take at most."""
HEAD = 8192
BLOCK = 1 << 20
COUNTED_TO = 64 << 20
"""Bytes up to which a file's lines are counted to its end."""
LONGEST_SKIP = 15.0
"""Seconds that finding the first line of a range may take."""


class ListFiles(BlockingFolderTool):
    """What is in the folder, by a glob."""

    description = ToolDescription(
        name="list_files",
        description=(
            "List files and folders. '*' lists the top folder, 'src/*' the folder src, '**/*.py' every Python file. "
            "Folders end with '/'."
        ),
        parameters=parameters((), glob={"type": "string", "default": "*", "description": "such as * or **/*.md"}),
        permission="read",
    )

    def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
        pattern = arguments.get("glob", "*")
        require_relative(pattern)
        walk = FolderWalk(folder, pattern)
        lines: list[str] = []
        for found in walk:
            if len(lines) == MOST_LISTED:
                lines.append(f"[Only the first {MOST_LISTED} are shown; use a narrower glob.]")
                break
            lines.append(_line(found))
        lines = lines or [_nothing(pattern)]
        return ToolResult(text="\n".join([*lines, *(f"[{said}]" for said in walk.left_out())]), provenance="file")


class ReadFile(BlockingFolderTool):
    """A text file's lines; what is no text is described."""

    description = ToolDescription(
        name="read_file",
        description="Read a text file. For a long file, give start_line and end_line; the first line is 1.",
        parameters=parameters(
            ("path",),
            path={"type": "string", "description": "such as notes/today.txt"},
            start_line={"type": "integer", "minimum": 1, "default": 1},
            end_line={"type": "integer", "minimum": 1, "description": "the last line to read; by default the end"},
        ),
        permission="read",
        targets=("path",),
    )

    def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
        path, first, last = arguments["path"], arguments.get("start_line", 1), arguments.get("end_line")
        if last is not None and last < first:
            raise ArgumentsInvalid(f"end_line {last} comes before start_line {first}; give a later one.")
        with folder.file(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
            head = file.read(HEAD)
            if not is_text(head):
                said = description(path, head, os.fstat(descriptor).st_size)
                return ToolResult(text=f"[{said}]", provenance="file")
            file.seek(0)
            text = _Lines(file, path, first, last).text()
        return ToolResult(text=text, provenance="file")


class _Lines:
    """A range of a file's lines, as many as fit one result, and a notice of what is left."""

    def __init__(self, file: BinaryIO, path: str, first: int, last: int | None) -> None:
        self._file = file
        self._path = path
        self._first = first
        self._last = last

    def text(self) -> str:
        before = self._skip()
        if before < self._first - 1:
            raise ToolFailure(f"'{self._path}' has only {before} lines; give a start_line up to {before}.")
        shown, notices = self._shown()
        text = "".join(shown)
        if "\ufffd" in text:
            notices.append("Bytes that are not UTF-8 are shown as \ufffd.")
        if not text and self._first == 1 and not notices:
            notices.append("The file is empty.")
        separator = "" if not text or text.endswith("\n") else "\n"
        return text + separator * bool(notices) + "\n".join(f"[{notice}]" for notice in notices)

    def _skip(self) -> int:
        """Pass the lines before the first, and count them; fewer where the file has not so many."""
        until = time.monotonic() + LONGEST_SKIP
        passed, line = 0, b"\n"
        while passed < self._first - 1:
            before, line = line, self._file.readline(BLOCK)
            if not line:
                return passed + (not before.endswith(b"\n"))
            passed += line.endswith(b"\n")
            if time.monotonic() > until:
                raise ToolFailure(f"Line {self._first} of '{self._path}' is too far into the file to be reached.")
        return passed

    def _shown(self) -> tuple[list[str], list[str]]:
        shown: list[str] = []
        room, number = MOST_CHARACTERS, self._first
        while self._last is None or number <= self._last:
            line = self._file.readline(MOST_BYTES)
            if not line:
                return shown, []
            text = line.decode("utf-8", errors="replace")
            if len(text) > room and not shown:
                return [text[:room]], [self._long_line(number)]
            if len(text) > room:
                return shown, [self._more(number, len(line))]
            shown.append(text)
            room -= len(text)
            number += 1
        more = self._file.read(1)
        return shown, [self._more(number, 1)] if more else []

    def _long_line(self, number: int) -> str:
        return (
            f"Line {number} is longer than {MOST_CHARACTERS:,} characters and is cut here. "
            f"Go on with start_line={number + 1}, or find a place in it with search_files."
        )

    def _more(self, number: int, read: int) -> str:
        """What is left from a line on, of which some bytes were read already."""
        self._file.seek(-read, os.SEEK_CUR)
        size = os.fstat(self._file.fileno()).st_size
        shown = f"Lines {self._first} to {number - 1} are shown"
        if size > COUNTED_TO:
            return f"{shown} of a file of {readable_bytes(size)}. Go on with start_line={number}."
        rest = self._file.read(COUNTED_TO)
        total = number - 1 + rest.count(b"\n") + (not rest.endswith(b"\n"))
        return f"{shown} of {total}. Go on with start_line={number}."


def _line(found: Found) -> str:
    if found.kind == "folder":
        return f"{found.path}/"
    if found.kind == "file":
        return f"{found.path} ({readable_bytes(found.size)})"
    return f"{found.path} ({found.kind})"


def _nothing(pattern: str) -> str:
    if "{" in pattern:
        return f"[Nothing fits '{pattern}'; braces have no meaning here, so list each ending by itself.]"
    if "**" in pattern:
        return f"[Nothing fits '{pattern}'.]"
    if pattern == "*":
        return "[The folder is empty.]"
    return f"[Nothing fits '{pattern}'. '**/{pattern.rpartition('/')[2]}' looks in every folder.]"
