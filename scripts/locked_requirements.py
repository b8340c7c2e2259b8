"""Print the part of requirements.lock that an extra of ours needs, hashes and all: an image holds no test tools."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==")
PARENT = re.compile(r"^    #(?: via|  ) +(?P<name>[a-z0-9][a-z0-9.-]*)")


class Pin(NamedTuple):
    """A locked package's lines, and the packages that ask for it."""

    text: str
    parents: frozenset[str]


def main(arguments: list[str]) -> int:
    """Print what an extra needs, or with --build-system what builds our own wheel; gives an exit status."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = locked_pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    if arguments == ["--build-system"]:
        roots = names_of([*project["build-system"]["requires"], "editables"])
    elif len(arguments) == 1 and arguments[0] in project["project"]["optional-dependencies"]:
        roots = extra_roots(project["project"], arguments[0])
    else:
        extras = ", ".join(project["project"]["optional-dependencies"])
        print(f"usage: locked_requirements.py EXTRA | --build-system   (extras: {extras})", file=sys.stderr)
        return 2
    if missing := sorted(roots - pins.keys()):
        print(f"error: requirements.lock does not pin {', '.join(missing)}; run `make lock`.", file=sys.stderr)
        return 1
    for name in sorted(needed(pins, roots)):
        print(pins[name].text)
    return 0


def extra_roots(project: Mapping[str, Any], extra: str) -> set[str]:
    """What a plain install and an extra ask for by name, extras within extras followed."""
    roots, waiting = set(names_of(project["dependencies"])), [extra]
    while waiting:
        for requirement in project["optional-dependencies"][waiting.pop()]:
            if inner := re.match(rf"{project['name']}\[([^]]+)\]", requirement):
                waiting.extend(name.strip() for name in inner[1].split(","))
            else:
                roots.update(names_of([requirement]))
    return roots


def names_of(requirements: Iterable[str]) -> set[str]:
    """The packages that requirements name, as the lock spells them."""
    found = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def locked_pins(lock: str) -> dict[str, Pin]:
    """Every package of a lock by name."""
    blocks: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lock.splitlines():
        if pin := PIN.match(line):
            current = blocks.setdefault(pin["name"], [])
        current.append(line)
    return {name: _pin(lines) for name, lines in blocks.items()}


def needed(pins: Mapping[str, Pin], roots: Iterable[str]) -> set[str]:
    """The roots and whatever is locked because of them."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(child for child, pin in pins.items() if name in pin.parents)
    return found


def _pin(lines: list[str]) -> Pin:
    text = "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    parents = {match["name"] for line in lines if (match := PARENT.match(line))}
    return Pin(text, frozenset(parents - {"jackfield"}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
