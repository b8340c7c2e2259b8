"""llama.cpp's log lines: routed to ours, and kept where a failing call can say why it failed."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import structlog

log = structlog.get_logger()

DEBUG, INFO, WARNING, ERROR, CONTINUED = 1, 2, 3, 4, 5
"""ggml_log_level of llama.cpp 0.5; INFO and below is chatter about a load that goes well."""


class Complaint(msgspec.Struct, frozen=True):
    """A warning or an error, on one line."""

    line: str
    error: bool


def told_reason(complaints: Sequence[Complaint]) -> str:
    """The first error, without the names of functions; what follows it only passes the failure on."""
    errors = [complaint.line for complaint in complaints if complaint.error]
    lines = errors or [complaint.line for complaint in complaints]
    if not lines:
        return "llama.cpp did not say why"
    return re.sub(r"^(\w+: )+(error loading model: )?", "", lines[0]).rstrip(".")


class LogCapture:
    """Receives lines from any thread. A line below WARNING is dropped, unless ours is set to debug."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def receive(self, level: int, text: bytes | None, _user_data: object = None) -> None:
        """One call of llama.cpp's log callback; a line may come in parts."""
        here = self._of_thread
        if level == CONTINUED:
            level = getattr(here, "level", INFO)
        here.level = level
        if level <= DEBUG or not text:
            return
        line = getattr(here, "begun", "") + text.decode("utf-8", errors="replace")
        here.begun = "" if line.endswith("\n") else line
        if here.begun or not line.strip(" .\n"):
            return
        self._pass_on(level, " ".join(line.split()))

    @contextmanager
    def complaints(self) -> Iterator[list[Complaint]]:
        """The warnings and errors of this thread's calls inside the block; the caller is to report them."""
        before = getattr(self._of_thread, "complaints", None)
        self._of_thread.complaints = []
        try:
            yield self._of_thread.complaints
        finally:
            self._of_thread.complaints = before

    def _pass_on(self, level: int, line: str) -> None:
        listening = getattr(self._of_thread, "complaints", None)
        if listening is not None and level >= WARNING:
            listening.append(Complaint(line, level >= ERROR))
        _writer(level, reported=listening is not None)("llama.cpp", line=line)


def _writer(level: int, *, reported: bool) -> Callable[..., object]:
    """A level lower than llama.cpp's own, and debug where the caller raises what was said."""
    if level >= ERROR and not reported:
        return log.warning  # type: ignore[no-any-return]
    if level == WARNING and not reported:
        return log.info  # type: ignore[no-any-return]
    return log.debug  # type: ignore[no-any-return]
