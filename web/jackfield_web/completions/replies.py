"""Text completions as OpenAI words them; whole answers and chunks have one shape."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from jackfield.events import FinishReason
from jackfield_web.usage import CompletionUsage


class CompletionLogprobs(msgspec.Struct, frozen=True, kw_only=True):
    """Lists with an entry for each token; offsets are in characters from the start of the whole text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, or what a chunk adds to it."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: FinishReason | None = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """All answers to all prompts, or one event of a stream."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    system_fingerprint: str
    usage: CompletionUsage | UnsetType | None = UNSET
