"""The body of a text completion request, and the runs that answer it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from jackfield.contracts.runs import RunRequest
from jackfield.errors import InvalidRequest, UnsupportedParameter
from jackfield_web.generation import (
    GenerationRequest,
    check_stream_options,
    client_of,
    constraint,
    sampling_overrides,
    stop_sequences,
)

DEFAULT_MAX_TOKENS = 16
MAX_CHOICES = 128

Prompt = str | tuple[int, ...]


class CompletionRequest(GenerationRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Text to go on with."""

    prompt: Annotated[
        str | list[str | int | list[int]],
        Meta(description="A text, token ids, or a list of either; each is gone on with for itself."),
    ]
    max_tokens: Annotated[int, Meta(ge=1, description="The longest answer; 16 if left out.")] | None = None
    logprobs: (
        Annotated[int, Meta(ge=0, le=5, description="Tell how likely each token was, and so many likeliest ones.")]
        | None
    ) = None
    echo: Annotated[bool, Meta(description="Must be false.")] | None = None
    suffix: Annotated[str, Meta(description="Must be null.")] | None = None
    best_of: Annotated[int, Meta(description="Must be n, or left out.")] | None = None


def completion_runs(request: CompletionRequest) -> list[RunRequest]:
    """A run for each choice of each prompt, the choices of one prompt side by side; raises InvalidRequest."""
    check_stream_options(request)
    _check_unsupported(request)
    prompts = _prompts(request.prompt)
    choices = request.n or 1
    if len(prompts) * choices > MAX_CHOICES:
        asked = len(prompts) * choices
        message = f"{asked} answers are asked for at once; {MAX_CHOICES} are allowed."
        raise InvalidRequest(message, parameter="prompt")
    stop = stop_sequences(request)
    shape = constraint(request)
    return [
        RunRequest(
            model=request.model,
            prompt=prompt,
            sampling=sampling_overrides(request, choice=choice),
            max_tokens=request.max_tokens or DEFAULT_MAX_TOKENS,
            stop=stop,
            logprobs=request.logprobs,
            constraint=shape,
            client=client_of(request),
            adapter=request.adapter or None,
            priority=request.priority or "normal",
            overflow=request.overflow or "error",
        )
        for prompt in prompts
        for choice in range(choices)
    ]


def _check_unsupported(request: CompletionRequest) -> None:
    unsupported: dict[str, Any] = {"echo": request.echo, "suffix": request.suffix}
    if request.best_of not in (None, request.n or 1):
        unsupported["best_of"] = request.best_of
    for field, value in unsupported.items():
        if value:
            raise UnsupportedParameter(f"'{field}' is not supported; leave it out.", parameter=field)


def _prompts(prompt: str | list[str | int | list[int]]) -> list[Prompt]:
    if isinstance(prompt, str):
        return [prompt]
    texts = [entry for entry in prompt if isinstance(entry, str)]
    tokens = [entry for entry in prompt if isinstance(entry, int)]
    lists = [tuple(entry) for entry in prompt if isinstance(entry, list)]
    if not prompt or () in lists:
        raise InvalidRequest("'prompt' has an empty list; give a text, or token ids.", parameter="prompt")
    if len(prompt) not in (len(texts), len(tokens), len(lists)):
        sentence = "'prompt' mixes texts and token ids; all its entries must be of one kind."
        raise InvalidRequest(sentence, parameter="prompt")
    return [tuple(tokens)] if tokens else [*texts, *lists]
