"""What must hold before a step ends: its files are there and can be read, and the tests that it names pass."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping

from jackfield_plugins.agents.stored_program.file_store import StoredFile
from jackfield_plugins.agents.stored_program.trial import trial_program

RUNNER = "run_python"
LONGEST_FAILURE = 2000
"""Characters of a failed test's output that the model is shown, from its end."""


def faults_of(files: Mapping[str, StoredFile], paths: Iterable[str]) -> Iterator[str]:
    """What is wrong with files that a step promised or wrote, a sentence each."""
    for path in dict.fromkeys(paths):
        file = files.get(path)
        if file is None:
            yield f"{path} is not written yet."
        elif not file.content.strip():
            yield f"{path} is empty."
        elif reason := _unreadable(path, file.content):
            yield f"{path} {reason}"


def _unreadable(path: str, content: str) -> str | None:
    match path.rpartition(".")[2]:
        case "py":
            return _python_fault(content)
        case "json":
            return _json_fault(content)
        case _:
            return None


def _python_fault(content: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content)
    except SyntaxError as error:
        line = f", line {error.lineno}: {(error.text or '').strip()[:200]}" if error.lineno else ""
        return f"is not valid Python: {error.msg}{line}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"is not valid Python: {error}"
    return None


def _json_fault(content: str) -> str | None:
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        return f"is not valid JSON: {error}"
    return None


def tested(files: Mapping[str, StoredFile], test: str) -> str:
    """A program that lays out all files in a folder of its own and runs one test among them."""
    return trial_program({path: file.content for path, file in files.items()}, test)


def shortened(output: str) -> str:
    """The end of a test's output, with a notice where its beginning is left out."""
    if len(output) <= LONGEST_FAILURE:
        return output
    return f"[Only the last {LONGEST_FAILURE} of {len(output)} characters are shown.]\n{output[-LONGEST_FAILURE:]}"
