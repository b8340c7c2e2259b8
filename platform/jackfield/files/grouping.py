"""Files in groups: by the words they hold, or by what they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from jackfield.contracts.files import PassageVectors, StoredFile
from jackfield.contracts.runs import RunRequest
from jackfield.errors import InvalidRequest, Unavailable
from jackfield.files.asking import ChatModel
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.files.telling_words import telling_words
from jackfield.messages import Message, Span

MOST_FILES = 200
"""That one keyword is looked for in."""
PASSAGES_SHOWN = 3
"""Of each group, to a model that is to name it."""


class FileGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Files that belong together, and what by: its `words` tell it from the other groups."""

    name: str
    paths: tuple[str, ...]
    words: tuple[str, ...] = ()


class Grouping(msgspec.Struct, frozen=True, kw_only=True):
    """Groups, the largest first, and files that are in none.

    `parted` is how well groups by meaning part, -1 to 1; `notice` says what could not be done.
    """

    groups: tuple[FileGroup, ...]
    others: tuple[str, ...] = ()
    parted: float | None = None
    notice: str = ""


async def grouped_by_words(
    library: Library, collection: str | None, words: Sequence[str], *, under: str = ""
) -> Grouping:
    """Which files hold which of some words; one that holds several is in several groups. Raises InvalidRequest."""
    asked = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not asked:
        raise InvalidRequest("Say which words to group files by, such as 'budget'.", parameter="words")
    opened = await library.opened(collection)
    groups, notices = [], []
    for word in asked:
        result = await library.search(
            word, collections=(opened.name,), under=under, mode="keyword", limit=MOST_FILES, whole_files=True
        )
        paths = tuple(sorted({found.path for found in result.found}))
        groups.append(FileGroup(name=word, paths=paths, words=(word,)))
        if len(paths) >= MOST_FILES:
            notices.append(f"'{word}' is in {MOST_FILES} files or more; only the best {MOST_FILES} are listed.")
        if result.notice and result.notice not in notices:
            notices.append(result.notice)
    held = {path for group in groups for path in group.paths}
    others = tuple(file.path for file in await opened.every(under=under) if file.path not in held)
    return Grouping(groups=tuple(groups), others=others, notice=" ".join(notices))


async def grouped_by_meaning(
    opened: OpenCollection,
    *,
    under: str = "",
    count: int | None = None,
    namer: ChatModel | None = None,
    only: Sequence[str] | None = None,
) -> Grouping:
    """Files by what they are about, in `count` groups or as many as part them best; the `namer` may name them.

    `only` are the paths to group. Raises ModelNotFound without an embedding model, Unavailable where nothing has its
    vectors yet, InvalidRequest for a bad count.
    """
    if count is not None and count < 2:
        raise InvalidRequest("Files are put in two groups or more.", parameter="count")
    passages = await opened.vectors(under=under)
    every = await opened.every(under=under)
    if only is not None:
        chosen = frozenset(only)
        every = tuple(file for file in every if file.path in chosen)
    if every and not len(passages.paths):
        raise Unavailable(
            "There are no vectors to group files by meaning yet: `jackfield files index` makes them; or group by words."
        )
    grouping = await asyncio.to_thread(_grouped, passages, every, count)
    return await _named(grouping, passages, namer) if namer else grouping


def _grouped(passages: PassageVectors, every: Sequence[StoredFile], count: int | None) -> Grouping:
    import numpy as np

    from jackfield.files.clusters import clustered

    rows: dict[str, list[int]] = {}
    wanted = frozenset(file.path for file in every)
    for row, path in enumerate(passages.paths):
        if path in wanted:
            rows.setdefault(path, []).append(row)
    paths = sorted(rows)
    others = tuple(file for file in every if file.path not in rows)
    notice = _why_in_none(others)
    if not paths:
        return Grouping(groups=(), others=tuple(file.path for file in others), notice=notice)
    means = np.stack([passages.vectors[rows[path]].mean(axis=0) for path in paths])
    labels, parted = clustered(means, count)
    members = [[path for path, label in zip(paths, labels, strict=True) if label == one] for one in np.unique(labels)]
    members.sort(key=lambda some: (-len(some), some[0]))
    texts = [[" ".join(passages.texts[row] for row in rows[path]) for path in some] for some in members]
    groups = tuple(
        FileGroup(name=", ".join(words) or some[0], paths=tuple(some), words=words)
        for some, words in zip(members, telling_words(texts), strict=True)
    )
    return Grouping(groups=groups, others=tuple(file.path for file in others), parted=parted, notice=notice)


def _why_in_none(files: Sequence[StoredFile]) -> str:
    """What keeps files out of every group: that they wait for their vectors, or that no text is found in them."""
    waiting = sum(file.index in ("pending", "indexed") for file in files)
    said = [f"{waiting} without vectors yet: `jackfield files index` makes them."] if waiting else []
    if without := len(files) - waiting:
        said.append(f"{without} without text that can be read, and so in no group by meaning.")
    return " ".join(said)


async def _named(grouping: Grouping, passages: PassageVectors, namer: ChatModel) -> Grouping:
    groups = [await _with_name(group, passages, namer) for group in grouping.groups]
    return msgspec.structs.replace(grouping, groups=tuple(groups))


async def _with_name(group: FileGroup, passages: PassageVectors, namer: ChatModel) -> FileGroup:
    """A name of a few words that a model gives; the telling words where it says nothing."""
    mine = frozenset(group.paths)
    shown = [text for path, text in zip(passages.paths, passages.texts, strict=True) if path in mine][:PASSAGES_SHOWN]
    asked = Span(
        f"Name the topic of these files in two to four words, and say nothing else. Their words: {group.name}.\n\n",
        "user",
    )
    request = RunRequest(
        model="",
        messages=(Message("user", (asked, *(Span(text[:600] + "\n\n", "file") for text in shown))),),
        sampling={"temperature": 0.0},
        max_tokens=16,
        client="files",
    )
    name = " ".join((await namer.reply(request)).text.split()).strip(" .\"'")
    return msgspec.structs.replace(group, name=name[:60]) if name else group
