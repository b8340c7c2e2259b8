"""The OpenAPI document, served as JSON at /openapi.json."""

from __future__ import annotations

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License, Tag

from jackfield.version import __version__
from jackfield_web.errors import ErrorBody


def _error(description: str) -> ResponseSpec:
    return ResponseSpec(ErrorBody, description=description, generate_examples=False)


NOT_FOUND = {400: _error("A parameter is wrong."), 404: _error("There is nothing of that name.")}
NOT_READY = {503: _error("Not yet: a model loads, or the store is out of reach. Retry-After says when to ask again.")}

ANSWER_ERRORS = {
    400: _error("A parameter is unknown, missing or wrong, or the prompt does not fit the context."),
    404: _error("No model of that name is installed."),
    413: _error("The body is larger than 32 MiB."),
    415: _error("The body is not JSON."),
    500: _error("The server failed; its log tells more."),
    503: _error("Not now: the model loads, the queue is full, or the server stops. Retry-After says when."),
    507: _error("The model does not fit this machine's memory."),
}
"""What answering can end with, by status."""

TAGS = [
    Tag(name="Chat", description="Conversations, as the OpenAI API has them."),
    Tag(name="Completions", description="Raw prompts, as text or token ids."),
    Tag(name="Embeddings", description="Texts as vectors."),
    Tag(name="Models", description="What is installed, and what is loaded."),
    Tag(name="Runs", description="Every answer is a run on record, which can be followed and cancelled."),
    Tag(name="Health", description="For whatever watches the server."),
]


def openapi_config() -> OpenAPIConfig:
    """Only JSON: pages that show it would load their scripts from elsewhere."""
    return OpenAPIConfig(
        title="Jackfield",
        version=__version__,
        description="The OpenAI API over models on this machine. Any API key is accepted.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        tags=TAGS,
        path="/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/")],
    )
