"""Where models come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from jackfield.contracts.sampling import SamplingOverrides

Progress = Callable[[int, int | None], None]
"""Called with bytes so far and bytes in all (None while unknown)."""


class ResolvedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A reference made exact: one file, what to call it, and what is known of it before it is here.

    `reference` means the same on any day and in any folder; `location` is the source's own, and an absolute path
    where the file is on this machine already.
    """

    reference: str
    name: str
    filename: str
    location: str
    bytes: int | None = None
    sha256: str | None = None
    licence: str | None = None
    sampling: SamplingOverrides = {}


class ModelSource(Protocol):
    """Brings model files of one kind of reference. It does not name, catalogue or open them."""

    name: str
    examples: tuple[str, ...]

    def claims(self, reference: str) -> bool:
        """Whether a reference is of this source's form; no network, no disk beyond a look."""
        ...

    def resolve(self, reference: str) -> ResolvedModel:
        """Find out what a reference means; raises ReferenceNotFound or DownloadFailed. Blocking."""
        ...

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Bring the file into `folder` and verify it; resumes what an earlier try left there. Blocking.

        Partial data stays under a name ending in `.partial`; the path given back is whole and verified.
        Calls `progress` as bytes come, and lets pass what it raises: that is how a pull is stopped.
        """
        ...
