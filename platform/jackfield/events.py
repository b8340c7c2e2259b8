"""What happens in a run, numbered, stored and replayable."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

FinishReason = Literal["stop", "length"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens read and written; `cached_tokens` of the prompt were not evaluated again."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


class TokenChance(msgspec.Struct, frozen=True):
    """A token's bytes and its natural log-probability before sampling, -9999 where it could not be drawn at all."""

    piece: bytes
    logprob: float


class TokenScore(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of a token that was written, and of the likeliest ones in its place."""

    chosen: TokenChance
    likeliest: tuple[TokenChance, ...] = ()


class Queued(msgspec.Struct, frozen=True, kw_only=True, tag="queued"):
    """The request was accepted and waits for its model or its turn."""

    model: str


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The prompt was assembled and its prefill begins."""

    model: str
    prompt_tokens: int


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="text"):
    """Text that the model wrote; deltas join to the whole answer. `tokens` counts what it took to write it."""

    text: str
    tokens: int
    scores: tuple[TokenScore, ...] = ()


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The answer is whole, or as long as was allowed."""

    reason: FinishReason
    usage: Usage


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The run ended with an error; `code` is the error's, `message` its sentence."""

    code: str
    message: str
    parameter: str | None = None
    retry_after: int | None = None


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag="cancelled"):
    """Somebody stopped the run; what was written before stands."""

    usage: Usage | None = None


RunEventBody = Queued | Started | TextDelta | Finished | Failed | Cancelled
FINAL_EVENTS = (Finished, Failed, Cancelled)


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its run's order; numbers start at 1 and have no gaps."""

    run_id: str
    number: int
    at: datetime
    body: RunEventBody

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return isinstance(self.body, FINAL_EVENTS)
