"""The OpenAPI document, served as JSON at /openapi.json."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Router
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    License,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIType

from jackfield.version import __version__
from jackfield_web.errors import ErrorBody
from jackfield_web.identity.rights import PUBLIC


def _error(description: str) -> ResponseSpec:
    return ResponseSpec(ErrorBody, description=description, generate_examples=False)


BAD_PARAMETER = {400: _error("A parameter is wrong.")}
NOT_FOUND = {**BAD_PARAMETER, 404: _error("There is nothing of that name.")}
ELSEWHERE = {409: _error("Another process executes the run.")}
NOT_PAUSED = {
    409: _error("The run does not wait for this."),
    413: _error("The body is larger than 32 MiB."),
    415: _error("The body is not JSON."),
}
UNRECOGNISED = {401: _error("Nobody was recognised: no key, no session, or one that holds no longer.")}
REFUSED = {403: _error("Who asks may not do this, or a page of another site asks.")}
FORBIDDEN = {403: _error("Who asks may not do this.")}
CONFLICT = {409: _error("It exists already, was done already, or would leave no active admin.")}
BAD_BODY = {
    **BAD_PARAMETER,
    413: _error("The body is larger than 32 MiB."),
    415: _error("The body is not JSON."),
}
TOO_MANY = {429: _error("Too many attempts. Retry-After says when to try again.")}
NOT_READY = {503: _error("Not yet: a model loads, or the store is out of reach. Retry-After says when to ask again.")}

ANSWER_ERRORS = {
    400: _error("A parameter is unknown, missing or wrong, or the prompt does not fit the context."),
    403: _error("A call was denied, or a page of another site asks."),
    404: _error("There is no model, tool or agent of that name."),
    409: _error("Somebody stopped the run before its answer was whole."),
    413: _error("The body is larger than 32 MiB."),
    415: _error("The body is not JSON."),
    422: _error("The run came to one of its limits, or did the same over and over."),
    429: _error("A budget has no room for it (`insufficient_quota`), or too much was asked for in a minute."),
    500: _error("The server failed; its log tells more."),
    502: _error("A tool failed, and the run with it."),
    503: _error("Not now: the model loads, the queue is full, or the server stops. Retry-After says when."),
    504: _error("A tool took too long, and the run ended with it."),
    507: _error("The model does not fit this machine's memory."),
}
"""What answering can end with, by status."""

UPLOAD_ERRORS = {
    400: _error("A field is unknown, missing or wrong, or the file is too large."),
    415: _error("The body is not multipart/form-data."),
    503: _error("The store is out of reach. Retry-After says when to ask again."),
    507: _error("The disk is full."),
}


LIBRARY_ERRORS = {
    400: _error("A parameter is unknown, missing or wrong, or a file is too large."),
    404: _error("There is no such collection, file, version or link."),
    409: _error("It exists already, was changed meanwhile, or is not empty."),
    422: _error("No text can be got out of the file."),
    423: _error("Somebody holds the file for themselves."),
    429: _error("Too much was asked for in a minute. Retry-After says when to try again."),
    500: _error("A file's bytes are damaged (`blob_damaged`), or the server failed; its log tells more."),
    501: _error("This server keeps no semantic files."),
    503: _error("The store is out of reach. Retry-After says when to ask again."),
    507: _error("The disk is full, or the collection is (`storage_full`)."),
}
"""What can be said of semantic files, by status."""

SHARED_ERRORS = TOO_MANY | {status: LIBRARY_ERRORS[status] for status in (500, 501, 503)}
PARTS = {
    206: ResponseSpec(None, description="A part of the bytes.", generate_examples=False),
    304: ResponseSpec(None, description="The bytes are those that one has.", generate_examples=False),
    416: _error("There are no such bytes; Content-Range says how many there are."),
}
"""What reading bytes can end with, where only some of them are asked for, or newer ones."""

PRECONDITION = {412: _error("The file is not the version that `If-Match` or `If-None-Match` expects.")}


def in_shape_of(shape: type, more: dict[int, str]) -> dict[int, ResponseSpec]:
    """What answering can end with in another protocol's words, and what else there."""
    described = {status: spec.description for status, spec in (UNRECOGNISED | ANSWER_ERRORS).items()} | more
    return {
        status: ResponseSpec(shape, description=description, generate_examples=False)
        for status, description in described.items()
    }


@dataclass
class WithoutBody(Operation):
    """An operation whose body may be left out, which Litestar has no words for."""

    def __post_init__(self) -> None:
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False


@dataclass
class Streaming(Operation):
    """An operation that answers with server-sent events where it is asked to, which Litestar has no words for."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content is not None:
            events = Schema(type=OpenAPIType.STRING, description="Server-sent events.")
            answer.content["text/event-stream"] = OpenAPIMediaType(schema=events)


TAGS = [
    Tag(name="Chat", description="Conversations, as the OpenAI API has them."),
    Tag(name="Messages", description="Conversations, as Anthropic's API has them."),
    Tag(name="Responses", description="Conversations that are kept, as OpenAI's newer API has them."),
    Tag(name="Files", description="Files that were uploaded."),
    Tag(name="Semantic files", description="Files that keep every version, found by words and by meaning."),
    Tag(name="Memory", description="What is remembered of whoever asks."),
    Tag(name="Completions", description="Raw prompts, as text or token ids."),
    Tag(name="Embeddings", description="Texts as vectors."),
    Tag(name="Models", description="What is installed, and what is loaded."),
    Tag(name="Runs", description="Every answer is a run on record, which can be followed, cancelled and decided on."),
    Tag(name="Tools", description="What models can call here."),
    Tag(name="Budgets", description="What may be spent, and what was."),
    Tag(name="Identity", description="Who uses the server: signing in, users, teams, invitations, keys, audit."),
    Tag(name="Health", description="For whatever watches the server."),
]


SECURITY_SCHEMES: dict[str, SecurityScheme | Reference] = {
    "bearer": SecurityScheme(type="http", scheme="bearer", description="An API key, as OpenAI's clients send it."),
    "apiKey": SecurityScheme(
        type="apiKey", name="x-api-key", security_scheme_in="header", description="The same, as Anthropic's send it."
    ),
    "session": SecurityScheme(
        type="apiKey",
        name="jackfield_session",
        security_scheme_in="cookie",
        description="A browser that is signed in. Changes also need the header x-csrf-token. Where the server's "
        "address begins with https, the cookie's name begins with `__Host-`.",
    ),
}


def openapi_config() -> OpenAPIConfig:
    """Only JSON: pages that show it would load their scripts from elsewhere."""
    return OpenAPIConfig(
        title="Jackfield",
        version=__version__,
        description="The OpenAI API over models on this machine, and the management of who may use it. "
        "While identity is switched off, any API key is accepted, and none is needed.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        tags=TAGS,
        components=Components(security_schemes=SECURITY_SCHEMES),
        path="/openapi.json",
        openapi_router=Router("/openapi.json", route_handlers=[], include_in_schema=False, opt=PUBLIC),
        render_plugins=[JsonRenderPlugin(path="/")],
    )
