"""What is said to the process that reads documents, and what it answers, each as one frame."""

from __future__ import annotations

from typing import IO, Literal, TypeVar

import msgspec

Kind = Literal["pdf", "office", "html"]
State = Literal[
    "ready", "text", "damaged", "password", "archive", "bomb", "scanned", "nested", "memory", "missing", "library"
]
LENGTH_BYTES = 8
IDLE_SECONDS = 120
"""How long the process waits for an order before it ends."""
START_SECONDS = 120
"""What loading the libraries may take on a slow machine."""

T = TypeVar("T")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A file to read, and what that may take."""

    kind: Kind
    data: bytes
    seconds: float
    memory_mb: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`ready` comes first, when what reads such files is loaded; then how it went."""

    state: State
    text: str = ""
    detail: str = ""


def send(stream: IO[bytes], message: Order | Report) -> None:
    """One frame."""
    frame = msgspec.msgpack.encode(message)
    stream.write(len(frame).to_bytes(LENGTH_BYTES, "big"))
    stream.write(frame)
    stream.flush()


def receive(stream: IO[bytes], kind: type[T]) -> T:
    """The next frame; raises EOFError where there is none, or less than one."""
    length = int.from_bytes(_exactly(stream, LENGTH_BYTES), "big")
    return msgspec.msgpack.decode(_exactly(stream, length), type=kind)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data
