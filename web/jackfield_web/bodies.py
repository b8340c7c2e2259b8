"""Request bodies: JSON decoded strictly into the Struct that a handler asks for, and faults as sentences."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException
from litestar.typing import FieldDefinition
from msgspec import inspect

from jackfield.errors import InvalidRequest, JackfieldError, UnknownParameter, UnsupportedParameter
from jackfield_web.errors import ClientGone
from jackfield_web.type_places import types_at

MAX_BODY_BYTES = 32 * 1024 * 1024

OPENAI_ONLY = frozenset({
    "audio", "include_obfuscation", "modalities", "moderation",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
    "safety_identifier", "service_tier", "verbosity", "web_search_options",
    "access_programs", "context_management", "conversation", "expires_after", "image", "include", "max_tool_calls",
    "partial_images", "prompt", "prompt_cache_breakpoint", "reasoning", "top_logprobs", "truncation",
})  # fmt: skip
"""Parameters of OpenAI's own service that mean nothing here, and so must not be taken in silence."""

ANTHROPIC_ONLY = frozenset({
    "allowed_callers", "container", "defer_loading", "diagnostics", "eager_input_streaming", "effort", "inference_geo",
    "input_examples", "mcp_servers", "output_format", "speed", "user_profile_id",
})  # fmt: skip
"""Parameters of Anthropic's."""

SERVICES = {**dict.fromkeys(OPENAI_ONLY, "OpenAI"), **dict.fromkeys(ANTHROPIC_ONLY, "Anthropic")}

_FAULT = re.compile(r"(?P<reason>.*?)(?: - at `(?:key in )?\$\.?(?P<place>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body, where a handler has a `data` parameter, is JSON of that parameter's type."""

    async def body(self) -> bytes:
        """The bytes of the body; raises InvalidRequest when there are none and the handler has no default."""
        if self._may_be_left_out and not await self._read():
            return b""
        media_type = self.content_type[0]
        if media_type != "application/json" and not media_type.endswith("+json"):
            sent = repr(media_type) if media_type else "none"
            detail = f"The body must be JSON: send 'Content-Type: application/json' (there was {sent})."
            raise HTTPException(status_code=415, detail=detail)
        body = await self._read()
        if not body:
            raise InvalidRequest("The request has no body; a JSON object was expected.")
        return body

    async def json(self) -> Any:
        """The body as the type that the handler asks for; raises InvalidRequest."""
        return decoded(await self.body(), self._wanted.annotation)

    @property
    def _wanted(self) -> FieldDefinition:
        return self.route_handler.parsed_fn_signature.parameters["data"]

    @property
    def _may_be_left_out(self) -> bool:
        return self._wanted.has_default

    async def _read(self) -> bytes:
        try:
            return await super().body()
        except InternalServerException as error:
            raise ClientGone from error


def decoded(body: bytes, kind: type) -> Any:
    """JSON as a Struct; raises InvalidRequest or UnknownParameter naming the place."""
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), kind) from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The body is not valid UTF-8: {_encoding_fault(body)}.") from error
    except RecursionError as error:
        raise InvalidRequest("The body is nested too deeply.") from error


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _invalid(fault: str, kind: type) -> JackfieldError:
    found = _FAULT.fullmatch(fault)
    reason, place = (found["reason"], found["place"] or "") if found else (fault, "")
    if unknown := _UNKNOWN.fullmatch(reason):
        return _unknown(unknown[1], place, kind)
    if missing := _MISSING.fullmatch(reason):
        parameter = _joined(place, missing[1])
        return InvalidRequest(f"Parameter '{parameter}' is missing.", parameter=parameter)
    subject = f"Parameter '{place}'" if place else "The body"
    reason = f"{reason[0].lower()}{reason[1:]}{_choices(place, kind)}"
    return InvalidRequest(f"{subject}: {reason}.", parameter=place or None)


def _unknown(field: str, place: str, kind: type) -> JackfieldError:
    parameter = _joined(place, field)
    if field in SERVICES:
        return UnsupportedParameter(
            f"Parameter '{parameter}' is known to {SERVICES[field]}'s service and not to this one; leave it out.",
            parameter=parameter,
        )
    known = [
        member.encode_name
        for struct in types_at(kind, place)
        if isinstance(struct, inspect.StructType)
        for member in struct.fields
    ]
    near = difflib.get_close_matches(field, known, n=1)
    hint = f"did you mean '{_joined(place, near[0])}'?" if near else f"known are {', '.join(sorted(known))}."
    return UnknownParameter(f"Unknown parameter '{parameter}'; {hint}", parameter=parameter)


def _choices(place: str, kind: type) -> str:
    values = [
        str(value)
        for literal in types_at(kind, place)
        if isinstance(literal, inspect.LiteralType)
        for value in literal.values
    ]
    values += [
        str(struct.tag)
        for struct in types_at(kind, place.rpartition(".")[0])
        if isinstance(struct, inspect.StructType) and struct.tag_field == place.rpartition(".")[2]
    ]
    return f", expected one of {', '.join(values)}" if values else ""


def _encoding_fault(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"{error.reason} (byte {error.start})"
    return "invalid characters"


def _joined(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field
