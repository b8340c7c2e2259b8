"""Many files of this machine, written to a collection one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from jackfield.cli.files.local_bytes import file_bytes
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
    collection: OpenCollection, files: Sequence[LocalFile], added: Added, *, reason: str, report: Report
) -> None:
    """Write each file, noting in `added` what becomes of it; one that cannot be added does not stop the others.

    Raises NotAllowed or StateUnavailable, since then none can.
    """
    done = 0
    for number, file in enumerate(files):

        def count(more: int, number: int = number) -> None:
            nonlocal done
            done += more
            report(number, done)

        try:
            added.take(
                await collection.write(file.path, file_bytes(file.source, count), reason=reason, change=added.change)
            )
        except (NotAllowed, StateUnavailable) as error:
            if not isinstance(error, BlobDamaged):
                raise
            added.failures.append(_failure(file, error))
        except JackfieldError as error:
            added.failures.append(_failure(file, error))
        report(number + 1, done)


def _failure(file: LocalFile, error: JackfieldError) -> Failure:
    return Failure(printed(str(file.source)), error.code, error.message)
