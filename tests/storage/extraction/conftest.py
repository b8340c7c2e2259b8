"""One process for all the documents of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jackfield_storage.extraction.documents import DocumentExtractor
from jackfield_storage.extraction.html import HtmlExtractor
from jackfield_storage.extraction.reader_process import ReaderProcess


@pytest.fixture(scope="session")
def reader() -> Iterator[ReaderProcess]:
    """With ordinary limits."""
    reader = ReaderProcess(seconds=60, memory_mb=1024)
    yield reader
    reader.close()


@pytest.fixture
def documents(reader: ReaderProcess) -> DocumentExtractor:
    """What reads documents."""
    return DocumentExtractor(reader)


@pytest.fixture
def pages(reader: ReaderProcess) -> HtmlExtractor:
    """What reads web pages."""
    return HtmlExtractor(reader)
