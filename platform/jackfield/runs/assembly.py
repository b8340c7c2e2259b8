"""From what a door asked to what the decode loop takes: the prompt tokenized, lengths checked, sampling settled."""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.contracts.engine import TokenEngine
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Sampling, layered_sampling
from jackfield.decoding.request import DecodeRequest
from jackfield.errors import ContextOverflow, InvalidRequest
from jackfield.runs.prompt_tokens import chat_tokens, with_begin_token


def assembled(request: RunRequest, model: InstalledModel, engine: TokenEngine) -> DecodeRequest:
    """What to decode for a request; raises InvalidRequest or ContextOverflow. Blocking, off the event loop."""
    if request.overflow != "error":
        raise InvalidRequest(
            f"overflow '{request.overflow}' is not available in this version; use 'error'.",
            parameter="overflow",
        )
    prompt = _prompt_tokens(request, engine)
    room = engine.limits.context_length - len(prompt)
    if room < 1:
        raise ContextOverflow(
            prompt_tokens=len(prompt),
            context_length=engine.limits.context_length,
            parameter="messages" if request.prompt is None else "prompt",
        )
    return DecodeRequest(
        prompt=tuple(prompt),
        sampling=_sampling(request, model, engine),
        max_tokens=room if request.max_tokens is None else min(request.max_tokens, room),
        stop=request.stop,
        logprobs=request.logprobs,
        constraint=request.constraint,
        client=request.client,
        priority=request.priority,
    )


def _sampling(request: RunRequest, model: InstalledModel, engine: TokenEngine) -> Sampling:
    sampling = layered_sampling(model.sampling, request.sampling)
    _check_vocabulary(sampling.logit_bias, engine, "logit_bias")
    return sampling


def _prompt_tokens(request: RunRequest, engine: TokenEngine) -> list[int]:
    if request.prompt is None:
        if not request.messages:
            raise InvalidRequest("There is nothing to answer: give at least one message.", parameter="messages")
        return chat_tokens(engine, request.messages)
    if isinstance(request.prompt, str):
        tokens = with_begin_token(engine, engine.tokenize(request.prompt, special=True))
    else:
        tokens = list(request.prompt)
        _check_vocabulary(tokens, engine, "prompt")
    if not tokens:
        raise InvalidRequest("The prompt is empty: give at least one token to go on from.", parameter="prompt")
    return tokens


def _check_vocabulary(tokens: Iterable[int], engine: TokenEngine, parameter: str) -> None:
    for token in tokens:
        if not 0 <= token < engine.model.vocabulary_size:
            raise InvalidRequest(
                f"Token id {token} is not in this model's vocabulary of {engine.model.vocabulary_size}.",
                parameter=parameter,
            )
