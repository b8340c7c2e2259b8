"""A server that gives one chat completion to whoever asks, at once: `python -m jackfield_web.bench.upstream PORT`."""

from __future__ import annotations

import asyncio
import sys

import httptools
import msgspec

ANSWER = "Fine, thank you."
_COMMON = {"id": "chatcmpl-1", "created": 1, "model": "bench"}
_WHOLE = {
    **_COMMON,
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop", "logprobs": None}
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13},
}
_PIECES = ({"content": ANSWER},)


def _chunk(delta: dict[str, str], reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + msgspec.json.encode({**_COMMON, "object": "chat.completion.chunk", "choices": [choice]})


def _whole_wire() -> bytes:
    body = msgspec.json.encode(_WHOLE)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _stream_wire() -> bytes:
    events = [_chunk(piece, None) for piece in _PIECES] + [_chunk({}, "stop"), b"data: [DONE]"]
    parts = b"".join(f"{len(event) + 2:x}\r\n".encode() + event + b"\n\n\r\n" for event in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + parts + b"0\r\n\r\n"


WHOLE, STREAM = _whole_wire(), _stream_wire()


class _Client(asyncio.Protocol):
    """One connection; every request gets the answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        asked = msgspec.json.decode(self._body) if self._body else {}
        self._transport.write(STREAM if asked.get("stream") else WHOLE)
        self._begin()


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Client, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
