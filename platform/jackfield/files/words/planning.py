"""Words made into a plan: steps whose files and versions are settled, to be shown before anything is done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from posixpath import splitext

import msgspec

from jackfield.contracts.files import FileVersion, Level, StoredFile
from jackfield.errors import FileNotThere, InvalidRequest, ModelNotFound, VersionNotFound
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.files.words.destinations import check_apart, destination, free_path, slug
from jackfield.files.words.marking import Marking
from jackfield.files.words.model_reading import ModelReader
from jackfield.files.words.reading import Clause, clauses
from jackfield.files.words.resolving import Shelf, Target
from jackfield.files.words.sentence_files import sentence_parts
from jackfield.files.words.steps import (
    FOR_WRITERS,
    Append,
    Changes,
    Compare,
    Copy,
    Create,
    Delete,
    Find,
    Group,
    Index,
    Join,
    Link,
    Links,
    List,
    Overwrite,
    Read,
    Reader,
    Rename,
    Rollback,
    Step,
    Summarise,
    Undelete,
    Undo,
    Version,
    writes,
)
from jackfield.files.words.times import Clock
from jackfield.files.words.version_numbers import version_number

LONGEST = 4_000
MOST_WORDS = 150
"""Characters of a command."""
CHANGES_LOOKED_AT = 50
CHANGES_SHOWN = 8
DONE = {
    "written": "written",
    "appended": "appended to",
    "restored": "rolled back",
    "renamed": "renamed",
    "deleted": "deleted",
    "undeleted": "brought back",
}
"""What a version's action did to its file."""
SCOPED = (List, Links, Find, Group, Join, Summarise)
"""Calls that all files are meant by, where none is named."""


class Settled(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step and the files it is about; `new` is where each goes, `old` and `now` are versions by file.

    A version is 0 where it depends on what an earlier step leaves. `under` is the folder that is meant as a whole.
    `guessed` are names that no file has, so that files were taken that are about them.
    """

    step: Step
    files: tuple[Target, ...] = ()
    new: tuple[str, ...] = ()
    old: tuple[int, ...] = ()
    now: tuple[int, ...] = ()
    under: str | None = None
    change: str = ""
    reader: Reader = "rules"
    notice: str = ""
    guessed: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What somebody's words come to in a collection, step by step."""

    words: str
    collection: str
    steps: tuple[Settled, ...]

    @property
    def writes(self) -> bool:
        """Whether anything would be changed."""
        return any(writes(settled.step) for settled in self.steps)

    @property
    def guessed(self) -> bool:
        """Whether it would change what only a model, or what is in files, says is meant: somebody has to look at it."""
        return any(writes(one.step) and (one.reader == "model" or one.guessed) for one in self.steps)

    @property
    def level(self) -> Level:
        """What one must be allowed to do in the collection."""
        return "write" if any(isinstance(settled.step, FOR_WRITERS) for settled in self.steps) else "read"


class Planner:
    """Makes plans for a collection. Changes nothing."""

    def __init__(
        self,
        library: Library,
        opened: OpenCollection,
        clock: Clock,
        *,
        reader: ModelReader | None = None,
        choices: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._library = library
        self._opened = opened
        self._clock = clock
        self._reader = reader
        self._choices = choices

    async def plan(self, words: str) -> Plan:
        """Raises InvalidRequest for words that mean nothing here, Ambiguous, FileNotThere or VersionNotFound."""
        if not words.strip():
            raise InvalidRequest('Say what is to be done, such as "put last week\'s version of the budget back".')
        if len(words) > LONGEST:
            raise InvalidRequest(f"That is {len(words):,} characters long; {LONGEST:,} are allowed.", parameter="words")
        if len(Marking(self._clock).protected(words).split()) > MOST_WORDS:
            raise InvalidRequest(
                f"That is more than {MOST_WORDS} words; say it in several commands, and put what is to be written in "
                "quotes.",
                parameter="words",
            )
        steps = await steps_of(words, self._clock, self._reader)
        _check_undo_alone([step for step, _ in steps])
        there = await self._opened.every()
        shelf = Shelf(self._library, self._opened.name, there, await self._deleted([step for step, _ in steps]))
        settled: list[Settled] = []
        for step, reader in steps:
            last = settled[-1] if settled else None
            shelf.guessed.clear()
            one = await self._settled(step, shelf, last)
            settled.append(msgspec.structs.replace(one, reader=reader, guessed=tuple(shelf.guessed)))
        return Plan(words, self._opened.name, tuple(settled))

    async def _deleted(self, steps: Sequence[Step]) -> tuple[StoredFile, ...]:
        """Files that may come back, if any are to."""
        back = [step for step in steps if isinstance(step, Undelete)]
        if not back:
            return ()
        deleted = await self._opened.every(deleted=True)
        return tuple(file for file in deleted if any(_is_within(file.deleted_at, step) for step in back))

    async def _settled(self, step: Step, shelf: Shelf, last: Settled | None) -> Settled:
        before = _left_by(last) if last else ()
        match step:
            case Create():
                path = step.file.names[0]
                known = shelf.there.get(path, 0)
                if not (known and step.keep):
                    shelf.write(path)
                return Settled(step, (Target(path, known),))
            case Index() | Changes():
                return Settled(step)
            case Undo():
                change, did = await self._last_change()
                return Settled(step, change=change, notice=did)
            case Undelete():
                return await self._undelete(step, shelf, before)
            case _ if isinstance(step, SCOPED) and not step.file.names and not step.file.but:
                return self._of_all(step, shelf)
            case Append() | Overwrite() if _is_new(step, shelf):
                shelf.write(step.file.names[0])
                return Settled(step, (Target(step.file.names[0]),), notice="There is no such file yet; it is made.")
        originals = last.files if last else ()
        named = isinstance(step, Overwrite)
        files = await shelf.meant(step.file, before=before, originals=originals, named=named, choices=self._choices)
        if not files:
            raise FileNotThere("There are no files here.", parameter="words")
        return await self._of_files(step, files, shelf)

    async def _of_files(self, step: Step, files: tuple[Target, ...], shelf: Shelf) -> Settled:
        match step:
            case Rename():
                return self._rename(step, files, shelf)
            case Copy():
                return self._copy(step, files, shelf)
            case Rollback(to=version):
                return await self._rollback(step, files, version, shelf)
            case Read(at=version) | Link(at=version):
                numbers = [await self._number(one, version) for one in files] if version != Version() else []
                return Settled(step, files, now=tuple(numbers), under=_folder(step))
            case Compare():
                return await self._compare(step, files)
            case Delete():
                for file in files:
                    shelf.delete(file.path)
            case Join():
                return self._join(step, files, shelf)
            case Append() | Overwrite():
                return self._one_written(step, files, shelf)
        return Settled(step, files, under=_folder(step))

    def _one_written(self, step: Append | Overwrite, files: tuple[Target, ...], shelf: Shelf) -> Settled:
        if len(files) > 1:
            raise InvalidRequest(
                f"{len(files)} files fit '{step.file.names[0]}', and one is written at a time; say which.",
                parameter="words",
            )
        shelf.write(files[0].path)
        return Settled(step, files)

    def _of_all(self, step: List | Links | Find | Group | Join | Summarise, shelf: Shelf) -> Settled:
        if isinstance(step, Join):
            files = tuple(Target(path, version) for path, version in sorted(shelf.there.items()))
            return self._join(step, files, shelf)
        return Settled(step, under="")

    def _join(self, step: Join, files: tuple[Target, ...], shelf: Shelf) -> Settled:
        into = step.into or free_path(f"{slug(step.topic)}.md" if step.topic else "joined.md", shelf)
        if not splitext(into)[1]:
            into += ".md"
        files = tuple(file for file in files if file.path != into)
        if not step.topic and len(files) < 2:
            raise InvalidRequest("It takes two files or more to join.", parameter="words")
        shelf.write(into)
        return Settled(step, files, (into,), under=_folder(step))

    def _rename(self, step: Rename, files: tuple[Target, ...], shelf: Shelf) -> Settled:
        if len(files) > 1 and not step.new.endswith("/"):
            raise InvalidRequest(
                f"{len(files)} files cannot all be called '{step.new}'; name one of them, or a folder such as "
                f"'{step.new}/'.",
                parameter="words",
            )
        new = tuple(destination(file.path, step.new, shelf, out_of=_folder(step) or "") for file in files)
        check_apart(files, new)
        for file, path in zip(files, new, strict=True):
            shelf.rename(file.path, path)
        return Settled(step, files, new)

    def _copy(self, step: Copy, files: tuple[Target, ...], shelf: Shelf) -> Settled:
        """`now` are the versions that the copies' paths have: 0 for none, -1 where an earlier step makes them."""
        if step.new and len(files) > 1 and not step.new.endswith("/"):
            raise InvalidRequest(
                f"{len(files)} files cannot all be copied to '{step.new}'; name one of them, or a folder such as "
                f"'{step.new}/'.",
                parameter="words",
            )
        new = tuple(
            destination(file.path, step.new, shelf, out_of=_folder(step) or "")
            if step.new
            else free_path(file.path, shelf)
            for file in files
        )
        if same := [file.path for file, path in zip(files, new, strict=True) if file.path == path]:
            raise InvalidRequest(f"'{same[0]}' would be copied to itself; name another path.", parameter="words")
        check_apart(files, new)
        over = [path for path in new if path in shelf.there]
        known = tuple((shelf.there[path] or -1) if path in over else 0 for path in new)
        for path in new:
            shelf.write(path)
        notice = f"There already, and written over: {', '.join(over)}." if over else ""
        return Settled(step, files, new, now=known, notice=notice)

    async def _undelete(self, step: Undelete, shelf: Shelf, before: tuple[Target, ...]) -> Settled:
        files = await shelf.meant(step.file, before=before, deleted=True, choices=self._choices)
        if not files:
            raise FileNotThere(f"No file was deleted here{' then' if step.since else ''}.", parameter="words")
        new = tuple(step.new or file.path for file in files)
        if step.new and len(files) > 1:
            raise InvalidRequest(f"{len(files)} files cannot all come back as '{step.new}'.", parameter="words")
        for file, path in zip(files, new, strict=True):
            shelf.undelete(file.path, path)
        return Settled(step, files, new)

    async def _rollback(self, step: Rollback, files: tuple[Target, ...], version: Version, shelf: Shelf) -> Settled:
        kept, numbers, missing = [], [], []
        for file in files:
            try:
                numbers.append(await self._number(file, version))
                kept.append(file)
            except VersionNotFound:
                if len(files) == 1:
                    raise
                missing.append(file.path)
        if not kept:
            raise VersionNotFound(f"None of {len(files)} files has such a version.", parameter="words")
        for file in kept:
            shelf.write(file.path)
        notice = f"Without {', '.join(missing)}: no such version." if missing else ""
        return Settled(step, tuple(kept), old=tuple(numbers), notice=notice)

    async def _compare(self, step: Compare, files: tuple[Target, ...]) -> Settled:
        if step.old == step.new == Version():
            if len(files) != 2:
                raise InvalidRequest("Two files are compared at a time; name two.", parameter="words")
            return Settled(step, files)
        old = [await self._number(file, step.old, compared=True) for file in files]
        new = [await self._number(file, step.new) for file in files]
        return Settled(step, files, old=tuple(old), now=tuple(new))

    async def _number(self, file: Target, version: Version, *, compared: bool = False) -> int:
        """Which version is meant of a file; 0 where that is only known when it comes to it. Raises VersionNotFound."""
        if not file.version:
            return version.number or 0
        return await version_number(self._opened, file.path, version, compared=compared)

    async def _last_change(self) -> tuple[str, str]:
        """The newest change of whoever asks, and what it did; raises InvalidRequest where none can be taken back."""
        newest = await self._opened.changes(limit=CHANGES_LOOKED_AT)
        mine: list[FileVersion] = [one for one in newest if one.author.id == self._opened.actor.id]
        if not mine or not mine[0].change:
            raise InvalidRequest(
                "There is no change of yours here that can be taken back as one; `jackfield files log` lists changes.",
                parameter="words",
            )
        did = [f"'{one.path}' was {DONE[one.action]}" for one in mine if one.change == mine[0].change]
        more = f" and {len(did) - CHANGES_SHOWN} more" if len(did) > CHANGES_SHOWN else ""
        return mine[0].change, f"In it {', '.join(did[CHANGES_SHOWN - 1 :: -1])}{more}."


async def steps_of(words: str, clock: Clock, reader: ModelReader | None) -> list[tuple[Step, Reader]]:
    """What words mean, by rules, and by a model where those are not sure; raises InvalidRequest."""
    found = await asyncio.to_thread(clauses, words, clock)
    if negated := next((clause for clause in found if clause.negated), None):
        raise InvalidRequest(
            f"'{negated.said}' says what is not to be done, so nothing was done. Say only what is to be done, and name "
            "the files that it is to be done to.",
            parameter="words",
        )
    return [await _read(clause, clock, reader) for clause in found]


async def _read(clause: Clause, clock: Clock, reader: ModelReader | None) -> tuple[Step, Reader]:
    if clause.step is not None and clause.sure:
        return clause.step, "rules"
    if clause.why:
        raise InvalidRequest(_why_not(clause), parameter="words")
    hint = "With a model (--model) more wordings are understood."
    if reader is not None:
        try:
            step = await reader.step(clause, clock)
        except ModelNotFound as error:
            hint = f"A model might read it: {error.message}"
        else:
            if step is not None:
                return step, "model"
            raise InvalidRequest(_not_understood(clause, ""), parameter="words")
    if clause.step is not None and not writes(clause.step):
        return clause.step, "rules"
    raise InvalidRequest(_not_understood(clause, hint), parameter="words")


def _why_not(clause: Clause) -> str:
    return f"'{clause.said}' is nothing that is done by words. {sentence_parts('why_not')[clause.why]}"


def _not_understood(clause: Clause, hint: str) -> str:
    return (
        f"'{clause.said}' is not understood as anything to do with files. One can create, append, overwrite, copy, "
        "rename, delete, bring back, roll back, read, list, compare, find, group, join, sum up, lock and share files, "
        f'such as: restore "budget.xlsx" to version 3. {hint}'.strip()
    )


def _is_within(at: datetime | None, step: Undelete) -> bool:
    return at is not None and (step.since is None or at >= step.since) and (step.until is None or at <= step.until)


def _check_undo_alone(steps: Sequence[Step]) -> None:
    """Raises InvalidRequest where something is taken back and more is changed: that would be two changes."""
    if any(isinstance(step, Undo) for step in steps) and sum(map(writes, steps)) > 1:
        raise InvalidRequest(
            "Taking the last change back is a change by itself; say it in a command of its own.", parameter="words"
        )


def _left_by(settled: Settled) -> tuple[Target, ...]:
    """The files that `it` means behind a step."""
    if settled.new:
        return tuple(Target(path) for path in settled.new)
    return settled.files


def _is_new(step: Append | Overwrite, shelf: Shelf) -> bool:
    """Whether a path is named that is not there: it is made then."""
    names = step.file.names
    return (
        len(names) == 1
        and not step.file.every
        and bool(splitext(names[0])[1])
        and " " not in splitext(names[0])[1]
        and not any(path.casefold().endswith(names[0].casefold()) for path in shelf.there)
    )


def _folder(step: Step) -> str | None:
    """The one folder that was named, without its slash."""
    names = getattr(step, "file", None)
    if names is None or len(names.names) != 1 or names.but or not names.names[0].endswith("/"):
        return None
    return str(names.names[0]).rstrip("/")
