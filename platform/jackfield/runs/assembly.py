"""From what a door asked to what the decode loop takes: the prompt tokenized, lengths checked, sampling settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from jackfield.contracts.engine import Adapter, TokenEngine
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.protocols import Presentation
from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import CallShape, Constraint, Sampling, layered_sampling
from jackfield.contracts.tools import ToolDescription
from jackfield.decoding.loaded_adapters import adaptable
from jackfield.decoding.request import DecodeRequest
from jackfield.errors import ContextOverflow, InvalidRequest
from jackfield.runs.prompt_tokens import chat_tokens, with_begin_token

SHORT_TEXT = 1024
"""Characters that are tokenized in less time than a thread takes to be asked."""


def is_short(request: RunRequest) -> bool:
    """Whether a request is assembled at once: short texts, and nothing to compile or to look up."""
    if request.constraint or request.references or request.adapter or request.prompt is not None:
        return False
    return sum(len(message.text) for message in request.messages) <= SHORT_TEXT


def assembled(
    request: RunRequest,
    model: InstalledModel,
    engine: TokenEngine,
    adapter: InstalledModel | None = None,
    *,
    shown: Presentation | None = None,
    tools: Sequence[ToolDescription] = (),
) -> DecodeRequest:
    """What to decode for a request; raises InvalidRequest or ContextOverflow. Blocking, unless it `is_short`.

    `shown` is the conversation as a call protocol presents it with its tools, in the place of the request's own.
    """
    _check_overflow(request, engine)
    suiting = _suiting_adapter(adapter, engine) if adapter else None
    constraint = _constraint(request, shown)
    if constraint:
        engine.compile_constraint(constraint)
    prompt = prompt_of(request, engine, shown=shown, tools=tools)
    room = engine.limits.context_length - len(prompt)
    if room < 1:
        raise ContextOverflow(
            prompt_tokens=len(prompt),
            context_length=engine.limits.context_length,
            parameter="messages" if request.prompt is None else "prompt",
        )
    slides = request.overflow == "slide"
    wanted = room if request.max_tokens is None else request.max_tokens
    return DecodeRequest(
        prompt=tuple(prompt),
        sampling=_sampling(request, model, engine),
        max_tokens=wanted if slides else min(wanted, room),
        slides=slides,
        stop=request.stop,
        logprobs=request.logprobs,
        constraint=constraint,
        client=request.client,
        priority=request.priority,
        adapter=suiting,
        references=tuple(tuple(engine.tokenize(text, special=False)) for text in request.references),
        blocks=shown.blocks if shown else (),
        parks_at=shown.parks_at if shown else (),
    )


def prompt_of(
    request: RunRequest,
    engine: TokenEngine,
    *,
    shown: Presentation | None = None,
    tools: Sequence[ToolDescription] = (),
) -> list[int]:
    """The tokens that a model reads before it answers, however long; raises InvalidRequest. Blocking."""
    return _prompt_tokens(request, engine) if shown is None else _presented_tokens(shown, tools, engine)


def _constraint(request: RunRequest, shown: Presentation | None) -> Constraint | None:
    of_calls = shown.constraint if shown else None
    if of_calls and request.constraint:
        if request.constraint.kind == "json_schema" and of_calls.kind == "calls" and not request.constraint.triggers:
            return _calls_or_json(of_calls, request.constraint)
        raise InvalidRequest(
            "A call protocol that shapes answers itself takes no other shape beside it than a JSON schema; "
            "leave the shape out, or ask with call_protocol 'native'.",
            parameter=request.constraint.parameter,
        )
    return of_calls or request.constraint


def _calls_or_json(calls: Constraint, answer: Constraint) -> Constraint:
    """An answer that calls, or else has the shape that was asked for."""
    shape = msgspec.structs.replace(msgspec.json.decode(calls.value, type=CallShape), otherwise=answer.value)
    return msgspec.structs.replace(calls, value=msgspec.json.encode(shape).decode(), parameter=answer.parameter)


def _suiting_adapter(installed: InstalledModel, engine: TokenEngine) -> Adapter:
    adapter = Adapter(name=installed.name, key=installed.sha256, path=installed.path)
    adaptable(engine).check_adapter(adapter)
    return adapter


def _check_overflow(request: RunRequest, engine: TokenEngine) -> None:
    if request.overflow == "compress":
        raise InvalidRequest(
            "overflow 'compress' is not available in this version; use 'error' or 'slide'.", parameter="overflow"
        )
    if request.overflow == "slide" and not engine.limits.slides:
        raise InvalidRequest("This model cannot slide its context; ask with overflow 'error'.", parameter="overflow")
    if request.overflow == "slide" and request.max_tokens is None:
        raise InvalidRequest(
            "overflow 'slide' lets an answer go on past the context: say with max_tokens how far.", parameter="overflow"
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


def _presented_tokens(shown: Presentation, tools: Sequence[ToolDescription], engine: TokenEngine) -> list[int]:
    in_template = tools if shown.in_template else ()
    return [
        *chat_tokens(engine, shown.messages, in_template),
        *engine.tokenize(shown.reply_starts, special=False),
    ]


def _check_vocabulary(tokens: Iterable[int], engine: TokenEngine, parameter: str) -> None:
    for token in tokens:
        if not 0 <= token < engine.model.vocabulary_size:
            raise InvalidRequest(
                f"Token id {token} is not in this model's vocabulary of {engine.model.vocabulary_size}.",
                parameter=parameter,
            )
