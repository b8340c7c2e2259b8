"""What the planner of a program, and the model in each of its steps, are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from jackfield.messages import Span
from jackfield_plugins.agents.stored_program.file_store import StoredFile
from jackfield_plugins.agents.stored_program.instructions import MOST_FILES, MOST_STEPS, Instruction, listed
from jackfield_plugins.agents.stored_program.outline import outline

_PLANNING = """\
Divide the user's task into steps that write files. You write no file now: each step is carried out later by somebody \
who sees the task and that step alone.
Answer with JSON: {{"steps": [...]}}, at most {steps} steps and as few as the task needs. Each step has "instruction" \
(what is to be in its files, with the names of functions that other files use) and "files" (1 to {files} paths that it \
writes). Each file is written in one step only, after those that it builds on. Tests are files such as test_name.py, \
with unittest. Folders are made by themselves; no step makes one, installs or runs anything.
Example for "A module that adds numbers, with a test":
{example}"""

_EXAMPLE = [
    {"instruction": "Write add(a, b), which returns the sum of two numbers.", "files": ["adding.py"]},
    {"instruction": "Test add from adding.py with unittest.", "files": ["test_adding.py"]},
]

_ACTING = """\
You carry out one step of a program that writes files. Answer with files only, each whole, in this form:
FILE {example}
```{language}
everything that the file is to hold
```
{more}Explain nothing outside the files. Keep each file under 150 lines."""

_READING = "To see a file first, answer with a line such as READ {example}\n"
_ENDING = "When nothing is left to write, answer with a line DONE.\n"

SUMMARISE = (
    "There is no room left. In at most five sentences: what of this step is done, what is wrong with it, "
    "and what is to be done next?"
)

NOT_DONE = "The step is not done:\n"
WRITE_AGAIN = "Write every file again in which something is to be changed."


def planning_instructions() -> str:
    """What the planner is told."""
    return _PLANNING.format(steps=MOST_STEPS, files=MOST_FILES, example=json.dumps({"steps": _EXAMPLE}))


def acting_instructions(step: Instruction, *, reads: bool) -> str:
    """What the model in a step is told of how it acts."""
    example = step.files[0]
    language = "python" if example.endswith(".py") else ""
    more = (_READING.format(example=example) if reads else "") + _ENDING
    return _ACTING.format(example=example, language=language, more=more)


def step_spans(
    number: int, steps: int, step: Instruction, files: Mapping[str, StoredFile], *, shown: Sequence[str], summary: Span
) -> list[Span]:
    """A step as its model reads it: what to do, what is there by name, and those files that it will need."""
    spans = [Span(f"Step {number} of {steps}: {step.instruction}\nWrite now: {listed(step.files)}\n", "assistant")]
    for path, file in files.items():
        if path not in shown:
            spans.append(Span(f"There is {path}{outline(path, file.content)}\n", file.span.provenance))
    for path in shown:
        spans += file_spans(path, files[path].span)
    return [*spans, Span("So far: ", "system"), summary] if summary.text else spans


def file_spans(path: str, content: Span) -> list[Span]:
    """A file's content under its name."""
    return [Span(f"FILE {path}\n```\n", "system"), content, Span("\n```\n", "system")]
