"""The instruction registry: a bounded number of steps, each of which promises files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield_plugins.agents.stored_program.paths import PATH

MOST_STEPS = 10
MOST_FILES = 4
"""In one step."""
LONGEST_INSTRUCTION = 500
"""Characters; without an end a small model may never come to one."""

_Path = Annotated[str, msgspec.Meta(pattern=rf"^(?:{PATH})\Z")]


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What a step is to do, the files that must be there when it ends, and those among them that test it."""

    instruction: str
    files: Annotated[tuple[_Path, ...], msgspec.Meta(min_length=1)]
    tests: tuple[_Path, ...] = ()


class Registry(msgspec.Struct, frozen=True):
    """A program's instructions, in the order in which they are carried out."""

    steps: Annotated[tuple[Instruction, ...], msgspec.Meta(min_length=1, max_length=MOST_STEPS)]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that some step promises, each once."""
        return tuple(dict.fromkeys(path for step in self.steps for path in step.files))

    def faults(self) -> list[str]:
        """What cannot be carried out as it is, a sentence each."""
        return [
            f"Step {number} runs the test {path}, which no step up to it writes."
            for number, path in self._unwritten_tests()
        ]

    def without_faults(self) -> Registry:
        """The same program without what cannot be carried out."""
        unwritten = set(self._unwritten_tests())
        steps = (
            msgspec.structs.replace(step, tests=tuple(path for path in step.tests if (number, path) not in unwritten))
            for number, step in enumerate(self.steps, 1)
        )
        return Registry(tuple(steps))

    def _unwritten_tests(self) -> Iterator[tuple[int, str]]:
        written: set[str] = set()
        for number, step in enumerate(self.steps, 1):
            written.update(step.files)
            yield from ((number, path) for path in step.tests if path not in written)


def read_registry(text: str) -> Registry:
    """Instructions as they were written; raises ValueError with what is wrong where they are none."""
    return msgspec.json.decode(text, type=Registry)


def registry_constraint(*, tests: bool) -> Constraint:
    """The shape of instructions; with `tests` a step may name files that test it."""
    path = {"type": "string", "pattern": f"^{PATH}$"}
    properties: dict[str, Any] = {
        "instruction": {"type": "string", "minLength": 1, "maxLength": LONGEST_INSTRUCTION},
        "files": {"type": "array", "items": path, "minItems": 1, "maxItems": MOST_FILES},
    }
    if tests:
        properties["tests"] = {"type": "array", "items": path, "maxItems": MOST_FILES}
    step = _object(properties)
    schema = _object({"steps": {"type": "array", "items": step, "minItems": 1, "maxItems": MOST_STEPS}})
    return Constraint(kind="json_schema", value=json.dumps(schema), parameter="instructions")


def listed(paths: Sequence[str]) -> str:
    """Names of files in a sentence."""
    return ", ".join(paths) or "none"


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
