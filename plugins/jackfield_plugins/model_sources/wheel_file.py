"""A wheel on its way to being a model: at hand from an earlier try or brought now, and deleted where it is damaged."""

from __future__ import annotations

import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jackfield.contracts.sources import Progress
from jackfield.errors import DownloadFailed, InvalidRequest
from jackfield.models.disk import disk_errors, require_space
from jackfield_plugins.model_sources.pip_download import PipDownload

_REQUIREMENT = re.compile(
    r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*))?"
)


def required_package(reference: str, prefix: str) -> tuple[str, str]:
    """The package that a reference of the form PREFIX PACKAGE[==VERSION] names, and the requirement for pip."""
    requirement = reference.removeprefix(prefix)
    found = _REQUIREMENT.fullmatch(requirement)
    if not found:
        raise InvalidRequest(
            f"'{reference}' should be {prefix}PACKAGE or {prefix}PACKAGE==VERSION.", parameter="reference"
        )
    return found["package"], requirement


def wheel_at_hand(
    requirement: str, folder: Path, progress: Progress, *, needs: int = 0, python: str = sys.executable
) -> tuple[Path, Progress]:
    """The wheel that an earlier try left, or brought now, and what to report to while it is unpacked.

    `needs` is how many bytes the folder must have room for.
    """
    kept = _kept_wheel(folder, requirement)
    if kept:
        return kept, progress
    require_space(folder, needs)
    wheel = PipDownload(requirement, folder, python=python).fetch(progress)
    return wheel, _still_at(wheel.stat().st_size, progress)


@contextmanager
def damage_reported(wheel: Path) -> Iterator[None]:
    """Delete a wheel that cannot be used, so that the next try brings a fresh one."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        wheel.unlink(missing_ok=True)
        raise DownloadFailed(f"{wheel.name} came damaged ({error}); pull it again.") from error
    except (InvalidRequest, DownloadFailed):
        wheel.unlink(missing_ok=True)
        raise


def reported(target: Path, progress: Progress) -> Path:
    """A file that is whole already, after its size was reported."""
    with disk_errors(target):
        size = target.stat().st_size
    progress(size, size)
    return target


def _kept_wheel(folder: Path, requirement: str) -> Path | None:
    """The wheel that an earlier try brought: only whole ones bear their name here."""
    package, _, version = requirement.partition("==")
    stem = re.sub(r"[-_.]+", "_", package).lower() + "-" + (f"{version}-" if version else "")
    kept = [path for path in folder.glob("*.whl") if path.name.lower().startswith(stem)]
    return kept[0] if kept else None


def _still_at(size: int, progress: Progress) -> Progress:
    """A progress that stays where the download ended, and still lets what follows be stopped."""

    def report(_done: int, _total: int | None) -> None:
        progress(size, size)

    return report
