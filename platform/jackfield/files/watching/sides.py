"""The two sides that are kept in step, as one look at them found them; paths are relative to the watched folder."""

from __future__ import annotations

import msgspec

from jackfield.contracts.files import CommonFile


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the folder; `digest` is of its bytes, as the collection counts them."""

    size: int
    modified_ns: int
    inode: str
    digest: str

    def untouched_since(self, common: CommonFile) -> bool:
        """Whether it looks as it did, so that its bytes need not be read."""
        return (self.size, self.modified_ns, self.inode) == (common.size, common.modified_ns, common.inode)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the collection: its newest version, and who wrote that."""

    file_id: str
    version: int
    digest: str
    size: int
    author: str = ""


def in_step(path: str, local: Local, kept: Kept) -> CommonFile:
    """What is on record of a file that both sides hold alike."""
    return CommonFile(
        path=path,
        file_id=kept.file_id,
        version=kept.version,
        digest=local.digest,
        size=local.size,
        modified_ns=local.modified_ns,
        inode=local.inode,
    )
