"""Prefixes outside the engine: parked in memory while others need the cells, and on disk to outlive a restart.

A file holds its tokens, their family (the adapter that they were evaluated under) and an engine's saved sequence. It is
named by the hash of both; a folder belongs to one model. Files are written whole or not at all, off the loop's thread,
and the least lately used go first.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import msgspec
import structlog

from jackfield.decoding.prefix_tree import PrefixTree

log = structlog.get_logger()

SUFFIX = ".prefix"
PARTIAL = ".partial"

ABANDONED_AFTER = 3600
"""Seconds after which nobody is writing a file any more that is half written."""

_MAGIC = b"JFP2"
_HEAD = struct.Struct("<4sII")


class PrefixLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that saved prefixes of one model may take."""

    memory: int = 256 << 20
    disk: int = 1 << 30


class _Entry(msgspec.Struct):
    """A saved prefix: its state in memory, or in a file."""

    size: int
    state: bytes | None = None
    path: Path | None = None


class SavedPrefixes:
    """Saved sequences by their tokens. Only the loop's thread uses it; a thread of its own writes files."""

    def __init__(self, folder: Path | None = None, limits: PrefixLimits | None = None) -> None:
        self._folder = folder
        self._limits = limits or PrefixLimits()
        self._tree = PrefixTree()
        self._on_disk = PrefixTree()
        self._entries: dict[int, _Entry] = {}
        self._number = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="prefix-writer") if folder else None
        try:
            self._read_folder()
        except OSError as error:
            log.warning("prefixes cannot be saved", folder=str(folder), reason=str(error))
            self._folder = None

    @property
    def memory_bytes(self) -> int:
        """What the prefixes parked in memory take."""
        return sum(entry.size for entry in self._entries.values() if entry.state is not None)

    @property
    def disk_bytes(self) -> int:
        """What the files take."""
        return sum(entry.size for entry in self._entries.values() if entry.path is not None)

    @property
    def disk_limit(self) -> int:
        """Bytes that files may take, 0 where none are kept."""
        return self._limits.disk if self._folder else 0

    def longest(self, tokens: Sequence[int], family: str = "") -> tuple[int, int | None]:
        """How many of these tokens' first some saved prefix of a family has, and its key; (0, None) if none has any."""
        match = self._tree.match(tokens, family)
        return match.length, min(match.holders, key=self._tree.length, default=None)

    def tokens(self, key: int) -> list[int]:
        """The tokens of a saved prefix."""
        return self._tree.tokens(key)

    def state(self, key: int) -> bytes | None:
        """A saved prefix's state; None where its file is gone or not readable, and then it is forgotten."""
        entry = self._entries[key]
        self._entries[key] = self._entries.pop(key)
        if entry.state is not None or entry.path is None:
            return entry.state
        try:
            content = entry.path.read_bytes()
            os.utime(entry.path)
        except OSError as error:
            log.warning("a saved prefix could not be read", path=str(entry.path), reason=str(error))
            self.forget(key)
            return None
        return content[len(_head(self._tree.tokens(key), self._tree.family(key))) :]

    def park(self, tokens: Sequence[int], state: bytes, family: str = "") -> None:
        """Keep a prefix in memory; older ones give way."""
        if len(state) > self._limits.memory:
            log.info("a prefix is larger than all that may be parked", tokens=len(tokens), bytes=len(state))
            return
        self._make_room(len(state), in_memory=True)
        self._add(tokens, family, _Entry(size=len(state), state=state))

    def covers(self, tokens: Sequence[int], family: str = "") -> bool:
        """Whether files are kept and one has nearly all of these tokens as it is."""
        if self._folder is None:
            return True
        return self._on_disk.match(tokens, family).length >= 0.9 * len(tokens)

    def write(self, tokens: Sequence[int], state: bytes, family: str = "") -> None:
        """Keep a prefix on disk; older ones give way. What cannot be written is logged, and forgotten when wanted."""
        head = _head(tokens, family)
        size = len(head) + len(state)
        if self._folder is None or self._writer is None:
            return
        if size > self._limits.disk:
            log.info("a prefix is larger than all that may be saved", tokens=len(tokens), bytes=size)
            return
        self._make_room(size, in_memory=False)
        path = self._folder / f"{_name(tokens, family)}{SUFFIX}"
        self._writer.submit(_write_whole, path, head, state)
        self._add(tokens, family, _Entry(size=size, path=path))

    def write_parked(self, room: int, *, shortest: int) -> None:
        """Write what is parked in memory, the latest first, as far as `room` bytes reach."""
        for key, entry in reversed(list(self._entries.items())):
            tokens, family = self._tree.tokens(key), self._tree.family(key)
            if entry.state is None or len(tokens) < shortest or self.covers(tokens, family):
                continue
            room -= entry.size
            if room < 0:
                return
            self.write(tokens, entry.state, family)

    def forget(self, key: int) -> None:
        """Drop a saved prefix, and its file."""
        entry = self._entries.pop(key)
        self._tree.remove(key)
        if entry.path is not None:
            self._on_disk.remove(key)
            if self._writer is not None:
                self._writer.submit(_remove, entry.path)

    def close(self) -> None:
        """Finish writing. Blocking."""
        if self._writer is not None:
            self._writer.shutdown()

    def _add(self, tokens: Sequence[int], family: str, entry: _Entry) -> None:
        self._number += 1
        for tree in (self._tree, self._on_disk) if entry.path is not None else (self._tree,):
            tree.add(self._number, family=family)
            tree.extend(self._number, tokens)
        self._entries[self._number] = entry

    def _make_room(self, size: int, *, in_memory: bool) -> None:
        limit = self._limits.memory if in_memory else self._limits.disk
        kept = [key for key, entry in self._entries.items() if (entry.state is not None) == in_memory]
        used = self.memory_bytes if in_memory else self.disk_bytes
        for key in kept:
            if used + size <= limit:
                return
            used -= self._entries[key].size
            self.forget(key)

    def _read_folder(self) -> None:
        """Take in what an earlier process left, the least lately used first; what is damaged is removed."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for partial in self._folder.glob(f"*{PARTIAL}"):
            if time.time() - partial.stat().st_mtime > ABANDONED_AFTER:
                _remove(partial)
        files = [(path.stat(), path) for path in self._folder.glob(f"*{SUFFIX}")]
        for status, path in sorted(files, key=lambda file: file[0].st_mtime_ns):
            held = _held_in(path)
            if held is None:
                log.warning("a saved prefix is damaged and was removed", path=str(path))
                _remove(path)
                continue
            self._add(*held, _Entry(size=status.st_size, path=path))


def _head(tokens: Sequence[int], family: str) -> bytes:
    """What stands before the state: whose it is, the tokens, the family."""
    name = family.encode()
    return _HEAD.pack(_MAGIC, len(tokens), len(name)) + struct.pack(f"<{len(tokens)}i", *tokens) + name


def _name(tokens: Sequence[int], family: str) -> str:
    return blake2b(_head(tokens, family), digest_size=20).hexdigest()


def _held_in(path: Path) -> tuple[list[int], str] | None:
    """The tokens and the family in a file's head; None where it is not one of ours."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or not head.startswith(_MAGIC):
                return None
            _, count, name_length = _HEAD.unpack(head)
            content, name = file.read(4 * count), file.read(name_length)
    except OSError:
        return None
    if blake2b(head + content + name, digest_size=20).hexdigest() != path.stem or len(content) < 4 * count:
        return None
    return list(struct.unpack(f"<{count}i", content)), name.decode()


def _write_whole(path: Path, head: bytes, state: bytes) -> None:
    partial = path.with_suffix(PARTIAL)
    try:
        with open(partial, "wb", opener=_private) as file:
            file.write(head)
            file.write(state)
        partial.replace(path)
    except OSError as error:
        log.warning("a prefix could not be saved", path=str(path), reason=str(error))
        _remove(partial)


def _private(path: str, flags: int) -> int:
    """Opens a file that only its owner may read: it tells what was asked."""
    return os.open(path, flags, 0o600)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
