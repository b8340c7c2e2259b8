"""The body of a chat request, and the runs that answer it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import RunRequest
from jackfield.errors import InvalidRequest
from jackfield_web.answers.sources import FileSearch, Remembers, file_use
from jackfield_web.chat.conversation import ChatMessage, ContentPart, conversation, spoken_text
from jackfield_web.chat.tool_use import ToolRequest, tool_use
from jackfield_web.generation import (
    check_stream_options,
    client_of,
    constraint,
    sampling_overrides,
    stop_sequences,
)
from jackfield_web.steps import run_limits


class Prediction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What much of the answer will likely be a copy of, such as a file to be changed; it is then written faster."""

    type: Literal["content"]
    content: str | list[ContentPart]


class ChatRequest(ToolRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation to go on with."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1, description="The longest answer; else the context's end.")] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1, description="The newer name of max_tokens.")] | None = None
    logprobs: Annotated[bool, Meta(description="Tell how likely each token was.")] | None = None
    top_logprobs: (
        Annotated[int, Meta(ge=0, le=20, description="With logprobs: tell of so many likeliest tokens too.")] | None
    ) = None
    prediction: Prediction | None = None
    files: FileSearch | None = None
    memory: Remembers | None = None
    metadata: (
        Annotated[
            dict[str, str], Meta(description="Labels for OpenAI's store: they change no answer and are not kept.")
        ]
        | None
    ) = None
    store: (
        Annotated[bool, Meta(description="Either way, the run stays on record for as long as settings say.")] | None
    ) = None


def chat_runs(request: ChatRequest) -> list[RunRequest]:
    """One run for each choice; raises InvalidRequest for what makes no sense or cannot be done."""
    check_stream_options(request)
    run = RunRequest(
        model=request.model,
        messages=conversation(request.messages),
        max_tokens=_max_tokens(request),
        stop=stop_sequences(request),
        logprobs=_logprobs(request),
        constraint=constraint(request),
        client=client_of(request),
        adapter=request.adapter or None,
        priority=request.priority or "normal",
        overflow=request.overflow or "error",
        references=_references(request),
        tools=tool_use(request),
        files=file_use(request.files),
        memory=request.memory or False,
        agent=request.agent,
        limits=run_limits(request.limits),
    )
    choices = range(request.n or 1)
    return [msgspec.structs.replace(run, sampling=sampling_overrides(request, choice=choice)) for choice in choices]


def _references(request: ChatRequest) -> tuple[str, ...]:
    if request.prediction is None:
        return ()
    text = "".join(spoken_text(request.prediction.content, "prediction.content"))
    return (text,) if text else ()


def _max_tokens(request: ChatRequest) -> int | None:
    older, newer = request.max_tokens, request.max_completion_tokens
    if older is not None and newer is not None and older != newer:
        message = f"'max_tokens' is {older} and 'max_completion_tokens' is {newer}; give one of them."
        raise InvalidRequest(message, parameter="max_tokens")
    return older if newer is None else newer


def _logprobs(request: ChatRequest) -> int | None:
    if request.top_logprobs is not None and not request.logprobs:
        raise InvalidRequest("'top_logprobs' needs 'logprobs' to be true.", parameter="top_logprobs")
    return (request.top_logprobs or 0) if request.logprobs else None
