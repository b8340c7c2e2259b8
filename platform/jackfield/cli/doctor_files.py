"""What `jackfield doctor` finds of semantic files: whether documents can be read, and how far the index is."""

from __future__ import annotations

from importlib.util import find_spec

from jackfield.cli.call_lines import count
from jackfield.cli.session import Session
from jackfield.contracts.diagnostics import Finding
from jackfield.contracts.files import IndexProgress
from jackfield.errors import JackfieldError, NothingRegistered

DOCUMENTS = ("markitdown", "openpyxl")
"""The packages of the extra `documents`."""


async def file_findings(session: Session) -> list[Finding]:
    """None about the index where no plugin keeps semantic files."""
    from jackfield.wiring import open_workbench

    try:
        async with open_workbench(session.settings, session.plugins) as workbench:
            index = _index(await workbench.library().indexing())
    except NothingRegistered:
        return [_documents()]
    except JackfieldError as error:
        index = Finding(subject="index", health="broken", detail=error.message, remedy="jackfield files verify")
    return [_documents(), index]


def _documents() -> Finding:
    missing = [package for package in DOCUMENTS if find_spec(package) is None]
    if not missing:
        return Finding(subject="documents", health="ok", detail="PDF, Word, Excel and PowerPoint files are read")
    return Finding(
        subject="documents",
        health="missing",
        detail=f"PDF, Word, Excel and PowerPoint files are kept and not read: no {' and no '.join(missing)}",
        remedy="pip install 'jackfield[documents]'",
        optional=True,
    )


def _index(now: IndexProgress) -> Finding:
    waiting = now.contents - now.contents_done - now.failed
    said = f"{count(now.contents_done, 'text')} indexed, {waiting:,} waiting"
    if now.failed:
        said += f", {now.failed:,} unreadable (`jackfield files ls --unread` says why)"
    if not now.done:
        said += "" if waiting else f"; {now.passages - now.passages_done:,} passages are not found by meaning yet"
        return Finding(subject="index", health="missing", detail=said, remedy="jackfield files index", optional=True)
    return Finding(subject="index", health="ok", detail=said)
