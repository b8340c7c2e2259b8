"""A plan: numbered steps, each a call whose arguments may refer to what other steps give."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec

from jackfield_plugins.agents.plan_then_work.references import label, references


class Step(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is to be done, and by which call."""

    plan: str
    tool: str
    arguments: dict[str, Any]

    @cached_property
    def needs(self) -> frozenset[int]:
        """The numbers of the steps whose evidence goes into its arguments."""
        return references(self.arguments)


class Plan(msgspec.Struct, frozen=True, dict=True):
    """Steps by their number, from 1."""

    steps: Mapping[int, Step]

    def faults(self, tools: Collection[str]) -> list[str]:
        """Why it cannot be carried out as it is, a sentence each."""
        return [*self._unknown_tools(tools), *self._missing_steps(), *self._circles()]

    @cached_property
    def workable(self) -> frozenset[int]:
        """The steps that can be reached: nothing that they need is missing or waits for them."""
        reached: set[int] = set()
        while more := {number for number, step in self.steps.items() if step.needs <= reached} - reached:
            reached |= more
        return frozenset(reached)

    def _unknown_tools(self, tools: Collection[str]) -> Iterator[str]:
        for number, step in self.steps.items():
            if step.tool not in tools:
                yield f"{label(number)} calls '{step.tool}', and there is no such tool."

    def _missing_steps(self) -> Iterator[str]:
        for number, step in self.steps.items():
            for missing in sorted(step.needs - self.steps.keys()):
                yield f"{label(number)} uses {label(missing)}, and there is no step {label(missing)}."

    def _circles(self) -> Iterator[str]:
        circular = [number for number in self.steps if number in self._all_needed(number)]
        if circular:
            yield f"{', '.join(map(label, circular))} can never begin: they wait for themselves or for each other."

    def _all_needed(self, number: int) -> set[int]:
        """Everything that a step waits for, and what that waits for."""
        found: set[int] = set()
        waiting = list(self.steps[number].needs)
        while waiting:
            needed = waiting.pop()
            if needed in self.steps and needed not in found:
                found.add(needed)
                waiting += self.steps[needed].needs
        return found


class _Written(msgspec.Struct):
    steps: list[Step]


def read_plan(text: str) -> Plan:
    """A plan as the planner wrote it; raises ValueError with what is wrong where it is no plan."""
    written = msgspec.json.decode(text, type=_Written)
    return Plan(dict(enumerate(written.steps, 1)))
