"""Plans carried out, step by step, as one change that can be undone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from jackfield.contracts.files import Link as ShareLink
from jackfield.contracts.files import Point, StoredFile, Written
from jackfield.errors import FileNotThere, InvalidRequest, JackfieldError
from jackfield.files.asking import ChatModel
from jackfield.files.comparing import Comparison, compared_files, compared_versions
from jackfield.files.grouping import Grouping, grouped_by_meaning, grouped_by_words
from jackfield.files.joining import Joined, joined_files, joined_sections
from jackfield.files.library import Library
from jackfield.files.new_text import text_bytes
from jackfield.files.open_collection import OpenCollection
from jackfield.files.summaries import summary_of_files, summary_of_topic
from jackfield.files.words.planning import Plan, Settled
from jackfield.files.words.resolving import Target
from jackfield.files.words.steps import (
    Append,
    Changes,
    Compare,
    Copy,
    Create,
    Delete,
    Find,
    Group,
    History,
    Index,
    Join,
    Link,
    Links,
    List,
    Lock,
    Overwrite,
    Read,
    Rename,
    Rollback,
    Step,
    Summarise,
    Undelete,
    Undo,
    Unlink,
    Unlock,
    Version,
    call_of,
)
from jackfield.files.words.version_numbers import version_number

USUAL_LOCK = timedelta(hours=1)
"""As long as `jackfield files lock` holds a file."""
CHANGES_TOLD = 100


class Shown(msgspec.Struct, frozen=True):
    """A file's version as text."""

    path: str
    version: int
    text: str


class MadeLink(msgspec.Struct, frozen=True):
    """A share link's path, its token, which is told this once, and when it expires."""

    path: str
    token: str
    expires_at: datetime | None


class Outcome(msgspec.Struct, frozen=True):
    """What came of a step: `result` is what the call gives; `error` is why the plan ended here."""

    call: str
    result: Any = None
    error: str = ""
    code: str = ""


class Carrier:
    """Carries plans out in a collection that is opened for them."""

    def __init__(self, library: Library, opened: OpenCollection, *, chat: ChatModel | None = None) -> None:
        self._library = library
        self._opened = opened
        self._chat = chat
        self._left: dict[str, int] = {}
        """Versions of the files that were changed so far."""
        self._doing: dict[type[Step], Callable[[Any, Settled, str], Any]] = {
            Create: self._create,
            Append: self._append,
            Overwrite: self._overwrite,
            Delete: self._delete,
            Undelete: self._undelete,
            Rename: self._rename,
            Copy: self._copy,
            Rollback: self._rollback,
            Read: self._read,
            List: self._list,
            History: self._history,
            Compare: self._compare,
            Find: self._find,
            Group: self._group,
            Join: self._join,
            Summarise: self._summarise,
            Lock: self._lock,
            Unlock: self._unlock,
            Link: self._link,
            Unlink: self._unlink,
            Links: self._links,
            Index: self._index,
            Changes: self._changes,
            Undo: self._undo,
        }

    async def outcomes(self, plan: Plan, change: str) -> AsyncGenerator[Outcome]:
        """Each step's, as it ends; a step that fails is the last. What is written has `change` in common."""
        for settled in plan.steps:
            call = call_of(settled.step)
            try:
                result = await self._doing[type(settled.step)](settled.step, settled, change)
            except JackfieldError as error:
                yield Outcome(call, error=error.message, code=error.code)
                return
            self._note(result)
            yield Outcome(call, result)

    def _note(self, result: Any) -> None:
        """What a step left, for those after it."""
        for one in result if isinstance(result, list) else [result]:
            written = one.written if isinstance(one, Joined) else one
            if not isinstance(written, Written):
                continue
            if written.file.deleted_at is None:
                self._left[written.file.path] = written.file.version
            else:
                self._left.pop(written.file.path, None)

    def _expected(self, file: Target) -> int | None:
        """The version that a file has if nobody else changed it since the plan was shown; None where it had none."""
        return self._left.get(file.path, file.version) or None

    async def _number(self, file: Target, settled: int, version: Version, *, compared: bool = False) -> int:
        return settled or await version_number(self._opened, file.path, version, compared=compared)

    async def _create(self, step: Create, settled: Settled, change: str) -> Written | StoredFile:
        path = settled.files[0].path
        if step.keep:
            try:
                return await self._opened.look(path)
            except FileNotThere:
                pass
        return await self._opened.write(path, text_bytes(step.text), expected=0, change=change)

    async def _append(self, step: Append, settled: Settled, change: str) -> Written:
        path = settled.files[0].path
        text = step.text + "\n"
        try:
            last = (await self._opened.text(path))[-1:]
        except JackfieldError:  # no text can be read out of it, or it is not there: nothing is known of its end
            last = "\n"
        return await self._opened.append(path, text_bytes(text if last in ("", "\n") else "\n" + text), change=change)

    async def _overwrite(self, step: Overwrite, settled: Settled, change: str) -> Written:
        file = settled.files[0]
        text = text_bytes(step.text + "\n" if step.text else "")
        return await self._opened.write(file.path, text, change=change, expected=self._expected(file))

    async def _delete(self, step: Delete, settled: Settled, change: str) -> list[Written]:
        return [
            await self._opened.delete(file.path, change=change, expected=self._expected(file)) for file in settled.files
        ]

    async def _undelete(self, step: Undelete, settled: Settled, change: str) -> list[Written]:
        pairs = zip(settled.files, settled.new, strict=True)
        return [
            await self._opened.undelete(file.path, as_path=new if new != file.path else None, change=change)
            for file, new in pairs
        ]

    async def _rename(self, step: Rename, settled: Settled, change: str) -> list[Written]:
        renamed = []
        for file, new in zip(settled.files, settled.new, strict=True):
            if file.path != new:
                renamed.append(await self._opened.rename(file.path, new, change=change))
                self._left.pop(file.path, None)
        return renamed

    async def _copy(self, step: Copy, settled: Settled, change: str) -> list[Written]:
        """Bytes as they are; what stands at the new path by then was shown in the plan, or is not written over."""
        made = []
        for file, new, known in zip(settled.files, settled.new, settled.now, strict=True):
            source = await self._opened.read(file.path, Point(number=self._expected(file)))
            async with aclosing(source.pieces) as pieces:
                expected = self._left.get(new, None if known < 0 else known)
                made.append(await self._opened.write(new, pieces, expected=expected, change=change))
        return made

    async def _rollback(self, step: Rollback, settled: Settled, change: str) -> list[Written]:
        written = []
        for file, settled_number in zip(settled.files, settled.old, strict=True):
            number = await self._number(file, settled_number, step.to)
            written.append(
                await self._opened.rollback(
                    file.path, Point(number=number), change=change, expected=self._expected(file)
                )
            )
        return written

    async def _read(self, step: Read, settled: Settled, change: str) -> list[Shown]:
        shown = []
        for index, file in enumerate(settled.files):
            number = await self._number(file, settled.now[index] if settled.now else file.version, step.at)
            shown.append(Shown(file.path, number, await self._opened.text(file.path, Point(number=number))))
        return shown

    async def _list(self, step: List, settled: Settled, change: str) -> tuple[StoredFile, ...]:
        files = await self._opened.every(under=settled.under or "", deleted=step.deleted)
        if not step.file.names or settled.under:
            return files
        meant = frozenset(file.path for file in settled.files)
        return tuple(file for file in files if file.path in meant)

    async def _history(self, step: History, settled: Settled, change: str) -> dict[str, Any]:
        return {file.path: await self._opened.history(file.path) for file in settled.files}

    async def _compare(self, step: Compare, settled: Settled, change: str) -> list[Comparison]:
        chat = None if step.lines else self._chat
        if not settled.old:
            one, other = settled.files
            return [await compared_files(self._opened, one.path, other.path, chat=chat)]
        found = []
        for file, old, now in zip(settled.files, settled.old, settled.now, strict=True):
            older = Point(number=await self._number(file, old, step.old, compared=True))
            newer = Point(number=await self._number(file, now, step.new))
            found.append(await compared_versions(self._opened, file.path, older, newer, chat=chat))
        return found

    async def _find(self, step: Find, settled: Settled, change: str) -> Any:
        result = await self._library.search(
            step.text, collections=(self._opened.name,), under=settled.under or "", mode=step.mode, limit=step.limit
        )
        if not settled.files or settled.under is not None:
            return result
        meant = frozenset(file.path for file in settled.files)
        return msgspec.structs.replace(result, found=tuple(one for one in result.found if one.path in meant))

    async def _group(self, step: Group, settled: Settled, change: str) -> Any:
        if step.words:
            return await self._grouped_by_words(step, settled)
        only = [file.path for file in settled.files] or None
        return await grouped_by_meaning(self._opened, under=settled.under or "", count=step.count, only=only)

    async def _grouped_by_words(self, step: Group, settled: Settled) -> Grouping:
        grouping = await grouped_by_words(self._library, self._opened.name, step.words, under=settled.under or "")
        if not settled.files or settled.under is not None:
            return grouping
        meant = frozenset(file.path for file in settled.files)
        groups = tuple(
            msgspec.structs.replace(group, paths=tuple(path for path in group.paths if path in meant))
            for group in grouping.groups
        )
        others = tuple(path for path in grouping.others if path in meant)
        return msgspec.structs.replace(grouping, groups=groups, others=others)

    async def _join(self, step: Join, settled: Settled, change: str) -> Any:
        into = settled.new[0]
        paths = [file.path for file in settled.files]
        if not step.topic:
            return await joined_files(self._opened, paths, into, change=change)
        only = paths if step.file.names else None
        return await joined_sections(self._library, self._opened, step.topic, into, only=only, change=change)

    async def _summarise(self, step: Summarise, settled: Settled, change: str) -> Any:
        if self._chat is None:
            raise InvalidRequest("It takes a chat model to sum files up; `jackfield models pull starter` brings one.")
        if step.topic and settled.files and settled.under is None:
            paths = [file.path for file in settled.files]
            return await summary_of_files(self._chat, self._opened, paths, step.topic)
        if step.topic:
            return await summary_of_topic(self._chat, (self._opened.name,), step.topic, under=settled.under or "")
        paths = [file.path for file in settled.files] or [file.path for file in await self._opened.every()]
        return await summary_of_files(self._chat, self._opened, paths)

    async def _lock(self, step: Lock, settled: Settled, change: str) -> list[StoredFile]:
        until = step.until or datetime.now(UTC) + USUAL_LOCK
        return [await self._opened.lock(file.path, until) for file in settled.files]

    async def _unlock(self, step: Unlock, settled: Settled, change: str) -> list[StoredFile]:
        return [await self._opened.unlock(file.path) for file in settled.files]

    async def _link(self, step: Link, settled: Settled, change: str) -> list[MadeLink]:
        if settled.under is not None:
            link, token = await self._opened.link(settled.under, folder=True, expires_at=step.until)
            return [MadeLink(link.path, token, link.expires_at)]
        made = []
        for index, file in enumerate(settled.files):
            number = await self._number(file, settled.now[index], step.at) if settled.now else None
            link, token = await self._opened.link(file.path, version=number, expires_at=step.until)
            made.append(MadeLink(link.path, token, link.expires_at))
        return made

    async def _unlink(self, step: Unlink, settled: Settled, change: str) -> list[Any]:
        paths = _linked(settled)
        return [await self._opened.revoke(link.id) for link in await self._holding() if link.path in paths]

    async def _links(self, step: Links, settled: Settled, change: str) -> list[ShareLink]:
        holding = await self._holding()
        return holding if not step.file.names else [link for link in holding if link.path in _linked(settled)]

    async def _holding(self) -> list[ShareLink]:
        """Links that are neither revoked nor over."""
        now = datetime.now(UTC)
        return [
            link
            for link in await self._opened.links()
            if link.revoked_at is None and (link.expires_at is None or link.expires_at > now)
        ]

    async def _index(self, step: Index, settled: Settled, change: str) -> Any:
        if step.ask:
            return await self._library.indexing(self._opened.name)
        if step.retry:
            await self._opened.retry_index()
        return await self._library.run_index()

    async def _changes(self, step: Changes, settled: Settled, change: str) -> Any:
        return await self._opened.changes(since=step.since, limit=CHANGES_TOLD)

    async def _undo(self, step: Undo, settled: Settled, change: str) -> tuple[Written, ...]:
        return await self._opened.undo(settled.change)


def _linked(settled: Settled) -> set[str]:
    return {file.path for file in settled.files} | ({settled.under} if settled.under is not None else set())
