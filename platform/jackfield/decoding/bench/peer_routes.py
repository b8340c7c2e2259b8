"""How a peer is asked for an answer and what its stream says: llama.cpp's own route, and OpenAI's completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from jackfield.decoding.bench.workloads import Tokens
from jackfield.decoding.request import Delta
from jackfield.events import Usage

Spell = Callable[[int], bytes]
Said = tuple[Delta | None, Usage | None]
"""What one event of a stream brought: text, or the counts at the end, or neither."""


class PeerRoute(Protocol):
    """One way to ask; `missing` are the statuses that say a server does not have it."""

    @property
    def path(self) -> str: ...

    @property
    def missing(self) -> tuple[int, ...]: ...

    def body(self, prompt: Tokens, tokens: int) -> dict[str, Any]:
        """The request for a greedy answer of that many tokens."""
        ...

    def said(self, event: bytes) -> Said:
        """An event of the stream; raises msgspec.DecodeError where it is none of this route's."""
        ...


class _Timings(msgspec.Struct, frozen=True):
    cache_n: int = 0
    prompt_n: int = 0


class _Chunk(msgspec.Struct, frozen=True):
    content: str
    stop: bool
    tokens: list[int] = []
    tokens_predicted: int = 0
    timings: _Timings = _Timings()


class LlamaCppRoute:
    """`/completion`, which takes token ids and tells what its cache saved."""

    path = "/completion"
    missing = (404, 405, 501)

    def body(self, prompt: Tokens, tokens: int) -> dict[str, Any]:
        """Greedy, of the exact length, its cache in use."""
        return {
            "prompt": prompt,
            "n_predict": tokens,
            "ignore_eos": True,
            "temperature": 0,
            "stream": True,
            "cache_prompt": True,
        }

    def said(self, event: bytes) -> Said:
        """A chunk a token, and a last one with the timings."""
        chunk = msgspec.json.decode(event, type=_Chunk)
        written = len(chunk.tokens) or int(not chunk.stop)
        delta = Delta(text=chunk.content, tokens=written) if written or chunk.content else None
        if not chunk.stop:
            return delta, None
        read = chunk.timings.cache_n + chunk.timings.prompt_n
        return delta, Usage(
            prompt_tokens=read, completion_tokens=chunk.tokens_predicted, cached_tokens=chunk.timings.cache_n
        )


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None = None


class _Choice(msgspec.Struct, frozen=True):
    text: str


class _Event(msgspec.Struct, frozen=True):
    choices: list[_Choice]
    usage: _Usage | None = None


class CompletionsRoute:
    """`/v1/completions`, which takes text; `ignore_eos` is known to some servers only."""

    path = "/v1/completions"

    def __init__(self, model: str, spell: Spell, *, ignore_eos: bool) -> None:
        self.missing = (400, 422) if ignore_eos else ()
        self._model = model
        self._spell = spell
        self._ignore_eos = ignore_eos

    def body(self, prompt: Tokens, tokens: int) -> dict[str, Any]:
        """Greedy, at most that long."""
        text = b"".join(map(self._spell, prompt)).decode("utf-8", errors="replace")
        asked = {
            "model": self._model,
            "prompt": text,
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return {**asked, "ignore_eos": True} if self._ignore_eos else asked

    def said(self, event: bytes) -> Said:
        """An event with text counts as a token; the last event has the true counts."""
        heard = msgspec.json.decode(event, type=_Event)
        text = "".join(choice.text for choice in heard.choices)
        delta = Delta(text=text, tokens=1) if text else None
        if heard.usage is None:
            return delta, None
        details = heard.usage.prompt_tokens_details or _Details()
        return delta, Usage(
            prompt_tokens=heard.usage.prompt_tokens,
            completion_tokens=heard.usage.completion_tokens,
            cached_tokens=details.cached_tokens or 0,
        )
