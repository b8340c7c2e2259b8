"""How the next token is drawn, and what shape an answer must have."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

import msgspec

from jackfield.errors import InvalidRequest

Bias = dict[int, float]


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a sampler needs; temperature 0 is greedy, `top_k` 0 keeps all tokens, `seed` None is fresh."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.8
    top_k: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 40
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    presence_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] = 0.0
    frequency_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] = 0.0
    penalty_window: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 64
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    logit_bias: Bias = {}


class SamplingOverrides(TypedDict, total=False):
    """The fields of `Sampling` that a request or a model sets; the rest keep the value beneath."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repeat_penalty: float
    presence_penalty: float
    frequency_penalty: float
    penalty_window: int
    seed: int
    logit_bias: Bias


def layered_sampling(*layers: SamplingOverrides) -> Sampling:
    """The platform's defaults with each layer laid over the one before; a value out of range is an InvalidRequest."""
    merged: dict[str, object] = {}
    for layer in layers:
        merged.update(layer)
    try:
        return msgspec.convert(merged, Sampling)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        field = place.rstrip("`") or None
        raise InvalidRequest(f"{field or 'sampling'}: {reason}.", parameter=field) from error


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """A shape that the whole answer must have; an engine that cannot hold it raises ConstraintUnsupported.

    `value` is a JSON schema, a grammar (GBNF), a regular expression that the whole must match, or a JSON list of
    choices. With `triggers` the model writes freely until it has written one of these texts, and all that follows has
    the shape. `parameter` is what the request calls it, for errors.
    """

    kind: Literal["json_schema", "grammar", "regex", "choice"]
    value: str
    triggers: tuple[str, ...] = ()
    parameter: str = "constraint"
