"""What came of a program, as a model reads it."""

from __future__ import annotations

from jackfield.contracts.tools import ToolResult
from jackfield_plugins.tools.python_sandbox.program import Ending

MOST_CHARACTERS = 4500
"""Of each output; both, the value and a traceback fit one result."""
OPEN = (
    "This code was not sandboxed: it could use the network, and the files and programs of the user it runs as. "
    "Install bubblewrap to change that."
)


def ending_in_words(ending: Ending) -> ToolResult:
    """Outputs, value and error, each under a heading; an error is one that stopped the program."""
    report = ending.report
    error = (report.error if report else None) or ""
    parts = [
        *_section("Output", ending.stdout),
        *_section("Error output", ending.stderr),
        *([f"Value: {report.value}"] if report and report.value is not None else []),
        *([f"The program failed:\n{error.rstrip()}"] if error else []),
    ]
    stopped = _stopped(ending)
    if stopped:
        parts.append(f"[{stopped}]")
    if not parts:
        parts.append("[The program ran. It printed nothing and its last line has no value; use print().]")
    failed = bool(error or stopped)
    return ToolResult(text="\n".join(parts), error=failed)


def _section(heading: str, output: bytes) -> list[str]:
    text = output.decode("utf-8", errors="replace").rstrip("\n")
    if not text:
        return []
    if len(text) <= MOST_CHARACTERS:
        return [f"{heading}:\n{text}"]
    return [
        f"{heading}:\n{text[:MOST_CHARACTERS]}\n[Only the first {MOST_CHARACTERS} characters are shown; print less.]"
    ]


def _stopped(ending: Ending) -> str:
    if ending.stopped:
        return f"The program was stopped because {ending.stopped}."
    if ending.report is None:
        return (
            f"The program ended by itself before its last line, with status {ending.status}; it may have been killed."
        )
    if ending.report.status:
        return f"The program ended with status {ending.report.status}."
    return ""
