"""What chat and text completions have in common: how to draw tokens, where to stop, how many answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import Priority
from jackfield.contracts.sampling import Bias, Constraint, SamplingOverrides, layered_sampling
from jackfield.errors import InvalidRequest
from jackfield.version import __version__
from jackfield_web.constraints import ResponseFormat, StructuredOutputs, constraint_of

MAX_STOP_SEQUENCES = 16
MAX_BIAS = 100
LONGEST_TOKEN_ID = 10
SEEDS = 2**64

SYSTEM_FINGERPRINT = f"jackfield-{__version__}"
"""Two answers with one fingerprint, one seed and one request come from the same code."""

SAMPLING_FIELDS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "seed",
)


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a stream ends."""

    include_usage: Annotated[bool, Meta(description="Send the token counts in a last chunk.")] = False


class GenerationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of every request that has text written; what is null or left out is the model's default."""

    model: Annotated[str, Meta(description="The name of an installed model, or `default`.")]
    stream: Annotated[bool, Meta(description="Send the answer while it is written.")] | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=8, description="How many answers; answer i has seed + i.")] | None = None
    temperature: Annotated[float, Meta(description="0 always takes the likeliest token.")] | None = None
    top_p: Annotated[float, Meta(description="Keep the likeliest tokens of this mass.")] | None = None
    top_k: Annotated[int, Meta(description="Keep this many likeliest tokens; 0 keeps all.")] | None = None
    min_p: Annotated[float, Meta(description="Keep tokens this likely, as a share of the best.")] | None = None
    presence_penalty: Annotated[float, Meta(description="Above 0, what was written gets less likely.")] | None = None
    frequency_penalty: Annotated[float, Meta(description="The same, for each time it was written.")] | None = None
    repeat_penalty: Annotated[float, Meta(description="The same as a factor; 1 changes nothing.")] | None = None
    seed: (
        Annotated[
            int, Meta(description="The same seed and request draw the same tokens, but where two are nearly as likely.")
        ]
        | None
    ) = None
    stop: Annotated[str | list[str], Meta(description="The answer ends before any of these; 16 at most.")] | None = None
    logit_bias: (
        Annotated[dict[str, float], Meta(description="Token ids with what to add to their logits, -100 to 100.")] | None
    ) = None
    response_format: ResponseFormat | None = None
    json_schema: Annotated[Any, Meta(description="A JSON schema that the answer must have.")] = None
    grammar: Annotated[str, Meta(description="A GBNF grammar that the answer must have.")] | None = None
    structured_outputs: StructuredOutputs | None = None
    adapter: Annotated[str, Meta(description="The name of an installed LoRA adapter to answer with.")] | None = None
    priority: (
        Annotated[Priority, Meta(description="Who goes first where requests wait; normal if not said.")] | None
    ) = None
    overflow: (
        Annotated[
            Literal["error", "slide"],
            Meta(description="Where the context ends amid an answer: end, or drop the oldest tokens but the first."),
        ]
        | None
    ) = None
    user: (
        Annotated[
            str, Meta(max_length=256, description="Who asks: all users are served evenly, and the run records it.")
        ]
        | None
    ) = None


def check_stream_options(request: GenerationRequest) -> None:
    """Options of a stream make sense with one only."""
    if request.stream_options is not None and not request.stream:
        raise InvalidRequest("'stream_options' needs 'stream' to be true.", parameter="stream_options")


def wants_usage_chunk(request: GenerationRequest) -> bool:
    """Whether a stream ends with the token counts."""
    return request.stream_options is not None and request.stream_options.include_usage


def client_of(request: GenerationRequest) -> str:
    """On whose behalf a run is started."""
    return request.user or "local"


def sampling_overrides(request: GenerationRequest, *, choice: int = 0) -> SamplingOverrides:
    """The sampling that a request sets for one of its choices; raises InvalidRequest for what is out of range."""
    chosen: dict[str, Any] = {field: getattr(request, field) for field in SAMPLING_FIELDS}
    if request.logit_bias:
        chosen["logit_bias"] = _token_bias(request.logit_bias)
    overrides = chosen_sampling(**chosen)
    if request.seed is not None:
        overrides["seed"] = _wrapped(request.seed + choice)
    return overrides


def chosen_sampling(**chosen: Any) -> SamplingOverrides:
    """The fields of `Sampling` that are set, those that are None left out; raises InvalidRequest out of range."""
    overrides = cast("SamplingOverrides", {field: value for field, value in chosen.items() if value is not None})
    layered_sampling(overrides)
    return overrides


def constraint(request: GenerationRequest) -> Constraint | None:
    """The shape that the answer must have; raises InvalidRequest where two are asked for."""
    return constraint_of(request.response_format, request.json_schema, request.grammar, request.structured_outputs)


def stop_sequences(request: GenerationRequest) -> tuple[str, ...]:
    """What ends an answer; raises InvalidRequest for an empty one or too many."""
    return checked_stop_sequences((request.stop,) if isinstance(request.stop, str) else request.stop or (), "stop")


def checked_stop_sequences(stop: Sequence[str], parameter: str) -> tuple[str, ...]:
    """The same under another name."""
    if len(stop) > MAX_STOP_SEQUENCES:
        message = f"'{parameter}' has {len(stop)} sequences; {MAX_STOP_SEQUENCES} are allowed."
        raise InvalidRequest(message, parameter=parameter)
    if "" in stop:
        message = f"'{parameter}' has an empty sequence, which every answer has at once."
        raise InvalidRequest(message, parameter=parameter)
    return tuple(stop)


def _token_bias(biases: dict[str, float]) -> Bias:
    for token, bias in biases.items():
        if not (token.isascii() and token.isdigit() and len(token) <= LONGEST_TOKEN_ID):
            message = f"'logit_bias' has the key {token!r:.40}; its keys are token ids, such as \"1234\"."
            raise InvalidRequest(message, parameter="logit_bias")
        if not -MAX_BIAS <= bias <= MAX_BIAS:
            message = f"'logit_bias' of token {token} is {bias:g}; it goes from -{MAX_BIAS} to {MAX_BIAS}."
            raise InvalidRequest(message, parameter="logit_bias")
    return {int(token): bias for token, bias in biases.items()}


def _wrapped(seed: int) -> int:
    """A seed in the 64 signed bits that samplers take."""
    return (seed + SEEDS // 2) % SEEDS - SEEDS // 2
