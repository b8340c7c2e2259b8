"""The envelope of a saved sequence. llama.cpp reads whatever it is given; this tells whose it is, and whether whole."""

from __future__ import annotations

import struct
import zlib
from hashlib import blake2b

from jackfield.errors import EngineFailure

_HEAD = struct.Struct("<4s16sQI")
_MAGIC = b"JFS1"


def pack(state: bytes, identity: str) -> bytes:
    """A state with the mark of its model, its length and its checksum in front."""
    return _HEAD.pack(_MAGIC, _mark(identity), len(state), zlib.crc32(state)) + state


def unpack(packed: bytes, identity: str) -> bytes:
    """The state; raises EngineFailure if it is something else, of another model, cut short or damaged."""
    if len(packed) < _HEAD.size or not packed.startswith(_MAGIC):
        raise EngineFailure("This is not a saved sequence.")
    _, mark, length, checksum = _HEAD.unpack_from(packed)
    if mark != _mark(identity):
        raise EngineFailure("This sequence was saved by another model, or with other settings; prefill it again.")
    state = packed[_HEAD.size :]
    if len(state) != length or zlib.crc32(state) != checksum:
        raise EngineFailure("This saved sequence is cut short or damaged; prefill it again.")
    return state


def _mark(identity: str) -> bytes:
    return blake2b(identity.encode(), digest_size=16).digest()
