"""The trade-off between formats: what was measured of each, which are worth having, and which one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from jackfield.models.tuning.divergence import Divergence
from jackfield.models.tuning.speed import Speed

MOST_DIVERGENCE = 0.15
"""Nats, in the mean, that a chosen format may be from the file as pulled."""
NEAR = 1.05
"""Of formats that are fast to within this, the closest is chosen: timing is no more exact than that."""
LEAST_GAIN = 1.1
"""A format that is not this many times as fast is not worth a second file."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One format of a model; gains are against the file as pulled.

    `busy` says that something else had the machine whenever it was timed.
    """

    name: str
    summary: str
    bytes: int
    speed: Speed
    divergence: Divergence
    prefill_gain: float = 1.0
    decode_gain: float = 1.0
    gain: float = 1.0
    busy: bool = False

    def against(self, as_pulled: Speed) -> Measured:
        """The same with its gains over a speed of the file as pulled."""
        return replace(
            self,
            prefill_gain=self.speed.prefill / as_pulled.prefill,
            decode_gain=self.speed.decode / as_pulled.decode,
            gain=as_pulled.seconds / self.speed.seconds,
        )


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A format that could not be measured, and why, as a sentence."""

    name: str
    reason: str


Choice = Callable[[Sequence[Measured]], Measured | None]
"""What is kept of the formats measured so far."""


def best_within(most_divergence: float) -> Choice:
    """Of those whose mean divergence is within bounds, if any is worth a second file, the closest of the fastest."""

    def choice(formats: Sequence[Measured]) -> Measured | None:
        fit = [each for each in formats if each.divergence.mean <= most_divergence and each.gain >= LEAST_GAIN]
        fastest = max((each.gain for each in fit), default=0.0)
        near = [each for each in fit if each.gain * NEAR >= fastest]
        return min(near, key=lambda each: each.divergence.mean, default=None)

    return choice


def named(name: str) -> Choice:
    """The format of a name, whatever was measured of it."""
    return lambda formats: next((each for each in formats if each.name.lower() == name.lower()), None)


def nothing(_formats: Sequence[Measured]) -> None:
    """A choice that keeps no format."""


def front(formats: Sequence[Measured]) -> tuple[Measured, ...]:
    """Those that no other beats in both speed and closeness (Pareto), the fastest first."""
    ranked = sorted(formats, key=lambda each: (-each.gain, each.divergence.mean))
    best: list[Measured] = []
    for each in ranked:
        if not best or each.divergence.mean < best[-1].divergence.mean:
            best.append(each)
    return tuple(best)
