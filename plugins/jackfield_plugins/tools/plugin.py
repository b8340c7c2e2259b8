"""Registers the built-in tools. Each is imported when a run first names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.diagnostics import Diagnostic
    from jackfield.contracts.tools import Tool


@hookimpl
def jackfield_tools() -> list[Provided[Tool]]:
    """Arithmetic, the time, files of a granted folder, public web pages, and Python in a sandbox."""
    return [
        Provided("calculator", _calculator, "works out arithmetic expressions"),
        Provided("clock", _clock, "tells the date, the time and the weekday"),
        Provided("list_files", _list_files, "lists the files of the granted folder"),
        Provided("read_file", _read_file, "reads a text file of the granted folder"),
        Provided("search_files", _search_files, "finds lines in the files of the granted folder"),
        Provided("write_file", _write_file, "writes a file of the granted folder"),
        Provided("edit_file", _edit_file, "replaces a text in a file of the granted folder"),
        Provided("web_fetch", _web_fetch, "fetches a public web page as text"),
        Provided("run_python", _run_python, "runs Python code in a sandbox"),
    ]


@hookimpl
def jackfield_diagnostics() -> list[Provided[Diagnostic]]:
    """How Python is kept from the rest of the machine."""
    return [Provided("python-sandbox", _sandbox_diagnostic, "how run_python is kept apart")]


def _calculator() -> Tool:
    from jackfield_plugins.tools.calculator import calculator

    return calculator


def _clock() -> Tool:
    from jackfield_plugins.tools.clock import clock

    return clock


def _list_files() -> Tool:
    from jackfield_plugins.tools.file_reading import ListFiles

    return ListFiles()


def _read_file() -> Tool:
    from jackfield_plugins.tools.file_reading import ReadFile

    return ReadFile()


def _search_files() -> Tool:
    from jackfield_plugins.tools.file_search import SearchFiles

    return SearchFiles()


def _write_file() -> Tool:
    from jackfield_plugins.tools.file_writing import WriteFile

    return WriteFile()


def _edit_file() -> Tool:
    from jackfield_plugins.tools.file_writing import EditFile

    return EditFile()


def _web_fetch() -> Tool:
    from jackfield.settings import load_settings
    from jackfield_plugins.tools.web_fetch import WebFetch

    return WebFetch(private_addresses=load_settings().tools.private_addresses)


def _run_python() -> Tool:
    from jackfield.settings import load_settings
    from jackfield_plugins.tools.python_sandbox.tool import RunPython

    return RunPython(unsandboxed=load_settings().tools.unsandboxed_python)


def _sandbox_diagnostic() -> Diagnostic:
    from jackfield.settings import load_settings
    from jackfield_plugins.tools.python_sandbox.diagnostic import SandboxDiagnostic

    return SandboxDiagnostic(unsandboxed=load_settings().tools.unsandboxed_python)
