"""Which files that are gone from a folder are there under another name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from jackfield.contracts.files import CommonFile
from jackfield.files.paths import path_key
from jackfield.files.watching.sides import Local

Likeness = Callable[[str, CommonFile, str, Local], bool]


def renamed_locally(folder: Mapping[str, Local], common: Mapping[str, CommonFile]) -> dict[str, str]:
    """New path by old one. The surest signs go first; an empty file is like any other, so its inode must tell.

    An inode alone says nothing: file systems give a deleted file's to the next one that is made.
    """
    old = {path: file for path, file in common.items() if path not in folder}
    new = {path: file for path, file in folder.items() if path not in common}
    renamed: dict[str, str] = {}
    for alike in (_other_case, _same_inode, _same_name, _same_bytes):
        renamed |= _pairs(old, new, alike)
    return renamed


def _pairs(old: dict[str, CommonFile], new: dict[str, Local], alike: Likeness) -> dict[str, str]:
    """Those that are alike in one way; they are taken out of both."""
    by_sign: dict[object, list[str]] = {}
    for path in sorted(new):
        for sign in (path_key(path), new[path].digest):
            by_sign.setdefault(sign, []).append(path)
    found: dict[str, str] = {}
    for path in sorted(old):
        candidates = (*by_sign.get(path_key(path), ()), *by_sign.get(old[path].digest, ()))
        match = next((one for one in candidates if one in new and alike(path, old[path], one, new[one])), None)
        if match is not None:
            found[path] = match
            del old[path], new[match]
    return found


def _other_case(path: str, common: CommonFile, other: str, local: Local) -> bool:
    return path_key(path) == path_key(other)


def _same_inode(path: str, common: CommonFile, other: str, local: Local) -> bool:
    return common.digest == local.digest and common.inode == local.inode


def _same_name(path: str, common: CommonFile, other: str, local: Local) -> bool:
    return _same_bytes(path, common, other, local) and PurePosixPath(path).name == PurePosixPath(other).name


def _same_bytes(path: str, common: CommonFile, other: str, local: Local) -> bool:
    return common.digest == local.digest and local.size > 0
