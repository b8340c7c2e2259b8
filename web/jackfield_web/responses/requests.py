"""The body of a response request, what of it the response tells again, and the run that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Constraint
from jackfield.messages import Message
from jackfield_web.answers.sources import FileSearch, Remembers, file_use
from jackfield_web.constraints import ANY_OBJECT
from jackfield_web.generation import chosen_sampling
from jackfield_web.responses.items import InputItem, input_messages
from jackfield_web.responses.tools import Choice, FunctionSpec, tool_use

MEMO = "response"
"""Under what a run's memo tells of its response."""


class PlainText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="text", tag_field="type"):
    """Any text."""


class AnyJson(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="json_object", tag_field="type"
):
    """Any JSON object."""


class SchemaJson(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="json_schema", tag_field="type"
):
    """JSON of a schema; the answer is held to it whether `strict` is true or not."""

    name: str
    schema: Annotated[dict[str, Any], Meta(description="A JSON schema.")]
    description: str | None = None
    strict: bool | None = None


class TextConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the answer."""

    format: PlainText | AnyJson | SchemaJson = PlainText()


class Echo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters that a response tells again, and that its run keeps for it."""

    instructions: Annotated[str, Meta(description="What the system says, in this response only.")] | None = None
    previous_response_id: (
        Annotated[str, Meta(description="Go on behind this response and all that was before it.")] | None
    ) = None
    tools: list[FunctionSpec] | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: (
        Annotated[bool, Meta(description="Whether an answer may make several calls; true if left out.")] | None
    ) = None
    max_output_tokens: Annotated[int, Meta(ge=1, description="The longest answer; else the context's end.")] | None = (
        None
    )
    temperature: Annotated[float, Meta(description="0 always takes the likeliest token.")] | None = None
    top_p: Annotated[float, Meta(description="Keep the likeliest tokens of this mass.")] | None = None
    text: TextConfig | None = None
    metadata: Annotated[dict[str, str], Meta(description="Labels, kept with the response.")] | None = None
    store: (
        Annotated[bool, Meta(description="Whether it can be asked for again, and gone on from; true if left out.")]
        | None
    ) = None
    background: Annotated[bool, Meta(description="Let it be answered whoever waits: look at it later.")] | None = None
    user: (
        Annotated[
            str, Meta(max_length=256, description="Who asks: all users are served evenly, and the run records it.")
        ]
        | None
    ) = None


class ResponseRequest(Echo, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to answer."""

    model: Annotated[str, Meta(description="The name of an installed model, or `default`.")]
    files: FileSearch | None = None
    memory: Remembers | None = None
    input: Annotated[str | list[InputItem], Meta(description="A text that the user says, or items.")]
    stream: Annotated[bool, Meta(description="Send the answer while it is written.")] | None = None
    truncation: Annotated[Literal["disabled"], Meta(description="Nothing is ever cut in silence.")] | None = None
    service_tier: Annotated[Literal["auto", "default"], Meta(description="There is one tier.")] | None = None
    include: Annotated[list[str], Meta(max_length=0, description="Must be empty.")] | None = None


def response_run(request: ResponseRequest, earlier: Sequence[Message]) -> RunRequest:
    """The run that answers, behind `earlier` messages; raises InvalidRequest for what makes no sense."""
    said = [Message.of("system", request.instructions)] if request.instructions else []
    echo = {field: getattr(request, field) for field in Echo.__struct_fields__}
    return RunRequest(
        model=request.model,
        messages=(*said, *earlier, *input_messages(request.input, earlier)),
        sampling=chosen_sampling(temperature=request.temperature, top_p=request.top_p),
        max_tokens=request.max_output_tokens,
        constraint=_constraint(request.text),
        tools=tool_use(request.tools or (), request.tool_choice, several=request.parallel_tool_calls is not False),
        files=file_use(request.files),
        memory=request.memory or False,
        client=request.user or "local",
        memo={MEMO: msgspec.to_builtins({field: value for field, value in echo.items() if value is not None})},
    )


def echo_of(run: RunRequest) -> Echo | None:
    """What a run keeps for its response; None where it answers none."""
    kept = run.memo.get(MEMO)
    return None if kept is None else msgspec.convert(kept, Echo)


def _constraint(text: TextConfig | None) -> Constraint | None:
    match text and text.format:
        case AnyJson():
            schema, parameter = ANY_OBJECT, "text.format"
        case SchemaJson(schema=asked):
            schema, parameter = asked, "text.format.schema"
        case _:
            return None
    return Constraint(kind="json_schema", value=msgspec.json.encode(schema).decode(), parameter=parameter)
