"""Run a long command behind one line of progress; everything it says goes to a log."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

PLAIN_INTERVAL = 30.0
BAR_WIDTH = 30


class Stage(NamedTuple):
    """How far a command has come; `total` 0 means that nobody knows."""

    name: str
    done: int = 0
    total: int = 0


StageReader = Callable[[str], Stage | None]
"""What one line of a command's output says about how far it is, None where it says nothing."""


class CommandFailed(Exception):
    """A watched command ended badly; its whole output is in `log`."""

    def __init__(self, title: str, status: int, log: Path) -> None:
        super().__init__(f"{title} failed with exit status {status}; the whole log is {log}.")
        self.log = log

    def tail(self, lines: int = 30) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


class ProgressLine:
    """One line redrawn on a terminal; elsewhere a plain line every thirty seconds."""

    def __init__(self, title: str, stream: IO[str] | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._started = self._said = time.monotonic()
        self._say(f"{title} …")

    def show(self, stage: Stage) -> None:
        """Draw a stage, on a terminal at once, elsewhere when it is time again."""
        now = time.monotonic()
        if self._live or now - self._said >= PLAIN_INTERVAL:
            self._said = now
            self._say(f"{self._title}: {_drawn(stage, bar=self._live)} · {self._elapsed()}")

    def end(self, word: str) -> None:
        """Say how it ended, and leave the line."""
        self._say(f"{self._title}: {word} in {self._elapsed()}", last=True)

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes}m {seconds:02d}s" if minutes else f"{seconds}s"

    def _say(self, text: str, *, last: bool = False) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{text[:width]}" + ("\n" if last else ""))
        else:
            self._stream.write(text + "\n")
        self._stream.flush()


def run_watched(
    title: str,
    command: Sequence[str],
    reader: StageReader,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command to its end under a progress line; raises CommandFailed."""
    progress = ProgressLine(title)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as record,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            _follow(process, reader, record, progress)
        except BaseException:
            process.terminate()
            progress.end("stopped")
            raise
    progress.end("failed" if process.returncode else "done")
    if process.returncode:
        raise CommandFailed(title, process.returncode, log)


def _follow(process: subprocess.Popen[str], reader: StageReader, record: IO[str], progress: ProgressLine) -> None:
    stage = Stage("starting")
    for line in _lines_or_ticks(process):
        if line is not None:
            record.write(line)
            stage = reader(line) or stage
        progress.show(stage)


def _lines_or_ticks(process: subprocess.Popen[str]) -> Iterator[str | None]:
    """The command's lines as they come, and None about once a second while none comes."""
    assert process.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    output = process.stdout

    def pump() -> None:
        for line in output:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


def _drawn(stage: Stage, *, bar: bool) -> str:
    if not stage.total:
        return stage.name
    filled = BAR_WIDTH * stage.done // stage.total
    drawing = "━" * filled + "─" * (BAR_WIDTH - filled) + " " if bar else ""
    return f"{stage.name} {drawing}{stage.done}/{stage.total}"
