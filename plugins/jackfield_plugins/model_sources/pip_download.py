"""One wheel brought by pip, in a process of its own, so that the user's index, proxies and certificates hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from jackfield.contracts.sources import Progress
from jackfield.errors import DiskFull, DownloadFailed, JackfieldError, ReferenceNotFound
from jackfield.models.disk import disk_errors

LOOK = 0.2
"""Seconds between two looks at a running pip."""

SILENCE = 900.0
"""Seconds without any sign of life after which pip is ended; its own time-outs are far shorter."""

_SIZES = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
_DOWNLOADING = re.compile(r"Downloading \S+\.whl \(([\d.]+) (bytes|kB|MB|GB)\)")
_UNREACHABLE = re.compile(r"Could not fetch URL \S+: (?!4\d\d )")
"""An index that did not answer, rather than one that has no such page; pip says so only when asked to say all."""

_VERSIONS = re.compile(r"\(from versions: ([^)]*)\)")


class Listener:
    """Keeps what a process says, in memory: on a disk that is full it could not say so."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join()

    def text(self) -> str:
        """All that was said so far."""
        return "".join(self._lines)

    def _listen(self, voice: IO[str]) -> None:
        for line in voice:
            self._lines.append(line)


class PipDownload:
    """One `pip download` of one requirement into a folder. Nothing is built, installed or run."""

    def __init__(self, requirement: str, folder: Path, *, python: str = sys.executable) -> None:
        self._requirement = requirement
        self._python = python
        self._scratch = folder / "pip.partial"
        self._wheels = self._scratch / "wheels"
        self._temporary = self._scratch / "temporary"
        self._folder = folder

    def fetch(self, progress: Progress) -> Path:
        """The wheel, whole, in the folder; raises ReferenceNotFound, DownloadFailed or DiskFull."""
        with disk_errors(self._scratch):
            shutil.rmtree(self._scratch, ignore_errors=True)  # an earlier try's, of which pip can use nothing
            self._wheels.mkdir(parents=True)
            self._temporary.mkdir()
        try:
            self._run(progress)
            [wheel] = self._wheels.glob("*.whl")
            with disk_errors(wheel):
                return wheel.replace(self._folder / wheel.name)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _command(self) -> list[str]:
        spoken = ["-vv", "--no-input", "--disable-pip-version-check", "--no-color", "--progress-bar", "off"]
        wheel_only = ["--no-deps", "--only-binary", ":all:"]
        pip = [self._python, "-P", "-m", "pip"]  # -P: no module of the working directory stands in for pip's
        return [*pip, "download", *spoken, *wheel_only, "-d", str(self._wheels), self._requirement]

    def _run(self, progress: Progress) -> None:
        surroundings = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._temporary))
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, and a requirement of checked form
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=surroundings,
            encoding="utf-8",
            errors="replace",
        )
        with process, Listener(process) as heard:
            try:
                self._watch(process, heard, progress)
            finally:
                _end(process)
        if process.returncode:
            raise self._failure(heard.text())

    def _watch(self, process: subprocess.Popen[str], heard: Listener, progress: Progress) -> None:
        """Report how the temporary file grows until pip ends; pip tells its size once, when it begins."""
        signs = (0, 0)
        alive_at = time.monotonic()
        while _runs_on(process, LOOK):
            said, came = heard.text(), _size_of_wheel(self._scratch)
            total = _announced_size(said)
            progress(came, max(came, total) if total else None)
            if (len(said), came) != signs:
                signs, alive_at = (len(said), came), time.monotonic()
            elif time.monotonic() - alive_at > SILENCE:
                raise DownloadFailed(
                    f"pip was silent for {SILENCE / 60:.0f} minutes while bringing {self._requirement}."
                )

    def _failure(self, said: str) -> JackfieldError:
        if "No module named pip" in said:
            return DownloadFailed(
                f"pip is needed to bring {self._requirement}, and {self._python} has none: "
                f"`{self._python} -m ensurepip` installs it."
            )
        if "No space left on device" in said or "Disk quota exceeded" in said:
            return DiskFull(
                f"The disk of {self._folder} is too full for {self._requirement}; make room and pull again."
            )
        if _UNREACHABLE.search(said):
            return DownloadFailed(
                f"pip cannot reach a package index to bring {self._requirement}; check the network, "
                "or pip's index and proxy settings (`pip config list`)."
            )
        versions = _VERSIONS.search(said)
        if versions:
            return ReferenceNotFound(_no_match(self._requirement, versions[1]))
        errors = [line for line in said.splitlines() if line.upper().startswith("ERROR")]
        reason = errors[-1] if errors else said.strip() or "it said nothing"
        return DownloadFailed(f"pip could not bring {self._requirement}: {reason[-300:]}")


def _no_match(requirement: str, versions: str) -> str:
    package, _, version = requirement.partition("==")
    if version and versions not in ("", "none"):
        return f"{package} has no version {version} with a wheel for this machine; it has {versions}."
    return f"No package index that pip knows has a wheel of '{package}' for this machine."


def _announced_size(said: str) -> int:
    found = _DOWNLOADING.findall(said)
    return int(float(found[-1][0]) * _SIZES[found[-1][1]]) if found else 0


def _size_of_wheel(folder: Path) -> int:
    """Bytes of the wheel in a folder that another process is changing, where it may be in two places at once."""
    size = 0
    for path in folder.rglob("*.whl"):
        with suppress(FileNotFoundError):
            size = max(size, path.stat().st_size)
    return size


def _runs_on(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _end(process: subprocess.Popen[str]) -> None:
    """See that a process is over."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)
