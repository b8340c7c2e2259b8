"""The sentences that are understood, out of the text files that hold them."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


def lines_of(name: str) -> list[str]:
    """What a file says, without remarks and empty lines."""
    text = files(__package__).joinpath("sentences", f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def sentence_parts(name: str) -> dict[str, str]:
    """Lines such as `name = what it stands for`."""
    return dict(line.split(" = ", 1) for line in lines_of(name))


@cache
def sentences(call: str) -> tuple[str, ...]:
    """A call's patterns, with every `%name` written out."""
    return tuple(_expanded(line) for line in lines_of(call))


@cache
def _parts() -> dict[str, str]:
    return sentence_parts("parts")


def _expanded(line: str) -> str:
    while "%" in line:
        line = re.sub(r"%(\w+)", lambda found: _parts()[found[1]], line)
    return line
