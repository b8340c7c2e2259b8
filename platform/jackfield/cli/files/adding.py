"""Many files of this machine, written to a collection one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from jackfield.cli.files.local_bytes import Count, file_bytes
from jackfield.cli.files.local_files import Failure, LocalFile, printed
from jackfield.contracts.files import Written
from jackfield.errors import BlobDamaged, JackfieldError, NotAllowed, StateUnavailable
from jackfield.files.open_collection import OpenCollection

Report = Callable[[int, int], None]
"""Takes how many files and how many bytes are done."""


class AddedFile(msgspec.Struct, frozen=True):
    """A file as it stands now; `over` is the version before, 0 for none."""

    path: str
    version: int
    over: int
    changed: bool


class Added(msgspec.Struct, kw_only=True):
    """What was done so far, also when it is cut short."""

    change: str
    files: list[AddedFile] = []
    failures: list[Failure] = []

    def take(self, written: Written) -> None:
        """One more file."""
        file = written.file
        self.files.append(AddedFile(file.path, file.version, written.over, written.changed))

    @property
    def new(self) -> int:
        """Files that were not there before."""
        return sum(file.changed and not file.over for file in self.files)

    @property
    def changed(self) -> int:
        """Files that have another version now."""
        return sum(file.changed and file.over > 0 for file in self.files)

    @property
    def unchanged(self) -> int:
        """Files whose bytes were there already."""
        return sum(not file.changed for file in self.files)


async def add_all(
    collection: OpenCollection, files: Sequence[LocalFile], added: Added, *, reason: str, most: int, report: Report
) -> None:
    """Write each file, noting in `added` what becomes of it; one that cannot be added does not stop the others.

    `most` is how many bytes a file may have. Raises NotAllowed or StateUnavailable, since then none can.
    """
    done = 0

    def told(number: int, read: int) -> None:
        nonlocal done
        done = read
        report(number, read)

    for number, file in enumerate(files):
        try:
            pieces = file_bytes(file.source, most=most, count=totalled(told, number, done))
            written = await collection.write(file.path, pieces, reason=reason, change=added.change, in_bulk=True)
            added.take(written)
        except (NotAllowed, StateUnavailable) as error:
            if not isinstance(error, BlobDamaged):
                raise
            added.failures.append(_failure(file, error))
        except JackfieldError as error:
            added.failures.append(_failure(file, error))
        report(number + 1, done)


def totalled(report: Report, number: int = 0, done: int = 0) -> Count:
    """Takes how many more bytes of a file were read, behind so many files and bytes, and reports the sum."""

    def count(more: int) -> None:
        nonlocal done
        done += more
        report(number, done)

    return count


def _failure(file: LocalFile, error: JackfieldError) -> Failure:
    return Failure(printed(str(file.source)), error.code, error.message)
