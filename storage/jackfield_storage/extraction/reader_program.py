"""The program that reads web pages and documents: one order after the other, each within its time and memory.

It runs beside the process that indexes, so that a file made to exhaust or crash its reader takes nothing else along.
It ends when its orders' stream does, when nothing was asked for a while, or when an order takes far too long.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO
from zipfile import BadZipFile

import psutil  # type: ignore[import-untyped]

from jackfield_storage.extraction.office_archives import Refused, office_suffix
from jackfield_storage.extraction.orders import IDLE_SECONDS, START_SECONDS, Order, Report, receive, send

PROTECTED = frozenset({"PDFPasswordIncorrect", "PDFEncryptionError", "PDFTextExtractionNotAllowed"})
TIDIED: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    ".docx": (
        (re.compile(r"!\[([^\]\n]*)\]\(data:[^)\n]*\)"), r"\1"),
        (re.compile(r"\\([_*])"), r"\1"),
    ),
    ".pptx": (
        (re.compile(r"<!-- Slide number: \d+ -->\n(?=# )"), ""),
        (re.compile(r"<!-- Slide number: (\d+) -->"), r"# Slide \1"),
    ),
    ".xlsx": ((re.compile(r"(?<=\| )(?:NaN|Unnamed: \d+)(?= \|)"), ""),),
}
"""What a converter writes that was not in the document: pictures' bytes, escapes, names for what is empty."""

Read = Callable[[bytes], str]


def main() -> None:
    """Serve orders until there are no more."""
    orders, reports = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        signal.alarm(IDLE_SECONDS)
        try:
            order = receive(orders, Order)
        except EOFError:
            return
        signal.alarm(START_SECONDS + int(order.seconds) + 10)
        send(reports, _report(order, reports))


def _report(order: Order, reports: IO[bytes]) -> Report:
    """The boundary at which whatever goes wrong with a file becomes a report on it."""
    try:
        with _memory(order.memory_mb):
            suffix = office_suffix(order.data) if order.kind == "office" else f".{order.kind}"
        read = _reader(suffix)
        send(reports, Report(state="ready"))
        with _memory(order.memory_mb):
            text = read(order.data)
            text = text.replace("\0", "�").encode(errors="replace").decode()
    except Refused as refusal:
        return Report(state=refusal.state, detail=refusal.detail)
    except ImportError as error:
        return Report(state="library", detail=str(error))
    except MemoryError:
        return Report(state="memory")
    except RecursionError:
        return Report(state="nested")
    except BadZipFile as error:
        return Report(state="damaged", detail=str(error))
    except Exception as error:  # noqa: BLE001 - readers of documents raise whatever their libraries do
        return _failure(error)
    return Report(state="scanned" if suffix == ".pdf" and not text.strip() else "text", text=text)


def _failure(error: Exception) -> Report:
    name = type(error).__name__
    if name in PROTECTED:
        return Report(state="password")
    if name == "MissingDependencyException":
        return Report(state="library", detail=name)
    return Report(state="damaged", detail=f"{name}: {error}"[:300])


def _reader(suffix: str) -> Read:
    """What reads files of a kind, loaded."""
    if suffix == ".html":
        from jackfield_storage.extraction.page_text import page_text

        return lambda data: page_text(data.decode())
    return _document_reader(suffix)


def _document_reader(suffix: str) -> Read:
    """Markitdown's converters by themselves: which one it takes is known, and nothing has to be guessed."""
    from markitdown import DocumentConverter, StreamInfo
    from markitdown.converters import DocxConverter, PdfConverter, PptxConverter, XlsxConverter

    converters: dict[str, type[DocumentConverter]] = {
        ".docx": DocxConverter,
        ".pdf": PdfConverter,
        ".pptx": PptxConverter,
        ".xlsx": XlsxConverter,
    }

    def read(data: bytes) -> str:
        made = converters[suffix]().convert(BytesIO(data), StreamInfo(extension=suffix)).markdown
        for pattern, instead in TIDIED.get(suffix, ()):
            made = pattern.sub(instead, made)
        lines = (line.rstrip() for line in made.replace("\r\n", "\n").split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    return read


@contextmanager
def _memory(megabytes: int) -> Iterator[None]:
    """So much more than there is now, where the system can hold a process to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + (megabytes << 20)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
