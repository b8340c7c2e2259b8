"""What changed between two versions of a file, or between two files, in words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import msgspec

from jackfield.contracts.files import FileVersion, Point
from jackfield.contracts.runs import RunRequest
from jackfield.errors import ContextOverflow, InvalidRequest, ModelNotFound
from jackfield.files.asking import ChatModel
from jackfield.files.difference import difference, unified
from jackfield.files.open_collection import OpenCollection
from jackfield.files.telling_words import words_in
from jackfield.messages import Message, Span

ASKED = "These lines of a text were changed. Tell what changed, in a few plain sentences.\n\n"
ASKED_OF_PARTS = "These changes were made to one text. Tell them as one short account.\n\n"
LARGEST_PART = 5_000
SMALLEST_PART = 500
LONGEST = 300
"""Tokens of an answer."""
SHOWN = 12
"""Changed lines that are shown where no model tells of them."""
WIDEST = 200
"""Characters of each."""
REPEATED = 5
"""So many words on end that an answer has from what was asked are no answer."""
UNTOLD = "The model's answer did not tell what changed, so the changed lines are shown."
_HEADING = re.compile(r"[+-]\s{0,3}(#{1,6}\s+\S.*)")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What differs: in words, in numbers of lines, in headings, and line by line.

    `model` is empty where no model said it; `unified` is None where no texts could be compared, and `notice` says why.
    """

    old_path: str
    new_path: str
    old: FileVersion
    new: FileVersion
    words: str
    added: int = 0
    removed: int = 0
    headings_added: tuple[str, ...] = ()
    headings_removed: tuple[str, ...] = ()
    unified: str | None = None
    model: str = ""
    parts: int = 0
    notice: str = ""


async def compared_versions(
    opened: OpenCollection,
    path: str,
    old: Point | None = None,
    new: Point | None = None,
    *,
    chat: ChatModel | None = None,
) -> Comparison:
    """Two versions of a file: the newest and the last one with other bytes, unless others are said.

    Without a `chat` model, or one that is installed, it is told in counts. Raises FileNotThere or VersionNotFound.
    """
    found = await difference(opened, path, old, new)
    bare = Comparison(
        old_path=path, new_path=path, old=found.old, new=found.new, words="", unified=found.unified, notice=found.reason
    )
    return await _told(bare, chat)


async def compared_files(opened: OpenCollection, one: str, other: str, *, chat: ChatModel | None = None) -> Comparison:
    """The newest versions of two files; raises FileNotThere, or FileUnreadable where one has no text."""
    if one == other:
        raise InvalidRequest(f"'{one}' is the same file twice; name two, or two versions.", parameter="path")
    versions = [(await opened.history(path))[-1] for path in (one, other)]
    texts = [
        await opened.text(path, Point(number=version.number))
        for path, version in zip((one, other), versions, strict=True)
    ]
    lines = await asyncio.to_thread(unified, *texts, names=(one, other))
    notice = "" if lines is not None else "Too many lines lie between what differs."
    bare = Comparison(
        old_path=one, new_path=other, old=versions[0], new=versions[1], words="", unified=lines, notice=notice
    )
    return await _told(bare, chat)


async def _told(bare: Comparison, chat: ChatModel | None) -> Comparison:
    lines = bare.unified
    if lines is None:
        return msgspec.structs.replace(bare, words=f"They cannot be compared line by line. {bare.notice}".strip())
    counted = _counted(bare, lines)
    if not lines or chat is None:
        return counted
    try:
        return await _in_words(counted, lines, chat)
    except ModelNotFound as error:
        return msgspec.structs.replace(counted, notice=f"No model says it in words: {error.message}")


def _counted(bare: Comparison, lines: str) -> Comparison:
    changed = _changed(_body(lines))
    added = [line for line in changed if line.startswith("+")]
    removed = [line for line in changed if line.startswith("-")]
    new = [found[1].strip() for line in added if (found := _HEADING.match(line))]
    gone = [found[1].strip() for line in removed if (found := _HEADING.match(line))]
    counted = msgspec.structs.replace(
        bare,
        added=len(added),
        removed=len(removed),
        headings_added=tuple(heading for heading in new if heading not in gone),
        headings_removed=tuple(heading for heading in gone if heading not in new),
    )
    return msgspec.structs.replace(counted, words=_sentence(counted))


def _sentence(counted: Comparison) -> str:
    """In numbers, and by the headings that came and went."""
    if not counted.unified:
        same = "to the last byte" if counted.old.digest == counted.new.digest else "though not their bytes"
        return f"The texts are equal, {same}."
    said = [f"{_lines(counted.added)} added, {_lines(counted.removed)} removed."]
    if counted.headings_added:
        said.append(f"New headings: {_listed(counted.headings_added)}.")
    if counted.headings_removed:
        said.append(f"Headings that went: {_listed(counted.headings_removed)}.")
    return " ".join(said)


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _listed(headings: Sequence[str]) -> str:
    return ", ".join(f"'{heading.lstrip('#').strip()}'" for heading in headings)


async def _in_words(counted: Comparison, lines: str, chat: ChatModel) -> Comparison:
    """Part by part where it is long; smaller parts where the model's context asks for them."""
    size = LARGEST_PART
    while True:
        try:
            return await _part_by_part(counted, _with_changes(_parts(_body(lines), size)), chat)
        except ContextOverflow:
            if size <= SMALLEST_PART:
                raise
            size //= 2


async def _part_by_part(counted: Comparison, parts: Sequence[str], chat: ChatModel) -> Comparison:
    """In lines instead, as soon as an answer does not tell what changed."""
    if not parts:
        return msgspec.structs.replace(counted, words=f"{counted.words} Only empty lines differ.")
    replies = [await chat.reply(_request(ASKED, ["\n".join(_before_and_after(part))])) for part in parts]
    said = [reply.text for reply in replies]
    if not all(_tells(text, part) for text, part in zip(said, parts, strict=True)):
        return _in_lines(counted, parts)
    while len(said) > 1:
        batches = [said[at : at + 4] for at in range(0, len(said), 4)]
        replies = [await chat.reply(_request(ASKED_OF_PARTS, batch)) for batch in batches]
        said = [reply.text for reply in replies]
    if not _tells(said[0], "".join(parts)):
        return _in_lines(counted, parts)
    cut = "" if replies[-1].whole else "The model's account came to its longest and was cut."
    return msgspec.structs.replace(counted, words=said[0], model=replies[-1].model, parts=len(parts), notice=cut)


def _in_lines(counted: Comparison, parts: Sequence[str]) -> Comparison:
    """The counts, and the first of the changed lines themselves."""
    lines = [line for part in parts for line in _before_and_after(part)]
    shown = [line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…" for line in lines[:SHOWN]]
    if rest := len(lines) - len(shown):
        shown.append(f"(and {_lines(rest)} more that changed)")
    return msgspec.structs.replace(counted, words="\n".join([counted.words, *shown]), notice=UNTOLD)


def _tells(answer: str, part: str) -> bool:
    """Whether an answer says anything of what changed, and does not say back what was asked."""
    said, asked = _words(answer), f" {' '.join(_words(ASKED + ASKED_OF_PARTS))} "
    if not said or any(f" {' '.join(said[at : at + REPEATED])} " in asked for at in range(len(said) - REPEATED + 1)):
        return False
    if re.match(r"(before|after):", answer, re.IGNORECASE):  # the lines themselves, said back
        return False
    lines = _changed(part)
    gone, new = ({word for line in lines if line[0] == sign for word in _words(line)} for sign in "-+")
    telling = _telling(gone ^ new) or _telling(gone | new) or gone | new
    return not telling or not telling.isdisjoint(said)


def _telling(words: set[str]) -> set[str]:
    """Without words that every text has; numbers tell."""
    return {word for word in words if any(sign.isdigit() for sign in word) or words_in(word)}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _body(lines: str) -> str:
    """A unified difference without the names above it."""
    return lines.split("\n", 2)[-1]


def _changed(body: str) -> list[str]:
    return [line for line in body.split("\n") if line[:1] in ("+", "-")]


def _before_and_after(body: str) -> list[str]:
    """The changed lines, said in words that a small model does not take for anything else; empty ones tell nothing."""
    names = {"-": "before", "+": "after"}
    return [f"{names[line[0]]}: {line[1:].rstrip()}" for line in _changed(body) if line[1:].strip()]


def _parts(lines: str, size: int) -> list[str]:
    """Whole lines, up to `size` characters together; a longer line is cut in pieces that each keep its sign."""
    parts = [""]
    for line in lines.splitlines(keepends=True):
        for piece in _pieces(line, size):
            if len(parts[-1]) + len(piece) > size and parts[-1]:
                parts.append("")
            parts[-1] += piece
    return parts


def _with_changes(parts: Sequence[str]) -> list[str]:
    """Without parts in which nothing that can be told has changed."""
    return [part for part in parts if _before_and_after(part)]


def _pieces(line: str, size: int) -> list[str]:
    if len(line) <= size:
        return [line]
    sign, rest = line[:1], line[1:]
    step = size - 2
    return [f"{sign}{rest[at : at + step]}\n" for at in range(0, len(rest.rstrip("\n")), step)]


def _request(asked: str, texts: Sequence[str]) -> RunRequest:
    spans = (Span(asked, "user"), *(Span(f"{text}\n", "file") for text in texts))
    return RunRequest(
        model="",
        messages=(Message("user", spans),),
        sampling={"temperature": 0.0},
        max_tokens=LONGEST,
        client="files",
    )
