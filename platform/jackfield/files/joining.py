"""Many files as one: whole ones in order, or what they say about a topic, each part with where it came from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.contracts.files import Found, Point, Written
from jackfield.errors import InvalidRequest, NotFound
from jackfield.files.library import Library
from jackfield.files.new_text import text_bytes
from jackfield.files.open_collection import OpenCollection
from jackfield.files.telling_words import words_in

MOST_PASSAGES = 200
"""About one topic, over all files."""
GAP = 200
"""Bytes between two passages of a file up to which they are one part, with what is between them."""
NEAR = 0.9
"""The share of words in common from which on two parts say the same."""
LEAST_SIMILAR = 0.3
SHARE_OF_BEST = 0.6
"""What is only found by meaning must be this near, absolutely and beside the nearest passage."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a file's version, in bytes of its text, that went into a joined file."""

    path: str
    version: int
    start: int
    end: int
    heading: str = ""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The new file, its parts in order, and how many passages were left out since another part says the same."""

    written: Written
    parts: tuple[Part, ...]
    repeated: int = 0
    notice: str = ""


async def joined_files(
    opened: OpenCollection, paths: Sequence[str], into: str, *, change: str = "", reason: str = ""
) -> Joined:
    """Files one behind the other, each under a heading with where it came from, as a new file.

    Raises InvalidRequest for fewer than two, FileUnreadable for one without text, FileChanged where `into` is there.
    """
    if len(paths) < 2:
        raise InvalidRequest("Name two files or more to join.", parameter="paths")
    if into in paths:
        raise InvalidRequest(f"'{into}' cannot be joined into itself; name a new file.", parameter="into")
    parts, texts = [], []
    for path in paths:
        version = (await opened.look(path)).version
        text = await opened.text(path, Point(number=version))
        parts.append(Part(path=path, version=version, start=0, end=len(text.encode())))
        texts.append(f"## {path}\n\n{text.strip()}\n\n{_citation(parts[-1])}\n")
    why = reason or f"joined from {len(paths)} files"
    written = await _written(opened, into, "\n".join(texts), reason=why, change=change)
    return Joined(written=written, parts=tuple(parts))


async def joined_sections(
    library: Library,
    opened: OpenCollection,
    topic: str,
    into: str,
    *,
    under: str = "",
    only: Sequence[str] | None = None,
    change: str = "",
) -> Joined:
    """What files say about a topic, as a new file: neighbouring passages in one, the same said twice once.

    `only` are the paths to look in. Raises NotFound where nothing is about it.
    """
    result = await library.search(topic, collections=(opened.name,), under=under, limit=MOST_PASSAGES)
    found = [one for one in _relevant(result.found) if one.path != into and (only is None or one.path in only)]
    if not found:
        raise NotFound(f"Nothing in these files is about '{topic}'. {result.notice}".strip())
    sections, repeated = [f"# {topic}\n"], 0
    seen: list[frozenset[str]] = []
    parts: list[Part] = []
    for path in dict.fromkeys(one.path for one in found):
        texts = []
        for part in _parts([one for one in found if one.path == path]):
            text = await _text_of(opened, part)
            if _is_repeated(text, seen):
                repeated += 1
                continue
            seen.append(frozenset(words_in(text)))
            parts.append(part)
            texts.append(f"{text}\n\n{_citation(part)}\n")
        if texts:
            sections.append("\n".join([f"## {path}\n", *texts]))
    reason = f"what {len({part.path for part in parts})} files say about {topic}"
    written = await _written(opened, into, "\n".join(sections), reason=reason, change=change)
    full = len(result.found) >= MOST_PASSAGES
    notice = f"{result.notice} Only the best {MOST_PASSAGES} passages were looked at." if full else result.notice
    return Joined(written=written, parts=tuple(parts), repeated=repeated, notice=notice.strip())


async def _written(opened: OpenCollection, into: str, text: str, *, reason: str, change: str) -> Written:
    """Raises FileChanged where there is such a file already."""
    return await opened.write(into, text_bytes(text), reason=reason, expected=0, change=change)


def _relevant(found: Sequence[Found]) -> list[Found]:
    """Those with the words, and those near enough in meaning."""
    best = max((one.similarity or 0.0 for one in found), default=0.0)
    enough = max(LEAST_SIMILAR, SHARE_OF_BEST * best)
    return [one for one in found if one.keyword_rank is not None or (one.similarity or 0.0) >= enough]


def _parts(found: Sequence[Found]) -> list[Part]:
    """A file's passages in the order of its text, neighbours as one."""
    parts: list[Part] = []
    for one in sorted(found, key=lambda passage: (passage.version, passage.start)):
        last = parts[-1] if parts else None
        if last and last.version == one.version and one.start <= last.end + GAP:
            parts[-1] = msgspec.structs.replace(last, end=max(last.end, one.end))
        else:
            parts.append(Part(path=one.path, version=one.version, start=one.start, end=one.end, heading=one.heading))
    return parts


async def _text_of(opened: OpenCollection, part: Part) -> str:
    text = await opened.text(part.path, Point(number=part.version))
    return text.encode()[part.start : part.end].decode(errors="replace").strip()


def _is_repeated(text: str, seen: Sequence[frozenset[str]]) -> bool:
    words = frozenset(words_in(text))
    return any(words == other or len(words & other) / max(1, len(words | other)) >= NEAR for other in seen)


def _citation(part: Part) -> str:
    span = "" if part.start == 0 and not part.heading else f", bytes {part.start}-{part.end}"
    return f"*From {part.path}, version {part.version}{span}.*"
