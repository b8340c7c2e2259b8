"""A run that must wait for a person."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.events import PendingCall


class Suspension(BaseException):
    """Ends the work of a run that is to be taken up again; no agent's error handling is meant to catch it."""

    def __init__(self, calls: Sequence[PendingCall]) -> None:
        super().__init__(f"{len(calls)} calls wait for approval")
        self.calls = tuple(calls)
