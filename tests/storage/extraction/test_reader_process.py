"""The process that reads documents: its limits, its end, and that the next file is read whatever the last one did."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from jackfield.errors import FileUnreadable, MissingDependency, ShuttingDown
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.settings_variables import variable_name
from jackfield.testing.sample_documents import pdf, word_document
from jackfield_storage.extraction.reader_process import PROGRAM, ReaderProcess

PAGE = b"<p>Some words"
LARGE_PAGE = b"<p>Some words" * 500_000
RUN = "from jackfield_storage.extraction import reader_program as program, page_text; {change}; program.main()"


@contextmanager
def reading(change: str = "", *, seconds: float = 60, memory_mb: int = 512) -> Iterator[ReaderProcess]:
    """A reader whose program is changed by a statement."""
    program = (sys.executable, "-P", "-c", RUN.format(change=change or "pass")) if change else PROGRAM
    reader = ReaderProcess(seconds=seconds, memory_mb=memory_mb, program=program)
    try:
        yield reader
    finally:
        reader.close()


def children() -> set[psutil.Process]:
    """Processes that this one started and that live."""
    return {child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


def test_one_process_reads_several_files_and_ends_when_it_is_closed() -> None:
    before = children()
    with reading() as reader:
        for _ in range(3):
            assert reader.read("html", PAGE, filename="a.html") == "Some words"
        (process,) = children() - before
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert children() == before


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    before = children()
    with reading(seconds=0.05) as reader:
        with pytest.raises(FileUnreadable, match=r"'a.html' takes longer than 0.05 seconds .*files.extraction_seconds"):
            reader.read("html", LARGE_PAGE, filename="a.html")
        assert children() == before
    with reading(
        "real, page_text.page_text = page_text.page_text, lambda html: real(html) if 'quick' in html else input()",
        seconds=3,
    ) as reader:
        with pytest.raises(FileUnreadable, match="takes longer than 3 seconds"):
            reader.read("html", PAGE, filename="a.html")
        assert reader.read("html", b"quick", filename="b.html") == "quick"


def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_is_read() -> None:
    with reading(memory_mb=16) as reader:
        with pytest.raises(FileUnreadable, match=r"'a.html' takes more than 16 MB .*files.extraction_memory_mb"):
            reader.read("html", LARGE_PAGE * 3, filename="a.html")
        assert reader.read("html", PAGE, filename="b.html") == "Some words"


@pytest.mark.parametrize(("end", "status"), [("os.abort()", -signal.SIGABRT), ("os._exit(3)", 3)])
def test_a_reader_that_dies_takes_nothing_along(end: str, status: int) -> None:
    change = f"import os; real = page_text.page_text; page_text.page_text = lambda html: {end} if 'die' in html else "
    change += "real(html)"
    with reading(change) as reader:
        assert reader.read("html", PAGE, filename="a.html") == "Some words"
        with pytest.raises(FileUnreadable, match=rf"'b.html' cannot be read: .*exit status {status}\)"):
            reader.read("html", b"die", filename="b.html")
        assert reader.read("html", PAGE, filename="c.html") == "Some words"


def test_a_reader_that_does_not_start_is_told() -> None:
    reader = ReaderProcess(seconds=1, memory_mb=128, program=(sys.executable, "-c", "raise SystemExit(4)"))
    with pytest.raises(FileUnreadable, match=r"exit status 4\)"):
        reader.read("html", PAGE, filename="a.html")
    reader.close()


@pytest.mark.parametrize("data", [pdf(["Some words"]), word_document([("", "Some words")])])
def test_without_markitdown_it_says_what_to_install(data: bytes) -> None:
    with reading("import sys; sys.modules['markitdown'] = None") as reader:
        kind = "pdf" if data.startswith(b"%PDF") else "office"
        with pytest.raises(MissingDependency, match=r"'a.doc' needs markitdown .*pip install 'jackfield\[documents\]'"):
            reader.read(kind, data, filename="a.doc")  # type: ignore[arg-type]
        assert reader.read("html", PAGE, filename="b.html") == "Some words"


def test_closing_ends_a_reading() -> None:
    started = threading.Event()
    refusals: list[str] = []

    def read(reader: ReaderProcess) -> None:
        started.set()
        try:
            reader.read("html", PAGE, filename="a.html")
        except ShuttingDown as refusal:
            refusals.append(str(refusal))

    with reading("page_text.page_text = lambda html: input()") as reader:
        thread = threading.Thread(target=read, args=(reader,))
        before = children()
        thread.start()
        started.wait(10)
        while not children() - before:
            thread.join(0.01)
        reader.close()
        thread.join(30)
        assert not thread.is_alive()
    assert len(refusals) == 1
    assert refusals[0].startswith("'a.html' ")


def test_it_ends_when_nothing_was_asked_for_a_while_and_starts_again() -> None:
    before = children()
    with reading("program.IDLE_SECONDS = 1") as reader:
        assert reader.read("html", PAGE, filename="a.html") == "Some words"
        (process,) = children() - before
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            threading.Event().wait(0.05)
        assert reader.read("html", PAGE, filename="a.html") == "Some words"


def test_it_ends_with_the_process_that_started_it() -> None:
    program = (
        "import os, psutil; from jackfield_storage.extraction.reader_process import ReaderProcess\n"
        "reader = ReaderProcess(seconds=9, memory_mb=256); reader.read('html', b'words', filename='a.html')\n"
        "print(psutil.Process().children()[0].pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    pid = int(done.stdout)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=30)
    assert done.returncode == -signal.SIGKILL
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_limits_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_name("files", "extraction_seconds"), "0.05")
    registry = PluginHost(LoadPolicy(only=frozenset({BUILT_IN, "storage"}))).load().registry
    extractor = registry.extractors.get("html")
    with pytest.raises(FileUnreadable, match=r"longer than 0.05 seconds"):
        extractor.extract(LARGE_PAGE, filename="a.html")
