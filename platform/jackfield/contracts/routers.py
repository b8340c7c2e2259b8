"""Routers: which model answers, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jackfield.messages import Message


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model that could answer; price in currency units for a million tokens, 0 when local."""

    model: str
    context_length: int
    input_price: float = 0.0
    output_price: float = 0.0


class RoutingDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Which model, why, and what it is expected to cost."""

    model: str
    reason: str
    expected_cost: float = 0.0


class Router(Protocol):
    """Chooses among candidates that can all do the request. It calls no candidate."""

    name: str

    def choose(self, messages: Sequence[Message], candidates: Sequence[Candidate]) -> RoutingDecision: ...
