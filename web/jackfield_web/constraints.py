"""The shape that an answer must have, in the words of three APIs: OpenAI's, llama-server's and vLLM's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from jackfield.contracts.sampling import Constraint
from jackfield.errors import InvalidRequest

ANY_OBJECT: dict[str, Any] = {"type": "object"}


class NamedSchema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON schema with a name; the answer is held to it whether `strict` is true or not."""

    schema: Annotated[Any, Meta(description="A JSON schema.")] = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenAI's: `text`, any JSON object, or what a JSON schema describes."""

    type: Annotated[str, Meta(description="`text`, `json_object` or `json_schema`.")]
    json_schema: NamedSchema | None = None
    schema: Annotated[Any, Meta(description="With `json_object`: a JSON schema for it, as llama-server takes it.")] = (
        None
    )


class StructuredOutputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """vLLM's, one of four; `triggers` are Jackfield's own."""

    json: Annotated[Any, Meta(description="A JSON schema, as an object or as its text.")] = None
    regex: Annotated[str, Meta(description="The whole answer matches this.")] | None = None
    choice: Annotated[list[str], Meta(description="The answer is one of these.")] | None = None
    grammar: Annotated[str, Meta(description="A GBNF grammar.")] | None = None
    triggers: (
        Annotated[list[str], Meta(description="The shape begins behind the first of these texts that is written.")]
        | None
    ) = None


def constraint_of(
    response_format: ResponseFormat | None,
    json_schema: Any,
    grammar: str | None,
    structured_outputs: StructuredOutputs | None,
) -> Constraint | None:
    """The one constraint that a request asks for; raises InvalidRequest where there are two, or one is incomplete."""
    asked = [
        *_of_format(response_format),
        *([] if json_schema is None else [_schema(json_schema, "json_schema")]),
        *([] if grammar is None else [Constraint(kind="grammar", value=grammar, parameter="grammar")]),
        *_of_outputs(structured_outputs),
    ]
    if len(asked) > 1:
        one, other = asked[0].parameter, asked[1].parameter
        raise InvalidRequest(f"'{one}' and '{other}' each ask for a shape; give one of them.", parameter=other)
    return asked[0] if asked else None


def _of_format(wanted: ResponseFormat | None) -> Iterator[Constraint]:
    match wanted:
        case None:
            return
        case ResponseFormat(type="text", json_schema=None, schema=None):
            return
        case ResponseFormat(type="json_object", json_schema=None, schema=schema):
            yield _schema(ANY_OBJECT if schema is None else schema, "response_format")
        case ResponseFormat(type="json_schema", json_schema=NamedSchema(schema=schema), schema=None) if (
            schema is not None
        ):
            yield _schema(schema, "response_format")
        case ResponseFormat(type="json_schema"):
            place = "response_format.json_schema.schema"
            raise InvalidRequest(f"Parameter '{place}' is missing.", parameter=place)
        case ResponseFormat(type="text" | "json_object"):
            message = f"response_format '{wanted.type}' takes no JSON schema there; use 'json_schema' for one."
            raise InvalidRequest(message, parameter="response_format")
        case _:
            message = f"response_format '{wanted.type}' is not known; use 'text', 'json_object' or 'json_schema'."
            raise InvalidRequest(message, parameter="response_format.type")


def _of_outputs(wanted: StructuredOutputs | None) -> Iterator[Constraint]:
    if wanted is None:
        return
    place = "structured_outputs"
    asked = []
    if wanted.json is not None:
        asked.append(_schema(wanted.json, f"{place}.json"))
    if wanted.regex is not None:
        asked.append(Constraint(kind="regex", value=wanted.regex, parameter=f"{place}.regex"))
    if wanted.choice is not None:
        asked.append(Constraint(kind="choice", value=_text(wanted.choice), parameter=f"{place}.choice"))
    if wanted.grammar is not None:
        asked.append(Constraint(kind="grammar", value=wanted.grammar, parameter=f"{place}.grammar"))
    if not asked:
        raise InvalidRequest(f"'{place}' must have json, regex, choice or grammar.", parameter=place)
    triggers = tuple(wanted.triggers or ())
    yield from (msgspec.structs.replace(constraint, triggers=triggers) for constraint in asked)


def _schema(schema: Any, parameter: str) -> Constraint:
    value = schema if isinstance(schema, str) else _text(schema)
    return Constraint(kind="json_schema", value=value, parameter=parameter)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
