"""The instruction registry: a bounded number of steps, each of which promises files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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

_TEST = re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What a step is to do, and the files that must be there when it ends."""

    instruction: str
    files: Annotated[tuple[_Path, ...], msgspec.Meta(min_length=1)]

    @property
    def tests(self) -> tuple[str, ...]:
        """Those of its files that test others, which their names say: small planners lose track of a list of them."""
        return tuple(path for path in self.files if _TEST.fullmatch(path))


class Registry(msgspec.Struct, frozen=True):
    """A program's instructions, in the order in which they are carried out."""

    steps: Annotated[tuple[Instruction, ...], msgspec.Meta(min_length=1, max_length=MOST_STEPS)]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that some step promises, each once."""
        return tuple(dict.fromkeys(path for step in self.steps for path in step.files))


def read_registry(text: str) -> Registry:
    """Instructions as they were written; raises ValueError with what is wrong where they are none."""
    return msgspec.json.decode(text, type=Registry)


def registry_constraint() -> Constraint:
    """The shape of instructions."""
    step = _object(
        {
            "instruction": {"type": "string", "minLength": 1, "maxLength": LONGEST_INSTRUCTION},
            "files": {
                "type": "array",
                "items": {"type": "string", "pattern": f"^{PATH}$"},
                "minItems": 1,
                "maxItems": MOST_FILES,
            },
        }
    )
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
