"""One program in the sandbox, from its start to the last trace of it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import stat
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
import structlog

from jackfield_plugins.tools.python_sandbox.isolation import ENVIRONMENT, Isolation, Limits
from jackfield_plugins.tools.python_sandbox.output import MOST_WRITTEN, Output

log = structlog.get_logger()

MOST_RESULT = 1 << 16
LONGEST_LIFE = 900.0
"""Seconds after which a program is stopped whose code never came to its end."""
WATCHED_EVERY = 0.2
"""Seconds between two looks at how much memory it takes in all."""
REAPED_WITHIN = 5.0
"""Seconds in which all that a program started is ended."""
MARK = "JACKFIELD_SANDBOX"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver tells: the value of a last expression, what went wrong, the exit status."""

    value: str | None = None
    error: str | None = None
    status: int = 0


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a program; `stopped` says why it was ended before it was through, in a sentence."""

    stdout: bytes
    stderr: bytes
    report: Report | None
    status: int
    stopped: str = ""


class Program:
    """A running interpreter that takes code; `ended` or `kill` must be awaited, and leave nothing behind."""

    def __init__(self, isolation: Isolation, limits: Limits) -> None:
        self._isolation = isolation
        self._limits = limits
        self._mark = secrets.token_hex(16)
        self._scratch: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._input: asyncio.WriteTransport | None = None
        self._outputs: list[Output] = []
        self._result = -1
        self._stopped = ""
        self._watch: asyncio.Task[None] | None = None

    @property
    def apart(self) -> bool:
        """Whether the network and the machine's files are out of its reach."""
        return self._isolation.holds

    async def start(self) -> None:
        """Start the driver; raises OSError."""
        self._scratch = await asyncio.to_thread(self._isolation.scratch)
        self._result, told = os.pipe()
        theirs = [told]
        try:
            stdin, ours = os.pipe()
            theirs.append(stdin)
            self._input, _ = await asyncio.get_running_loop().connect_write_pipe(
                asyncio.BaseProtocol, os.fdopen(ours, "wb", 0)
            )
            for _ in ("stdout", "stderr"):
                read, write = os.pipe()
                theirs.append(write)
                self._outputs.append(await Output.opened(read, self._flooded))
            command = await asyncio.to_thread(self._isolation.driver, told, self._limits)
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=stdin,
                stdout=theirs[-2],
                stderr=theirs[-1],
                env=self._environment(),
                cwd=self._scratch or "/",
                pass_fds=(told,),
                start_new_session=True,
            )
        except BaseException:
            _close(theirs)
            await self.kill()
            raise
        _close(theirs)
        self._watch = asyncio.create_task(self._watched())

    def send(self, code: str) -> None:
        """More of the code; never waits, since a program that is busy reads later."""
        self._tell(code)

    async def ended(self) -> Ending:
        """All of the code was sent: what comes of it, when it ends or its time is over."""
        assert self._process is not None
        assert self._input is not None
        self._tell(None)
        self._input.close()
        try:
            async with asyncio.timeout(self._limits.wall):
                await self._process.wait()
        except TimeoutError:
            self._stop(f"it took longer than {self._limits.wall:.0f} seconds")
        report = self._report()
        await self.kill()
        stdout, stderr = (bytes(output.kept) for output in self._outputs)
        status = self._process.returncode or 0
        return Ending(stdout=stdout, stderr=stderr, report=report, status=status, stopped=self._stopped)

    async def kill(self) -> None:
        """End it and all that it started, and take away its folder; a second call does nothing."""
        self._signal()
        if self._process is not None:
            await self._gone()
        if not self.apart:
            await asyncio.to_thread(self._kill_stragglers)
        if self._input is not None and not self._input.is_closing():
            self._input.abort()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        for output in self._outputs:
            await output.closed()
        if self._result >= 0:
            os.close(self._result)
            self._result = -1
        if self._scratch is not None:
            await asyncio.to_thread(_removed, self._scratch)

    def _tell(self, text: str | None) -> None:
        if self._input is not None and not self._input.is_closing():
            self._input.write(json.dumps(text).encode() + b"\n")

    def _environment(self) -> dict[str, str]:
        if self._scratch is None:
            return ENVIRONMENT
        here = str(self._scratch)
        return {**ENVIRONMENT, "HOME": here, "TMPDIR": here, MARK: self._mark}

    def _flooded(self) -> None:
        self._stop(f"it wrote more than {MOST_WRITTEN >> 20} MB")

    def _stop(self, reason: str) -> None:
        self._stopped = self._stopped or reason
        self._signal()

    def _signal(self) -> None:
        """Ask the reaper to end everything."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self._process.pid, signal.SIGTERM)

    async def _gone(self) -> None:
        """Wait until the reaper is gone; one that does not come to its end is killed too."""
        assert self._process is not None
        try:
            async with asyncio.timeout(REAPED_WITHIN):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def _watched(self) -> None:
        """Stop it where its processes together take more memory than one may, or its code never ends."""
        assert self._process is not None
        until = asyncio.get_running_loop().time() + LONGEST_LIFE
        while self._process.returncode is None:
            await asyncio.sleep(WATCHED_EVERY)
            if await asyncio.to_thread(_memory_below, self._process.pid) > self._limits.memory:
                self._stop(f"it took more than {self._limits.memory >> 20} MB of memory")
            if asyncio.get_running_loop().time() > until:
                self._stop(f"its code was not whole after {LONGEST_LIFE:.0f} seconds")

    def _report(self) -> Report | None:
        """What the driver told, unless it was killed before or the program spoilt it."""
        os.set_blocking(self._result, False)
        with suppress(BlockingIOError):
            line = os.read(self._result, MOST_RESULT).strip().rpartition(b"\n")[2]
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(line, type=Report)
        return None

    def _kill_stragglers(self) -> None:
        """Kill what left the process group, known by its environment; again until nothing is left to start more."""
        for _ in range(100):
            marked = [process for process in psutil.process_iter() if self._is_ours(process)]
            if not marked:
                return
            for process in marked:
                with suppress(psutil.Error):
                    process.kill()
        log.error("processes of a Python program outlived it", processes=[process.pid for process in marked])

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            alive: bool = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.environ().get(MARK) == self._mark
        except psutil.Error:
            return False


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _memory_below(root: int) -> int:
    """Bytes that a process and all below it hold; what is shared between them counts each time."""
    taken = 0
    with suppress(psutil.Error):
        top = psutil.Process(root)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                taken += process.memory_info().rss
    return taken


def _removed(folder: Path) -> None:
    """Remove a folder, whatever the program made of its permissions."""
    with suppress(OSError):
        folder.chmod(stat.S_IRWXU)
        for path, names, _ in os.walk(folder):
            for name in names:
                if not (inner := Path(path, name)).is_symlink():
                    inner.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.error("a Python program's folder cannot be removed", folder=str(folder))
