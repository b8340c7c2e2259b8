"""What `jackfield doctor` asks each plugin."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

Health = Literal["ok", "missing", "broken"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at; `remedy` says how to mend it when it is not ok. `optional` findings do not fail a check."""

    subject: str
    health: Health
    detail: str
    remedy: str | None = None
    optional: bool = False


class Diagnostic(Protocol):
    """Looks, and changes nothing."""

    def examine(self) -> tuple[Finding, ...]: ...
