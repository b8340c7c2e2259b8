"""What a docstring says of a function and its parameters, in the styles of Google, NumPy and Sphinx."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

GOOGLE_SECTION = re.compile(r"(Args|Arguments|Parameters|Params):\s*")
GOOGLE_PARAMETER = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
NUMPY_SECTION = re.compile(r"(Other )?Parameters\s*")
NUMPY_PARAMETER = re.compile(r"([\w*]+(?:\s*,\s*[\w*]+)*)\s*(?::.*)?")
SPHINX_FIELD = re.compile(r":(\w+)([^:]*):\s*(.*)")
SPHINX_PARAMETER = ("param", "parameter", "arg", "argument", "key", "keyword")


def docstring_parts(docstring: str | None) -> tuple[str, dict[str, str]]:
    """The first paragraph as one line, and what is said of each parameter."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    parameters = {**_google(lines), **_numpy(lines), **_sphinx(lines)}
    return _summary(lines), {name: text for name, text in parameters.items() if text}


def _summary(lines: Sequence[str]) -> str:
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        if not line.strip() or _begins_parameters(lines, number):
            break
        paragraph.append(line.strip())
    return " ".join(paragraph)


def _begins_parameters(lines: Sequence[str], number: int) -> bool:
    field = SPHINX_FIELD.match(lines[number])
    return bool(GOOGLE_SECTION.fullmatch(lines[number]) or _numpy_section(lines, number) or field)


def _google(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        if GOOGLE_SECTION.fullmatch(line):
            found.update(_entries(_indented(lines[number + 1 :]), GOOGLE_PARAMETER))
    return found


def _entries(block: Sequence[str], parameter: re.Pattern[str]) -> dict[str, str]:
    """The parameters of an indented block: what is indented further goes on with the one above."""
    found: dict[str, list[str]] = {}
    name = ""
    margin = min((_indent(line) for line in block if line.strip()), default=0)
    for line in block:
        if _indent(line) == margin and (match := parameter.fullmatch(line.strip())):
            name = match[1]
            found[name] = [match[2]]
        elif name:
            found[name].append(line.strip())
    return {each: " ".join(filter(None, texts)) for each, texts in found.items()}


def _numpy(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number in range(len(lines)):
        if _numpy_section(lines, number):
            found.update(_numpy_entries(lines[number + 2 :]))
    return found


def _numpy_section(lines: Sequence[str], number: int) -> bool:
    underlined = number + 1 < len(lines) and re.fullmatch(r"-{3,}\s*", lines[number + 1])
    return bool(underlined and NUMPY_SECTION.fullmatch(lines[number]))


def _numpy_entries(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for number, line in enumerate(lines):
        if line.strip() and not _indent(line):
            if number + 1 < len(lines) and re.fullmatch(r"-{3,}\s*", lines[number + 1]):
                break
            match = NUMPY_PARAMETER.fullmatch(line)
            names = [name.strip().lstrip("*") for name in match[1].split(",")] if match else []
            found.update({name: [] for name in names})
        else:
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(filter(None, texts)) for name, texts in found.items()}


def _sphinx(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = SPHINX_FIELD.fullmatch(line)
        if match and match[1] in SPHINX_PARAMETER and match[2].split():
            more = [each.strip() for each in _indented(lines[number + 1 :])]
            found[match[2].split()[-1].lstrip("*")] = " ".join(filter(None, [match[3], *more]))
    return found


def _indented(lines: Sequence[str]) -> list[str]:
    """The lines until one that is neither empty nor indented."""
    block: list[str] = []
    for line in lines:
        if line.strip() and not _indent(line):
            break
        block.append(line)
    return block


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
