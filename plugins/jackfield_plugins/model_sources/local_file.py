"""Model files that are on this machine already."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import DownloadFailed, InvalidRequest, ReferenceNotFound
from jackfield.models.disk import disk_failure, require_space
from jackfield_plugins.model_sources.filenames import SUFFIX, model_filename, model_name
from jackfield_plugins.model_sources.verified_file import BLOCK, PartialFile

PATH_STARTS = ("./", "../", "/", "~", ".\\", "..\\")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""Two letters at least, so that a Windows drive is none."""


class LocalFileSource:
    """Paths. A file is copied; to link it in place is the catalogue's to do."""

    name = "file"
    examples: tuple[str, ...] = ("./NAME.gguf", "~/models/NAME.gguf")

    def claims(self, reference: str) -> bool:
        """What is written as a path, ends in .gguf, or is a file that exists; nothing with a scheme before it."""
        if _SCHEME.match(reference):
            return False
        return reference.startswith(PATH_STARTS) or reference.lower().endswith(SUFFIX) or _is_file(reference)

    def resolve(self, reference: str) -> ResolvedModel:
        """The file's absolute path and its size."""
        path = _absolute(reference)
        if path.is_dir():
            raise InvalidRequest(f"{path} is a folder: name the {SUFFIX} file in it.", parameter="reference")
        found = _stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidRequest(f"{path} is no regular file: name a {SUFFIX} file.", parameter="reference")
        return ResolvedModel(
            reference=str(path),
            name=model_name(path.name),
            filename=model_filename(path.name),
            location=str(path),
            bytes=found.st_size,
        )

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Copy, always from the start; raises DownloadFailed where the file changes meanwhile."""
        source, target = Path(resolved.location), folder / resolved.filename
        before = _stat(source)
        require_space(folder, before.st_size)
        with PartialFile(target) as partial:
            partial.restart()
            _copy(source, partial, before.st_size, progress)
            after = _stat(source)
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                partial.restart()
                raise DownloadFailed(f"{source} changed while it was copied; pull it again once it is at rest.")
            return partial.finish(str(source))


def _copy(source: Path, partial: PartialFile, size: int, progress: Progress) -> None:
    try:
        file = source.open("rb")
    except OSError as error:
        raise disk_failure(source, error) from error
    with file:
        while partial.size < size and (block := file.read(min(BLOCK, size - partial.size))):
            partial.write(block, whole=size)
            progress(partial.size, size)


def _absolute(reference: str) -> Path:
    try:
        return Path(os.path.abspath(Path(reference).expanduser()))  # noqa: PTH100 - resolve() would follow links
    except RuntimeError as error:
        raise InvalidRequest(
            f"'{reference}' names a home folder that is unknown here.", parameter="reference"
        ) from error


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ReferenceNotFound(f"{path} cannot be read: {reason}.", parameter="reference") from error


def _is_file(reference: str) -> bool:
    try:
        return Path(reference).is_file()
    except (OSError, ValueError):
        return False
