"""How the next token is drawn, and what shape an answer must have."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

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

    `value` is a JSON schema, a grammar (GBNF), a regular expression that the whole must match, a JSON list of choices,
    or a `CallShape` as JSON. With `triggers` the model writes freely until it has written one of these texts, and all
    that follows has the shape; the forms of calls are triggers themselves. `parameter` is what the request calls it,
    for errors.
    """

    kind: Literal["json_schema", "grammar", "regex", "choice", "calls"]
    value: str
    triggers: tuple[str, ...] = ()
    parameter: str = "constraint"


class ToolShape(msgspec.Struct, frozen=True, kw_only=True):
    """A tool's name and its arguments' JSON schema; what that does not name is forbidden where it says nothing."""

    name: str
    parameters: dict[str, Any]


class CallForm(msgspec.Struct, frozen=True, kw_only=True):
    """The text before the first call, between two calls, and behind the last; a blank stands for any white space.

    A call begins with a brace and its `name_key`. From where the form `commits` nothing but calls can follow: behind
    the opening text, behind the first name's key, or only behind the name of a tool and the key of its arguments.
    Before that all is free text. A form may be written anywhere, or only where a line begins.
    """

    opens: str
    separators: tuple[str, ...]
    closes: str
    commits: Literal["opening", "key", "name"]
    place: Literal["anywhere", "line"] = "line"
    name_key: str = "name"


class CallShape(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that are free text, or free text that ends in calls; or calls alone, in the first form, if `required`.

    A call is a JSON object: the tool's name, then its arguments under one of some keys. With `otherwise`, the value of
    a JSON schema stands in the place of free text, and calls are of the first form.
    """

    tools: tuple[ToolShape, ...]
    forms: tuple[CallForm, ...]
    several: bool
    required: bool
    arguments_keys: tuple[str, ...] = ("arguments",)
    otherwise: str | None = None

    @property
    def free(self) -> bool:
        """Whether an answer may be free text."""
        return not self.required and self.otherwise is None
