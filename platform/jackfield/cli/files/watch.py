"""`jackfield files watch`: a folder and a collection that are kept in step."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import click

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import collection_option
from jackfield.cli.files.sentences import cell
from jackfield.cli.files.watch_lines import (
    batch_line,
    batch_object,
    change_line,
    ignored_line,
    json_line,
    waiting_line,
)
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.terminal_question import can_ask, typed_answer
from jackfield.contracts.files import Watch
from jackfield.errors import JackfieldError
from jackfield.files.library import Library
from jackfield.files.watching.batch import Batch, Change
from jackfield.files.watching.folder_watch import FolderWatch
from jackfield.files.watching.keeping import Keeping, in_step_once
from jackfield.files.watching.local_folder import LocalFolder
from jackfield.files.watching.opening import opened_watch
from jackfield.files.watching.selection import Selection


@click.command("watch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--to", "under", default="", metavar="PATH", help="Below which path of the collection; all of it unless set."
)
@click.option("--both-ways", is_flag=True, help="The collection's changes reach the folder too.")
@click.option("--once", is_flag=True, help="Bring both in step, and end.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Only such files: '*.md', 'docs/*'. May be repeated.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="None of these files or folders. May be repeated.")
@click.option("--allow-mass-delete", is_flag=True, help="Do not ask where most files are gone at once.")
@click.option("--no-index", is_flag=True, help="Leave it to `jackfield files index` to make them findable.")
@click.option(
    "--quiet-for",
    "quiet",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a file must not have changed to be read.",
)
@collection_option
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each change and each round.")
@pass_session
def command(
    session: Session,
    folder: Path,
    under: str,
    both_ways: bool,
    once: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_mass_delete: bool,
    no_index: bool,
    quiet: float,
    collection: str | None,
    as_json: bool,
) -> None:
    """Keep FOLDER and a collection in step until Ctrl+C, and when it is watched again go on where it stood.

    What changes in the folder changes in the collection, where every version stays. A file that both sides changed is
    kept twice. Hidden files, links and what editors leave are passed over.
    """
    voice = _Voice(as_json=as_json)

    async def watched(library: Library) -> int:
        home = session.settings.home
        async with opened_watch(library, home, folder, collection=collection, under=under, both_ways=both_ways) as (
            opened,
            watch,
        ):
            kept = FolderWatch(
                opened,
                watch,
                LocalFolder(Path(watch.folder), Selection(include, exclude), quiet=quiet, apart=home.resolve()),
                allow_mass_delete=allow_mass_delete,
                confirm=_confirmed if can_ask() and not as_json else None,
                tell=voice.change,
            )
            voice.begin(watch, once=once)
            async with _indexing(library, voice, enabled=not no_index) as index_soon:
                if once:
                    batch = await in_step_once(kept)
                    voice.batch(batch)
                    index_soon.set()
                    return 1 if batch.left or batch.waiting else 0

                def report(batch: Batch) -> None:
                    voice.batch(batch)
                    if batch.changes:
                        index_soon.set()

                await _until_stopped(Keeping(kept, report=report, remark=voice.remark))
                return 0

    if code := with_library(session, watched):
        sys.exit(code)


async def _until_stopped(keeping: Keeping) -> None:
    """Until Ctrl+C or a request to end; what is under way is finished, and what is in step is on record.

    Asked once more, while what is left is indexed, the whole command ends at once.
    """
    task = asyncio.ensure_future(keeping.run())
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        task.cancel()

    with _told_to_end(stop):
        try:
            await task
        except asyncio.CancelledError:
            if not stopped.is_set():
                raise
            say("Stopped; watch it again to go on.")


@contextmanager
def _told_to_end(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` instead of what would happen otherwise, until the block is left."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, stop)
        yield
    finally:
        for number, handler in before.items():
            with suppress(NotImplementedError):
                if loop.remove_signal_handler(number):
                    signal.signal(number, handler)


@asynccontextmanager
async def _indexing(library: Library, voice: _Voice, *, enabled: bool) -> AsyncIterator[asyncio.Event]:
    """Makes findable what waits, beside everything else, whenever the event is set; at the end what is left."""
    soon, ending = asyncio.Event(), False

    async def work() -> None:
        while True:
            await soon.wait()
            soon.clear()
            try:
                voice.remark((await library.run_index()).notice)
            except JackfieldError as error:
                voice.remark(f"Not indexed yet: {error.message}")
            if ending and not soon.is_set():
                return

    task = asyncio.create_task(work()) if enabled else None
    try:
        yield soon
        ending = True
        if task and soon.is_set():
            await task
    finally:
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _confirmed(sentence: str) -> bool:
    answer = await typed_answer(f"{sentence} Delete them? [y/N]")
    return (answer or "").lower() in {"y", "yes"}


class _Voice:
    """Prints changes and rounds, and says a remark once until another comes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._collection = ""
        self._remarked = ""
        self._ignored: dict[str, int] = {}
        self._waiting: tuple[str, ...] = ()

    def begin(self, watch: Watch, *, once: bool) -> None:
        self._collection = watch.collection
        if once or self._as_json:
            return
        to = f"{cell(watch.collection)}:{cell(watch.under)}" if watch.under else f"'{cell(watch.collection)}'"
        arrow = "↔" if watch.both_ways else "→"
        say(f"{cell(watch.folder)} {arrow} collection {to}   (Ctrl+C stops it)")

    def change(self, change: Change) -> None:
        self._line(json_line("change", change) if self._as_json else change_line(change))

    def batch(self, batch: Batch) -> None:
        if self._as_json:
            self._line(json_line("batch", batch_object(batch)))
            return
        if batch.ignored != self._ignored and (line := ignored_line(batch.ignored)):
            say(line)
        if batch.waiting and batch.waiting != self._waiting:
            say(waiting_line(batch.waiting))
        self._ignored, self._waiting = batch.ignored, batch.waiting
        if line := batch_line(batch, self._collection):
            self._line(line)
        elif not batch.waiting and not self._remarked:
            self.remark(f"In step: {count(batch.files, 'file')}.")

    def remark(self, sentence: str) -> None:
        if sentence and sentence != self._remarked:
            self._remarked = sentence
            say(sentence)

    def _line(self, line: str) -> None:
        click.echo(line)
        sys.stdout.flush()
