"""A conversation as token ids, in which no message can pass for a control token.

The model's template is rendered twice, once with a marker in the place of every text and name: what lies between
markers is the template's own and may hold control tokens; texts and names are tokenized without any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from jackfield.contracts.engine import TokenEngine, ToolSchema
from jackfield.contracts.tools import ToolDescription
from jackfield.errors import EngineFailure, InvalidRequest
from jackfield.messages import Message, Span

_MARKER = "\ue0f0{}\ue0f1"
_MARKED = re.compile("\ue0f0((?:text|name)[0-9]+)\ue0f1")

Segments = list[tuple[str, bool]]
"""Stretches of a prompt, each with whether it is the template's own."""


def chat_tokens(engine: TokenEngine, messages: Sequence[Message], tools: Sequence[ToolDescription] = ()) -> list[int]:
    """The prompt up to where the reply starts, with the model's begin token; raises InvalidRequest.

    What tools say of themselves is the template's to write, so none may spell a control token.
    """
    schemas = [_tool_schema(tool, engine) for tool in tools]
    rendered = engine.render_chat(messages, schemas, reply_starts=True)
    segments = _template_segments(engine, messages, schemas, rendered)
    if segments is None:
        tokens = _whole_tokens(engine, messages, rendered)
    else:
        tokens = [token for text, is_template in segments for token in engine.tokenize(text, special=is_template)]
    return with_begin_token(engine, tokens)


def with_begin_token(engine: TokenEngine, tokens: list[int]) -> list[int]:
    """Tokens behind the begin token that the model wants, unless they have it already."""
    begin = engine.model.begin_token
    return tokens if begin is None or tokens[:1] == [begin] else [begin, *tokens]


def template_shows_tools(engine: TokenEngine) -> bool:
    """Whether the model's own chat template tells of tools."""
    name = "tool_that_is_looked_for"
    schema = _schema_of(ToolDescription(name=name, description="", parameters={"type": "object", "properties": {}}))
    try:
        return name in engine.render_chat([Message.of("user", "?")], [schema], reply_starts=True)
    except (InvalidRequest, EngineFailure):
        return False


def _tool_schema(tool: ToolDescription, engine: TokenEngine) -> ToolSchema:
    schema = _schema_of(tool)
    if _spells_control(engine, msgspec.json.encode(schema).decode()):
        raise InvalidRequest(
            f"The description of tool '{tool.name}' spells one of this model's control tokens; take it out.",
            parameter="tools",
        )
    return schema


def _schema_of(tool: ToolDescription) -> ToolSchema:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _template_segments(
    engine: TokenEngine, messages: Sequence[Message], schemas: Sequence[ToolSchema], rendered: str
) -> Segments | None:
    """The rendered text cut into what is the template's and what is not; None where the template changes what is said.

    Templates may strip texts, say a name more than once, or leave something out.
    """
    marked = [_marked(place, message) for place, message in enumerate(messages)]
    skeleton = engine.render_chat(marked, schemas, reply_starts=True)
    names = {f"name{place}": message.name or "" for place, message in enumerate(messages)}
    as_said = {f"text{place}": message.text for place, message in enumerate(messages)}
    stripped = {key: text.strip() for key, text in as_said.items()}
    for texts in (as_said, stripped):
        segments = list(_woven(skeleton, names | texts))
        if "".join(text for text, _ in segments) == rendered:
            return segments
    return None


def _woven(skeleton: str, said: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """The skeleton's own text, and in the places of its markers what they stand for."""
    for at, part in enumerate(_MARKED.split(skeleton)):
        is_marker = at % 2 == 1
        text = said.get(part, "") if is_marker else part
        if text:
            yield text, not is_marker


def _whole_tokens(engine: TokenEngine, messages: Sequence[Message], rendered: str) -> list[int]:
    """The rendered text in one piece, which is safe only while no message spells a control token."""
    for message in messages:
        if any(_spells_control(engine, said) for said in (message.text, message.name or "")):
            raise InvalidRequest(
                f"A {message.role} message spells one of this model's control tokens, and its chat template "
                "rewrites messages, so the two cannot be kept apart; take it out of the text.",
                parameter="messages",
            )
    return engine.tokenize(rendered, special=True)


def _spells_control(engine: TokenEngine, text: str) -> bool:
    return engine.tokenize(text, special=True) != engine.tokenize(text, special=False)


def _marked(place: int, message: Message) -> Message:
    """A message whose text, and name if it has one, are markers."""
    text = Span(_MARKER.format(f"text{place}"), message.role)
    name = None if message.name is None else _MARKER.format(f"name{place}")
    return msgspec.structs.replace(message, spans=(text,), name=name)
