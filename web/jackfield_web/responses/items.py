"""The items of a response's input, as clients send them, and as Jackfield has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest, UnsupportedParameter
from jackfield.messages import Call, Message, Role, Span
from jackfield_web.call_ledger import CallLedger, arguments_object

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
TEXT_PARTS = ("input_text", "output_text", "text")
NOT_CALLED = "no item before it makes that call; send the 'function_call' too, or name the response that made it."

T = TypeVar("T")

NotRead = Annotated[Any, Meta(description="Part of what was answered; not read.")]


class InputPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a content; only text can be read, and the others are there to be refused by name."""

    type: Annotated[str, Meta(description="`input_text` or `output_text`.")]
    text: str | None = None
    annotations: NotRead = None
    logprobs: NotRead = None
    parsed: NotRead = None
    image_url: Any = None
    file_id: Any = None
    file_data: Any = None
    file_url: Any = None
    filename: Any = None
    detail: Any = None
    input_audio: Any = None
    refusal: Any = None


class InputItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message, a call that the model made, or what a call came to."""

    type: (
        Annotated[str, Meta(description="`message` if left out; or `function_call`, or `function_call_output`.")] | None
    ) = None
    id: Annotated[str, Meta(description="Not read.")] | None = None
    status: Annotated[str, Meta(description="Not read.")] | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[InputPart] | None = None
    phase: None = None
    call_id: Annotated[str, Meta(min_length=1, description="The call, in both items about it.")] | None = None
    name: Annotated[str, Meta(description="The function that is called.")] | None = None
    arguments: Annotated[str, Meta(description="The JSON text of an object.")] | None = None
    output: str | list[InputPart] | None = None
    parsed_arguments: NotRead = None
    caller: None = None
    namespace: None = None
    runs_apart: None = msgspec.field(default=None, name="async")


def input_messages(given: str | Sequence[InputItem], earlier: Iterable[Message] = ()) -> tuple[Message, ...]:
    """The input's messages, behind `earlier` ones; raises InvalidRequest for what is not text.

    Calls belong to the assistant's message before them; a result must answer a call that was not answered yet.
    """
    if isinstance(given, str):
        return (Message.of("user", given),)
    ledger = CallLedger(earlier)
    messages: list[Message] = []
    for index, item in enumerate(given):
        place = f"input[{index}]"
        match item.type or "message":
            case "message":
                messages.append(_message(item, place))
            case "function_call":
                _add_call(messages, ledger.write(_call(item, place), f"{place}.call_id"))
            case "function_call_output":
                messages.append(_result(item, place, ledger))
            case other:
                sentence = (
                    f"'{place}' is of type '{other}', which models here cannot read; "
                    "send 'message', 'function_call' or 'function_call_output'."
                )
                raise UnsupportedParameter(sentence, parameter=f"{place}.type")
    return tuple(messages)


def _message(item: InputItem, place: str) -> Message:
    _refuse(item, ("call_id", "name", "arguments", "output"), "message", place)
    role = ROLES[_required(item.role, f"{place}.role")]
    texts = _texts(item.content, f"{place}.content")
    return Message(role=role, spans=tuple(Span(text, role) for text in texts))


def _call(item: InputItem, place: str) -> Call:
    _refuse(item, ("role", "content", "output"), "function_call", place)
    return Call(
        identifier=_required(item.call_id, f"{place}.call_id"),
        tool=_required(item.name, f"{place}.name"),
        arguments=arguments_object(_required(item.arguments, f"{place}.arguments"), f"{place}.arguments"),
    )


def _add_call(messages: list[Message], call: Call) -> None:
    if messages and messages[-1].role == "assistant":
        messages[-1] = msgspec.structs.replace(messages[-1], calls=(*messages[-1].calls, call))
    else:
        messages.append(Message(role="assistant", spans=(), calls=(call,)))


def _result(item: InputItem, place: str, ledger: CallLedger) -> Message:
    _refuse(item, ("role", "content", "arguments"), "function_call_output", place)
    identifier = _required(item.call_id, f"{place}.call_id")
    tool = ledger.answer(identifier, f"{place}.call_id", resend=NOT_CALLED)
    if item.name not in (None, tool):
        sentence = f"'{place}.name' is '{item.name}', and the call that it answers is of '{tool}'."
        raise InvalidRequest(sentence, parameter=f"{place}.name")
    spans = tuple(Span(text, "tool") for text in _texts(item.output, f"{place}.output"))
    return Message(role="tool", spans=spans, name=tool, answers=identifier)


def _texts(content: str | list[InputPart] | None, place: str) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,)
    parts = _required(content, place)
    return tuple(_text(part, f"{place}[{index}]") for index, part in enumerate(parts))


def _text(part: InputPart, place: str) -> str:
    if part.type not in TEXT_PARTS:
        sentence = f"'{place}' is of type '{part.type}', and models here read text only."
        raise UnsupportedParameter(sentence, parameter=f"{place}.type")
    for field in ("image_url", "file_id", "file_data", "file_url", "filename", "detail", "input_audio", "refusal"):
        if getattr(part, field) is not None:
            sentence = f"'{place}.{field}' does not belong to a part of type '{part.type}'."
            raise InvalidRequest(sentence, parameter=f"{place}.{field}")
    return _required(part.text, f"{place}.text")


def _refuse(item: InputItem, fields: Sequence[str], kind: str, place: str) -> None:
    for field in fields:
        if getattr(item, field) is not None:
            sentence = f"'{place}.{field}' does not belong to an item of type '{kind}'."
            raise InvalidRequest(sentence, parameter=f"{place}.{field}")


def _required(value: T | None, parameter: str) -> T:
    if value is None:
        raise InvalidRequest(f"Parameter '{parameter}' is missing.", parameter=parameter)
    return value
