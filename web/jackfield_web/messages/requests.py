"""The bodies of message requests, and the runs that answer them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Constraint
from jackfield.errors import UnsupportedParameter
from jackfield_web.generation import checked_stop_sequences, chosen_sampling
from jackfield_web.messages.blocks import Cached, TextBlock, Turn
from jackfield_web.messages.conversation import conversation
from jackfield_web.messages.tools import Choice, CustomTool, tool_use


class Metadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On whose behalf."""

    user_id: Annotated[str, Meta(max_length=256, description="All users are served evenly.")] | None = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the model thinks before it answers, which models here are not told to."""

    type: Annotated[str, Meta(description="Must be `disabled`.")]


class JsonOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that is JSON of a schema."""

    type: Literal["json_schema"]
    schema: Annotated[dict[str, Any], Meta(description="A JSON schema.")]


class OutputConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the answer."""

    format: JsonOutput | None = None


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model would read."""

    model: Annotated[str, Meta(description="The name of an installed model, or `default`.")]
    messages: Annotated[list[Turn], Meta(min_length=1)]
    system: str | list[TextBlock] | None = None
    tools: list[CustomTool] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    cache_control: Cached | None = None


class MessageRequest(CountRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation to go on with."""

    max_tokens: Annotated[int, Meta(ge=1, description="The longest answer.")]
    stream: Annotated[bool, Meta(description="Send the answer while it is written.")] | None = None
    stop_sequences: (
        Annotated[list[str], Meta(description="The answer ends before any of these; 16 at most.")] | None
    ) = None
    temperature: Annotated[float, Meta(description="0 always takes the likeliest token.")] | None = None
    top_p: Annotated[float, Meta(description="Keep the likeliest tokens of this mass.")] | None = None
    top_k: Annotated[int, Meta(description="Keep this many likeliest tokens; 0 keeps all.")] | None = None
    metadata: Metadata | None = None
    service_tier: (
        Annotated[Literal["auto", "standard_only"], Meta(description="Either way: there is one tier.")] | None
    ) = None


def counted_run(request: CountRequest) -> RunRequest:
    """The run whose prompt is to be counted; raises InvalidRequest for what makes no sense or cannot be done."""
    if request.thinking and request.thinking.type != "disabled":
        sentence = f"'thinking' is '{request.thinking.type}', and models here are not told to think; leave it out."
        raise UnsupportedParameter(sentence, parameter="thinking.type")
    return RunRequest(
        model=request.model,
        messages=conversation(request.system, request.messages),
        constraint=_constraint(request.output_config),
        tools=tool_use(request.tools or (), request.tool_choice),
    )


def message_run(request: MessageRequest) -> RunRequest:
    """The run that answers; raises InvalidRequest for what makes no sense or cannot be done."""
    return msgspec.structs.replace(
        counted_run(request),
        sampling=chosen_sampling(temperature=request.temperature, top_p=request.top_p, top_k=request.top_k),
        max_tokens=request.max_tokens,
        stop=checked_stop_sequences(request.stop_sequences or (), "stop_sequences"),
        client=(request.metadata and request.metadata.user_id) or "local",
    )


def _constraint(config: OutputConfig | None) -> Constraint | None:
    if config is None or config.format is None:
        return None
    schema = msgspec.json.encode(config.format.schema).decode()
    return Constraint(kind="json_schema", value=schema, parameter="output_config.format.schema")
