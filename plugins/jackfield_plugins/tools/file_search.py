"""`search_files`: the lines that hold a text or fit an expression.

The search runs in a process of its own: an expression can take forever, and Python cannot stop one midway.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid, JackfieldError, ToolFailure
from jackfield_plugins.tools.file_kinds import is_text
from jackfield_plugins.tools.folder import GrantedFolder
from jackfield_plugins.tools.folder_tool import FolderTool, parameters
from jackfield_plugins.tools.folder_walk import FolderWalk, require_relative
from jackfield_plugins.tools.killable import output_of

MOST_FOUND = 100
LONGEST_LINE = 300
"""Characters of a line that are shown."""
LONGEST_SEARCHED = 1 << 20
"""Bytes of a line that are searched at once; a longer one is searched in pieces."""
SECONDS = 15.0
MOST_OUTPUT = 256_000
HEAD = 8192


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for, and where."""

    folder: str
    pattern: str
    regex: bool
    ignore_case: bool
    glob: str

    def expression(self) -> re.Pattern[str]:
        """The pattern as one expression; raises re.error."""
        pattern = self.pattern if self.regex else re.escape(self.pattern)
        return re.compile(pattern, re.IGNORECASE if self.ignore_case else 0)


class SearchFiles(FolderTool):
    """Lines of text files, with where they stand."""

    description = ToolDescription(
        name="search_files",
        description="Find the lines in text files that hold a text. Gives path:line: content for each.",
        parameters=parameters(
            ("pattern",),
            pattern={"type": "string", "minLength": 1, "description": "the text to find"},
            glob={"type": "string", "default": "**/*", "description": "which files, such as **/*.py"},
            regex={"type": "boolean", "default": False, "description": "take the pattern as a regular expression"},
            ignore_case={"type": "boolean", "default": False},
        ),
        permission="read",
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        query = Query(
            folder=str(self.granted.path),
            pattern=arguments["pattern"],
            regex=arguments.get("regex", False),
            ignore_case=arguments.get("ignore_case", False),
            glob=arguments.get("glob", "**/*"),
        )
        _require_sense(query)
        outcome = await output_of(__name__, msgspec.json.encode(query), seconds=SECONDS, most_bytes=MOST_OUTPUT)
        lines = outcome.output.decode("utf-8", errors="replace").splitlines()
        if not outcome.ended:
            lines.append(
                f"[The search was stopped after {SECONDS:.0f} seconds; "
                "use a plainer pattern (regex false) or a narrower glob.]"
            )
        return ToolResult(text="\n".join(lines), provenance="file")


def found_lines(query: Query) -> Iterator[str]:
    """A line for every line that fits, then what is to be noticed."""
    folder, expression = GrantedFolder(Path(query.folder)), query.expression()
    walk, skipped, files, count = FolderWalk(folder, query.glob), 0, 0, 0
    for found in walk:
        if found.kind != "file":
            continue
        files += 1
        try:
            for line in _matches(folder, found.path, expression):
                if count == MOST_FOUND:
                    yield f"[Only the first {MOST_FOUND} lines are shown; use a narrower pattern or glob.]"
                    return
                count += 1
                yield line
        except JackfieldError:
            skipped += 1
    if not count:
        yield f"[Nothing found in {files} files.]"
    if skipped:
        yield f"[Not searched, because they are no text or cannot be opened: {skipped} files.]"
    yield from (f"[{said}]" for said in walk.left_out())


def _matches(folder: GrantedFolder, path: str, expression: re.Pattern[str]) -> Iterator[str]:
    with folder.file(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        if not is_text(file.read(HEAD)):
            raise ToolFailure(f"'{path}' is not text.")
        file.seek(0)
        number = 1
        while line := file.readline(LONGEST_SEARCHED):
            text = line.decode("utf-8", errors="replace").rstrip("\r\n")
            if match := expression.search(text):
                yield f"{path}:{number}: {_shown(text, match.start())}"
            number += line.endswith(b"\n")


def _shown(line: str, position: int) -> str:
    """A line, or what is around the match in a long one."""
    if len(line) <= LONGEST_LINE:
        return line
    start = max(0, position - LONGEST_LINE // 3)
    end = start + LONGEST_LINE
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _require_sense(query: Query) -> None:
    require_relative(query.glob)
    try:
        query.expression()
    except (re.error, RecursionError, OverflowError) as error:
        raise ArgumentsInvalid(
            f"'{query.pattern}' is not a regular expression ({error}); mend it, or leave regex out to find the text."
        ) from error


def main() -> None:
    """Read a query from standard input and write what was found as it is found."""
    query = msgspec.json.decode(sys.stdin.buffer.read(), type=Query)
    write = sys.stdout.buffer.write
    try:
        for line in found_lines(query):
            write(line.encode("utf-8", errors="replace") + b"\n")
            sys.stdout.buffer.flush()
    except JackfieldError as error:
        write(f"[{error.message}]\n".encode())


if __name__ == "__main__":
    main()
