"""What a model does in a step: it writes whole files, asks to read some, or says that nothing is left to do.

    FILE notes/today.txt
    ```text
    The whole content.
    ```
    READ notes/yesterday.txt
    DONE

Within a file, a fence that names a language is closed by the next bare one, so that Markdown may hold code.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield_plugins.agents.stored_program.paths import PATH

WRITES, READS, DONE, FENCE = "FILE ", "READ ", "DONE", "```"
LONGEST_LIST = 1500
"""Characters of an expression that lists paths; a longer one would take too long to compile."""
_INNER_FENCE = re.compile(r"```[A-Za-z0-9_+-]+\s*")

_LINE = r"(?:[^`\n][^\n]*|`[^`\n][^\n]*|``[^`\n][^\n]*|`{1,2})?\n"
_INNER = rf"```[A-Za-z0-9_+-]+\n(?:{_LINE})*```\n"
_BLOCK = rf"```[a-z]*\n(?:{_LINE}|{_INNER})*```\n"


class WriteAction(msgspec.Struct, frozen=True):
    """A file as it is to be."""

    path: str
    content: str


class ReadAction(msgspec.Struct, frozen=True):
    """A file whose content is wanted."""

    path: str


class CutAction(msgspec.Struct, frozen=True):
    """A file whose block has no end."""

    path: str


Action = WriteAction | ReadAction | CutAction


def read_actions(text: str) -> tuple[Action, ...]:
    """The actions of an answer in their order; anything between them is passed over."""
    return tuple(_actions(text.split("\n")))


def actions_constraint(*, writes: Collection[str], reads: Collection[str] | None, may_end: bool) -> Constraint:
    """Answers of at least one action, of these files only; any file may be read where `reads` is None.

    The word that nothing is left to do may follow, and with `may_end` it is enough.
    """
    acts = [rf"{WRITES}{_one_of(writes)}\n{_BLOCK}"]
    if reads is None or reads:
        acts.append(rf"{READS}{PATH if reads is None else _one_of(reads)}\n")
    pattern = rf"(?:{'|'.join(acts)})+(?:{DONE}\n?)?" + (rf"|{DONE}\n?" if may_end else "")
    return Constraint(kind="regex", value=pattern, parameter="actions")


def _one_of(paths: Collection[str]) -> str:
    """One of some paths, or any where they are too many for an expression."""
    listed = "|".join(re.escape(path) for path in paths)
    return f"(?:{listed})" if len(listed) < LONGEST_LIST else PATH


def _actions(lines: list[str]) -> Iterator[Action]:
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        at += 1
        if line.startswith(READS):
            yield ReadAction(line.removeprefix(READS).strip())
        elif line.startswith(WRITES):
            path = line.removeprefix(WRITES).strip()
            end = _end_of_block(lines, at)
            yield CutAction(path) if end is None else WriteAction(path, "".join(f"{x}\n" for x in lines[at + 1 : end]))
            at = len(lines) if end is None else end + 1


def _end_of_block(lines: list[str], start: int) -> int | None:
    """The line that closes the block that begins at `start`; None where there is no such block or it has no end."""
    if start >= len(lines) or not lines[start].startswith(FENCE):
        return None
    inner = False
    for at in range(start + 1, len(lines)):
        if lines[at].rstrip() == FENCE:
            if not inner:
                return at
            inner = False
        elif not inner and _INNER_FENCE.fullmatch(lines[at]):
            inner = True
    return None
