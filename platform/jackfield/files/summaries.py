"""What files say, in a few sentences: found passages or whole files, summed up by a model with its sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from jackfield.contracts.files import Point
from jackfield.contracts.runs import FileUse, RunRequest
from jackfield.errors import ContextOverflow, FileUnreadable, NotFound, Unavailable
from jackfield.events import Source
from jackfield.files.asking import ChatModel
from jackfield.files.open_collection import OpenCollection
from jackfield.files.sources import shown_name
from jackfield.messages import Message, Span

ABOUT_A_TOPIC = (
    "Sum up in a few sentences what the sources say about what is asked. Say nothing that is not in them; where they "
    "say nothing about it, say so."
)
OF_A_TEXT = (
    "Sum up the text in a few sentences, with nothing that is not in it. Behind what you take from a part, write its "
    "number, such as [1]."
)
PASSAGES = 8
LARGEST_PART = 6_000
"""Characters of a text that are summed up at a time, if the model's context holds them; else less."""
SMALLEST_PART = 500
LONGEST_SUMMARY = 400
"""Tokens."""
RUN = 6
"""So many words on end are repeated, and not said anew."""
REPEATED = 0.8
"""The share of such runs from which on an answer is what it was given."""
AT_LENGTH = 40
"""Words; a shorter answer may be a sentence that says it all."""
SHOWN = 3
WIDEST = 400
"""Passages that are shown instead, and characters of each."""
REPEATS = "The model did not sum up the passages; these are the best of them as they stand."
REPEATS_FILES = "The model did not sum up the files; this is how they begin."
MOST_NAMED = 5
"""Files that a remark names."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, and the sources that its [numbers] mean; `rounds` counts the answers that it took.

    `whole` is false where the last answer was cut at its longest.
    """

    text: str
    sources: tuple[Source, ...]
    model: str
    run_id: str
    rounds: int = 1
    whole: bool = True
    notice: str = ""
    kind: Literal["topic", "files"] = "files"


async def summary_of_topic(
    chat: ChatModel, collections: Sequence[str], topic: str, *, under: str = "", limit: int = PASSAGES
) -> Summary:
    """What files say about a topic: found first, then summed up. Raises NotFound where nothing was found."""
    request = RunRequest(
        model="",
        messages=(Message.of("system", ABOUT_A_TOPIC), Message.of("user", topic)),
        max_tokens=LONGEST_SUMMARY,
        sampling={"temperature": 0.0},
        files=FileUse(collections=tuple(collections), under=under.removesuffix("/"), limit=limit),
        client="files",
    )
    reply = await chat.reply(request)
    if not reply.sources:
        raise NotFound(f"Nothing was found about '{topic}'. {reply.notice}".strip())
    summary = Summary(
        text=reply.text,
        sources=reply.sources,
        model=reply.model,
        run_id=reply.run_id,
        whole=reply.whole,
        notice=reply.notice,
        kind="topic",
    )
    return _as_passages(summary, REPEATS) if _only_repeats(reply.text, reply.sources) else summary


def _only_repeats(text: str, sources: Sequence[Source]) -> bool:
    """Whether an answer is what it was given: the task, what sources are called, or their words at length."""
    for source in sources:
        if shown_name(source) in text or f"[{source.number}] {source.path}\n" in text:
            return True
    said = re.findall(r"\w+", text.lower())
    runs = [" ".join(said[at : at + RUN]) for at in range(len(said) - RUN + 1)]
    if not said or any(run in task for run in runs for task in (_plain(ABOUT_A_TOPIC), _plain(OF_A_TEXT))):
        return True
    given = [_plain(source.text) for source in sources]
    repeated = sum(any(run in one for one in given) for run in runs)
    return len(said) >= AT_LENGTH and repeated >= REPEATED * len(runs)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _as_passages(summary: Summary, why: str) -> Summary:
    """The first sources themselves, which nobody summed up; of each file its beginning."""
    shown = []
    first = summary.sources if summary.kind == "topic" else [one for one in summary.sources if not one.start]
    for source in first[:SHOWN]:
        text = " ".join(source.text.split())
        shown.append(f"[{source.number}] {text if len(text) <= WIDEST else f'{text[: WIDEST - 1]}…'}")
    notice = f"{summary.notice} {why}".strip()
    return msgspec.structs.replace(summary, text="\n\n".join(shown), whole=True, notice=notice)


async def summary_of_files(chat: ChatModel, opened: OpenCollection, paths: Sequence[str], topic: str = "") -> Summary:
    """What whole files say; long ones part by part, and then the parts' summaries.

    Files without a text that can be read are left out, which is said; raises FileUnreadable where there are no others.
    """
    texts, unread = await _readable(opened, paths)
    size = LARGEST_PART
    while True:
        try:
            summary = await _summed_up(chat, _numbered(texts, size), topic)
            break
        except ContextOverflow:
            if size <= SMALLEST_PART:
                raise
            size //= 2
    summary = msgspec.structs.replace(summary, notice=_left_out(unread))
    return _as_passages(summary, REPEATS_FILES) if _only_repeats(summary.text, summary.sources) else summary


async def _readable(opened: OpenCollection, paths: Sequence[str]) -> tuple[list[Source], list[str]]:
    """Files as sources, and those that nobody can read."""
    texts: list[Source] = []
    unread: list[str] = []
    for path in paths:
        try:
            texts.append(await _whole(opened, path))
        except (FileUnreadable, Unavailable):
            if len(paths) == 1:
                raise
            unread.append(path)
    if not texts:
        raise FileUnreadable(f"None of these files has a text that can be summed up: {_named(unread)}.")
    return texts, unread


def _left_out(unread: Sequence[str]) -> str:
    return f"Left out, because no text can be read in them: {_named(unread)}." if unread else ""


def _named(paths: Sequence[str]) -> str:
    """The first of them, and how many more."""
    rest = len(paths) - MOST_NAMED
    return ", ".join(f"'{path}'" for path in paths[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


async def _whole(opened: OpenCollection, path: str) -> Source:
    """A file's newest version as one source."""
    file = await opened.look(path)
    text = await opened.text(path, Point(number=file.version))
    return Source(
        number=0,
        kind="file",
        id=file.id,
        version=file.version,
        text=text,
        collection=opened.name,
        path=path,
        end=len(text.encode()),
    )


def _numbered(texts: Sequence[Source], size: int) -> list[Source]:
    """Every text in pieces of at most `size` characters, numbered through."""
    pieces = [piece for text in texts for piece in _pieces(text, size)]
    return [msgspec.structs.replace(piece, number=number) for number, piece in enumerate(pieces, 1)]


def _pieces(source: Source, size: int) -> list[Source]:
    pieces, start, text = [], 0, source.text
    while True:
        rest = text if len(text) <= size else text[: _cut(text, size)]
        end = start + len(rest.encode())
        pieces.append(msgspec.structs.replace(source, text=rest, start=start, end=end))
        text, start = text[len(rest) :], end
        if not text:
            return pieces


def _cut(text: str, size: int) -> int:
    """Where a paragraph ends within the first `size` characters, else a line, else a word."""
    for between in ("\n\n", "\n", " "):
        at = text.rfind(between, size // 2, size)
        if at > 0:
            return at + len(between)
    return size


async def _summed_up(chat: ChatModel, pieces: Sequence[Source], topic: str) -> Summary:
    """In rounds: as many pieces at a time as have room, then what came of them, until it is one."""
    said: list[tuple[int, str]] = [(piece.number, f"[{piece.number}] {piece.path}\n{piece.text}") for piece in pieces]
    rounds = 0
    while True:
        batches = _batches(said)
        replies = []
        for batch in batches:
            replies.append(await chat.reply(_request([text for _, text in batch], topic)))
            rounds += 1
        if len(replies) == 1:
            last = replies[0]
            return Summary(
                text=last.text,
                sources=tuple(pieces),
                model=last.model,
                run_id=last.run_id,
                rounds=rounds,
                whole=last.whole,
            )
        said = [(batch[0][0], reply.text) for batch, reply in zip(batches, replies, strict=True)]


def _batches(said: Sequence[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """Two or more at a time, so that each round leaves fewer; one alone only where it is the only or the last."""
    batches: list[list[tuple[int, str]]] = []
    for one in said:
        length = sum(len(text) for _, text in batches[-1]) if batches else 0
        if batches and (length + len(one[1]) <= LARGEST_PART or (len(batches[-1]) == 1 and _short(said))):
            batches[-1].append(one)
        else:
            batches.append([one])
    return batches


def _short(said: Sequence[tuple[int, str]]) -> bool:
    """Whether these are summaries already, two of which have room together."""
    return all(len(text) <= LARGEST_PART // 2 for _, text in said)


def _request(texts: Sequence[str], topic: str) -> RunRequest:
    asked = f"What do these texts say about {topic}?\n\n" if topic else "Sum this up.\n\n"
    spans = (Span(asked, "user"), *(Span(f"{text}\n\n", "file") for text in texts))
    return RunRequest(
        model="",
        messages=(Message.of("system", OF_A_TEXT), Message("user", spans)),
        max_tokens=LONGEST_SUMMARY,
        sampling={"temperature": 0.0},
        client="files",
    )
