"""Programs that change files until they are killed, and tell of every change that was acknowledged.

Each runs in a process of its own, over `Library`, as the command line and the server work.
"""

from __future__ import annotations

import asyncio
import random
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import msgspec
from blake3 import blake3

from jackfield.contracts.files import Point, StoredFile, Written
from jackfield.errors import FileChanged, JackfieldError
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.identifiers import new_identifier
from jackfield.testing.file_library import opened_library, pieces
from jackfield.testing.watched_folder import Watched

Kind = Literal["create", "overwrite", "rollback", "mixed", "index"]
KINDS: tuple[Kind, ...] = ("create", "overwrite", "rollback", "mixed", "index")

WORDS = "harbour lantern meadow copper violin glacier orchard compass saddle ember thistle quarry beacon walnut".split()  # noqa: SIM905
SENTENCES = (2, 2, 2, 40, 900)
"""How long texts are: most are written at once, some leave their vectors to the index job, some all of it."""


class Acknowledged(msgspec.Struct, frozen=True):
    """A version that a call came back with; `digest` is of the bytes that it must hold."""

    path: str
    version: int
    digest: str
    word: str = ""
    """One that only this text has; empty where an old text came back."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is to do, and where."""

    home: Path
    database_url: str
    kind: Kind
    seed: int


Tell = Callable[[Acknowledged], None]


def work_until_killed(job: Job, acknowledged: Connection) -> None:
    """The whole of a process; sends every acknowledged version, and first of all that it begins."""
    asyncio.run(_work(job, acknowledged))


async def _work(job: Job, acknowledged: Connection) -> None:
    async with opened_library(job.home, database_url=job.database_url) as library:
        opened = await library.opened(level="manage")
        doing = _Doing(opened, random.Random(job.seed), acknowledged.send)  # noqa: S311 - a test's choices
        acknowledged.send(None)
        while True:
            await doing.some(job.kind, library)


class _Doing:
    """Changes of each kind, chosen by a seed."""

    def __init__(self, opened: OpenCollection, chance: random.Random, tell: Tell) -> None:
        self._opened = opened
        self._chance = chance
        self._tell = tell

    async def some(self, kind: Kind, library: Library) -> None:
        """A few changes of a kind."""
        if kind == "index":
            await self.create()
            await library.run_index()
            return
        doings = {
            "create": [self.create],
            "overwrite": [self.overwrite],
            "rollback": [self.overwrite, self.rollback, self.rollback],
            "mixed": [self.create, self.overwrite, self.rollback, self.append, self.move, self.delete, self.purge],
        }
        await self._chance.choice(doings[kind])()

    async def create(self) -> None:
        """Several files at once, as one step."""
        change = new_identifier("change")
        paths = [f"{self._chance.choice('abc')}/{self._chance.randrange(10**9):09}.md" for _ in range(8)]
        await asyncio.gather(*(self._write(path, change) for path in paths))

    async def overwrite(self) -> None:
        if file := await self._any():
            await self._write(file.path)

    async def append(self) -> None:
        if file := await self._any():
            text, word = self._text()
            written = await self._opened.append(file.path, pieces(text))
            before = Point(number=written.over) if written.over else None
            old = await _bytes(self._opened, file.path, before) if before else b""
            self._told(written, blake3(old + text).hexdigest(), word)

    async def rollback(self) -> None:
        if file := await self._any():
            versions = await self._opened.history(file.path)
            target = self._chance.choice(versions)
            written = await self._opened.rollback(file.path, Point(number=target.number))
            self._told(written, target.digest)

    async def move(self) -> None:
        if file := await self._any():
            written = await self._opened.rename(file.path, f"moved/{self._chance.randrange(10**9):09}.md")
            self._told(written, file.digest)

    async def delete(self) -> None:
        """Delete and bring back; in between, a kill leaves it deleted."""
        if file := await self._any():
            await self._opened.delete(file.path)
            self._told(await self._opened.undelete(file.path), file.digest)

    async def purge(self) -> None:
        """A file that nobody is told of, and its bytes, which another file has too."""
        path = f"purged/{self._chance.randrange(10**9):09}.md"
        text, _ = self._text()
        await self._opened.write(path, pieces(text))
        await self._opened.write(f"kept-{path}", pieces(text))
        await self._opened.delete(path)
        await self._opened.purge(path)

    async def _write(self, path: str, change: str = "") -> None:
        text, word = self._text()
        written = await self._opened.write(path, pieces(text), change=change)
        self._told(written, blake3(text).hexdigest(), word)

    async def _any(self) -> StoredFile | None:
        """One of the files that are there; some are made where there are none."""
        files = await self._opened.page(limit=200)
        if not files:
            await self.create()
        return self._chance.choice(files) if files else None

    def _text(self) -> tuple[bytes, str]:
        """A text, and a word that no other has."""
        word = f"w{self._chance.getrandbits(60):015x}"
        length = self._chance.choice(SENTENCES)
        sentences = [
            f"The {' '.join(self._chance.choices(WORDS, k=9))} number {self._chance.randrange(10**6)}."
            for _ in range(length)
        ]
        return f"# {word}\n\n{chr(10).join(sentences)}\n".encode(), word

    def _told(self, written: Written, digest: str, word: str = "") -> None:
        self._tell(Acknowledged(written.file.path, written.file.version, digest, word))


async def _bytes(opened: OpenCollection, path: str, point: Point) -> bytes:
    read = await opened.read(path, point)
    return b"".join([piece async for piece in read.pieces])


def watch_until_killed(home: Path, database_url: str, folder: Path, telling: Connection) -> None:
    """The whole of a process that keeps a folder in step both ways; sends that it begins, and after each round."""
    asyncio.run(_watch(home, database_url, folder, telling))


async def _watch(home: Path, database_url: str, folder: Path, telling: Connection) -> None:
    async with opened_library(home, database_url=database_url) as library:
        watched = Watched(folder, library, await library.opened(level="write"))
        watch = await watched.watch(both_ways=True, allow_mass_delete=True)
        telling.send(None)
        while True:
            await watch.reconcile()
            telling.send(None)


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """Writing one file again and again beside others who do."""

    home: Path
    database_url: str
    name: str
    rounds: int
    expects: bool


def contend(contest: Contest, outcomes: Connection) -> None:
    """The whole of a process; sends what it wrote and which version that is, or 0 where it was told that it lost."""
    asyncio.run(_contend(contest, outcomes))


async def _contend(contest: Contest, outcomes: Connection) -> None:
    async with opened_library(contest.home, database_url=contest.database_url) as library:
        opened = await library.opened(level="write")
        outcomes.send(None)
        outcomes.recv()  # all begin together
        for number in range(contest.rounds):
            text = f"{contest.name} wrote {number}\n".encode()
            expected = (await opened.look("contested.md")).version if contest.expects else None
            try:
                written = await opened.write("contested.md", pieces(text), expected=expected)
            except FileChanged as error:
                outcomes.send((text, 0, error.version))
            else:
                outcomes.send((text, written.version.number, written.over))
    outcomes.send(None)


def write_beyond_a_limit(home: Path, database_url: str, limit: int, outcome: Connection) -> None:
    """The whole of a process, none of whose files may be larger than a limit; sends the code and words of an error."""
    asyncio.run(_write_beyond(home, database_url, limit, outcome))


async def _write_beyond(home: Path, database_url: str, limit: int, outcome: Connection) -> None:
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        data = random.Random(1).randbytes(2 * limit)  # noqa: S311 - any bytes
        try:
            await opened.write("a.md", pieces(data))
        except JackfieldError as error:
            outcome.send((error.code, error.message))
        else:
            outcome.send(("", ""))
