"""The body of a chat request, and the runs that answer it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from jackfield.contracts.runs import RunRequest
from jackfield.errors import InvalidRequest, UnsupportedParameter
from jackfield_web.chat.conversation import NO_TOOLS_YET, ChatMessage, conversation
from jackfield_web.generation import (
    GenerationRequest,
    check_stream_options,
    client_of,
    constraint,
    sampling_overrides,
    stop_sequences,
)

NO_TOOLS = "Must be empty or none: tools arrive in a later version."


class ChatRequest(GenerationRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation to go on with."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1, description="The longest answer; else the context's end.")] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1, description="The newer name of max_tokens.")] | None = None
    logprobs: Annotated[bool, Meta(description="Tell how likely each token was.")] | None = None
    top_logprobs: (
        Annotated[int, Meta(ge=0, le=20, description="With logprobs: tell of so many likeliest tokens too.")] | None
    ) = None
    tools: Annotated[list[Any], Meta(description=NO_TOOLS)] | None = None
    tool_choice: Annotated[Any, Meta(description=NO_TOOLS)] = None
    functions: Annotated[list[Any], Meta(description=NO_TOOLS)] | None = None
    function_call: Annotated[Any, Meta(description=NO_TOOLS)] = None
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
    _check_tools(request)
    messages = conversation(request.messages)
    stop = stop_sequences(request)
    shape = constraint(request)
    return [
        RunRequest(
            model=request.model,
            messages=messages,
            sampling=sampling_overrides(request, choice=choice),
            max_tokens=_max_tokens(request),
            stop=stop,
            logprobs=_logprobs(request),
            constraint=shape,
            client=client_of(request),
            adapter=request.adapter or None,
            priority=request.priority or "normal",
            overflow=request.overflow or "error",
        )
        for choice in range(request.n or 1)
    ]


def _check_tools(request: ChatRequest) -> None:
    for field in ("tools", "functions"):
        if getattr(request, field):
            raise UnsupportedParameter(f"'{field}': {NO_TOOLS_YET}", parameter=field)
    for field in ("tool_choice", "function_call"):
        if getattr(request, field) not in (None, "none"):
            raise UnsupportedParameter(f"'{field}': {NO_TOOLS_YET}", parameter=field)


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
