"""The head of a GGUF file: its metadata, read and checked before anything native touches the file.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterable
from pathlib import Path

import msgspec

from jackfield.errors import ModelFileInvalid

MAGIC = b"GGUF"
READABLE_VERSIONS = (2, 3)
LONGEST_KEPT_ARRAY = 1024
USUAL_ALIGNMENT = 32
MOST_DIMENSIONS = 4
VOCABULARY = "tokenizer.ggml.tokens"

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
_ENTRY_TYPE = struct.Struct("<I")
_ARRAY_HEAD = struct.Struct("<IQ")
_TENSOR_PLACE = struct.Struct("<IQ")
_FILE_HEAD = struct.Struct("<4sIQQ")

_KNOWN_BEGINNINGS = {
    b"PK\x03\x04": "a zip archive or PyTorch checkpoint",
    b"\x1f\x8b\x08": "a gzip archive",
    b"<!DO": "a web page",
    b"<htm": "a web page",
    b"vers": "a Git LFS pointer, not the file it points to",
    b"lmgg": "a GGML file, the format before GGUF",
    b"tjgg": "a GGJT file, the format before GGUF",
}


class OmittedArray(msgspec.Struct, frozen=True):
    """Stands for an array too long to keep, such as a vocabulary; `repeats` counts its texts that were there before."""

    length: int
    repeats: int = 0


Scalar = int | float | bool | str
MetadataValue = Scalar | tuple[Scalar, ...] | OmittedArray


class GgufHead(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before the tensors; `bytes` is the size of the whole file."""

    version: int
    tensors: int
    bytes: int
    metadata: dict[str, MetadataValue]

    @property
    def architecture(self) -> str:
        """The model's architecture as llama.cpp names it."""
        return self.text("general.architecture") or "unknown"

    def text(self, key: str) -> str | None:
        """A string of the metadata, None when it is absent or something else."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str, default: float = 0) -> float:
        """A number of the metadata; of an array, the largest."""
        value = self.metadata.get(key)
        if isinstance(value, tuple):
            return max((item for item in value if isinstance(item, int | float)), default=default)
        return value if isinstance(value, int | float) else default

    def of_architecture(self, key: str, default: int = 0) -> int:
        """A whole number under the architecture's own prefix, such as `llama.block_count`."""
        return int(self.number(f"{self.architecture}.{key}", default))

    def by_layer(self, key: str, default: int) -> tuple[int, ...]:
        """A number under the architecture's prefix for each layer, whether it is given once or by layer."""
        layers = self.of_architecture("block_count")
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, tuple):
            return tuple(int(item) for item in value if isinstance(item, int | float))[:layers]
        return (int(value),) * layers if isinstance(value, int | float) else (default,) * layers

    def array_length(self, key: str) -> int:
        """How many items an array has, kept or not."""
        value = self.metadata.get(key)
        if isinstance(value, OmittedArray):
            return value.length
        return len(value) if isinstance(value, tuple) else 0


class TensorHead(msgspec.Struct, frozen=True):
    """A tensor as the file announces it: its shape begins with the width of a row, `kind` is ggml's number of a type.

    `bytes` reaches to the next tensor, or to the end of the file.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    bytes: int

    @property
    def weights(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def read_tensors(path: Path) -> tuple[TensorHead, ...]:
    """Every tensor of a file, in its order; raises ModelFileInvalid."""
    head = read_head(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Reader(content).tensors(int(head.number("general.alignment")) or USUAL_ALIGNMENT)
    except OSError as error:
        raise ModelFileInvalid(f"'{path}' cannot be read: {error.strerror or error}.") from error
    except (struct.error, _PastTheEnd):
        raise _cut_short(path, head.bytes) from None
    except _Malformed as error:
        raise ModelFileInvalid(f"'{path}' is damaged: {error}; pull the model again.") from None


def read_head(path: Path) -> GgufHead:
    """Read a file's head; raises ModelFileInvalid with a sentence that says what the file is instead."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            _check_beginning(path, file.read(_FILE_HEAD.size))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _parsed(path, content, size)
    except OSError as error:
        raise ModelFileInvalid(f"'{path}' cannot be read: {error.strerror or error}.") from error


def _check_beginning(path: Path, beginning: bytes) -> None:
    if not beginning:
        raise ModelFileInvalid(f"'{path}' is empty; pull the model again.")
    if not beginning.startswith(MAGIC):
        known = next((kind for start, kind in _KNOWN_BEGINNINGS.items() if beginning.startswith(start)), None)
        seems = f", which is {known}" if known else ""
        raise ModelFileInvalid(
            f"'{path}' is not a GGUF model: it begins with {beginning[:4]!r}{seems}, where GGUF begins with {MAGIC!r}; "
            "pull the model as GGUF."
        )
    if len(beginning) < _FILE_HEAD.size:
        raise _cut_short(path, len(beginning))
    version = int.from_bytes(beginning[4:8], "little")
    if int.from_bytes(beginning[4:8], "big") in READABLE_VERSIONS:
        raise ModelFileInvalid(f"'{path}' is a big-endian GGUF file, which this machine cannot read.")
    if version not in READABLE_VERSIONS:
        raise ModelFileInvalid(
            f"'{path}' is GGUF version {version}; versions {READABLE_VERSIONS[0]} to {READABLE_VERSIONS[-1]} can be "
            "read: update Jackfield, or pull another file of this model."
        )


def _parsed(path: Path, content: mmap.mmap, size: int) -> GgufHead:
    _, version, tensors, entries = _FILE_HEAD.unpack_from(content)
    reader = _Reader(content)
    metadata: dict[str, MetadataValue] = {}
    try:
        for _ in range(entries):
            key = reader.string()
            metadata[key] = reader.value(reader.unpacked(_ENTRY_TYPE)[0])
    except (struct.error, _PastTheEnd):
        raise _cut_short(path, size) from None
    except _Malformed as error:
        raise ModelFileInvalid(f"'{path}' is damaged: {error}; pull the model again.") from None
    _check_vocabulary(path, metadata.get(VOCABULARY))
    return GgufHead(version=version, tensors=tensors, bytes=size, metadata=metadata)


def _check_vocabulary(path: Path, tokens: MetadataValue | None) -> None:
    """llama.cpp aborts the process over a vocabulary that has a token twice."""
    if isinstance(tokens, tuple):
        tokens = OmittedArray(len(tokens), _repeats(text.encode() for text in tokens if isinstance(text, str)))
    if isinstance(tokens, OmittedArray) and tokens.repeats:
        raise ModelFileInvalid(
            f"'{path}' is damaged: {tokens.repeats} tokens of its vocabulary are there twice; pull the model again."
        )


def _repeats(texts: Iterable[bytes]) -> int:
    """How many texts are not the first of their kind, read up to a zero byte as C does; empty ones do not count."""
    seen: set[bytes] = set()
    count = 0
    for text in texts:
        read = text.partition(b"\0")[0] if b"\0" in text else text
        count += bool(read)
        seen.add(read)
    return count - len(seen - {b""})


def _cut_short(path: Path, size: int) -> ModelFileInvalid:
    return ModelFileInvalid(f"'{path}' is cut short: its {size:,} bytes end inside its head; pull the model again.")


class _PastTheEnd(Exception):
    """The file says that more follows than there is."""


class _Malformed(Exception):
    """The file breaks its format."""


class _Reader:
    """Walks through a file's metadata without copying what is not kept."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = _FILE_HEAD.size

    def unpacked(self, form: struct.Struct) -> tuple[int, ...]:
        values = form.unpack_from(self._content, self._at)
        self._at += form.size
        return values

    def string(self) -> str:
        return self._bytes().decode("utf-8", errors="replace")

    def tensors(self, alignment: int) -> tuple[TensorHead, ...]:
        """What follows the metadata, which is skipped."""
        _, _, tensors, entries = _FILE_HEAD.unpack_from(self._content)
        for _ in range(entries):
            self.string()
            self.value(self.unpacked(_ENTRY_TYPE)[0])
        announced = [self._announced() for _ in range(tensors)]
        data = -(-self._at // alignment) * alignment
        starts = sorted(offset for *_, offset in announced)
        ends = dict(zip(starts, [*starts[1:], len(self._content) - data], strict=True))
        return tuple(TensorHead(name, shape, kind, ends[start] - start) for name, shape, kind, start in announced)

    def _announced(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.string()
        (dimensions,) = self.unpacked(_ENTRY_TYPE)
        if dimensions > MOST_DIMENSIONS:
            raise _Malformed(f"a tensor of {dimensions} dimensions")
        shape = self.unpacked(struct.Struct(f"<{dimensions}Q"))
        kind, offset = self.unpacked(_TENSOR_PLACE)
        return name, shape, kind, offset

    def value(self, kind: int) -> MetadataValue:
        return self._array() if kind == _ARRAY else self._scalar(kind)

    def _scalar(self, kind: int) -> Scalar:
        if kind == _STRING:
            return self.string()
        if kind not in _SCALARS:
            raise _Malformed(f"metadata of type {kind}, which GGUF does not have")
        return self.unpacked(struct.Struct("<" + _SCALARS[kind]))[0]

    def _array(self) -> MetadataValue:
        kind, length = self.unpacked(_ARRAY_HEAD)
        if length <= LONGEST_KEPT_ARRAY and kind != _ARRAY:
            return tuple(self._scalar(kind) for _ in range(length))
        if kind == _STRING:
            return OmittedArray(length, _repeats(self._bytes() for _ in range(length)))
        if kind in _SCALARS:
            self._skipped(length * struct.calcsize(_SCALARS[kind]))
        else:
            raise _Malformed(f"an array of type {kind}, which GGUF does not have")
        return OmittedArray(length)

    def _bytes(self) -> bytes:
        start = self._skipped(self.unpacked(_LENGTH)[0])
        return self._content[start : self._at]

    def _skipped(self, size: int) -> int:
        """Move past `size` bytes and give where they start."""
        start = self._at
        if start + size > len(self._content):
            raise _PastTheEnd
        self._at += size
        return start
