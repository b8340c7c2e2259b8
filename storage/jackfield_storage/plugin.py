"""What the storage room offers: state, uploaded bytes, files and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from jackfield.contracts.files import Extractor, FileStoreFactory, VectorIndexFactory
    from jackfield.contracts.memory import MemoryFactory
    from jackfield.contracts.records import StateStoreFactory
    from jackfield.contracts.uploads import BlobStoreFactory
    from jackfield_storage.extraction.reader_process import ReaderProcess


@hookimpl
def jackfield_state_stores() -> list[Provided[StateStoreFactory]]:
    """One factory for both kinds of database, since the tables are the same."""
    return [Provided("sqlalchemy", _state_store_factory, "state in a SQLite file or on a PostgreSQL server")]


@hookimpl
def jackfield_blob_stores() -> list[Provided[BlobStoreFactory]]:
    """Files in the data folder."""
    return [Provided("files", _blob_store_factory, "uploaded bytes as files, each named for its BLAKE3 digest")]


@hookimpl
def jackfield_file_stores() -> list[Provided[FileStoreFactory]]:
    """Files in the database of the state, and their bytes in the blob store."""
    return [Provided("sqlalchemy", _file_store_factory, "files that never lose a version, beside the state")]


@hookimpl
def jackfield_extractors() -> list[Provided[Extractor]]:
    """From the particular to the general: the first that claims a file reads it."""
    return [
        Provided("documents", _document_extractor, "PDF, Word, Excel and PowerPoint"),
        Provided("html", _html_extractor, "web pages"),
        Provided("markdown", _markdown_extractor, "Markdown"),
        Provided("table", _table_extractor, "CSV and TSV"),
        Provided("code", _code_extractor, "source code and configuration"),
        Provided("text", _text_extractor, "text in any encoding that can be told"),
    ]


@hookimpl
def jackfield_vector_indexes() -> list[Provided[VectorIndexFactory]]:
    """Nearest neighbours in memory."""
    return [Provided("faiss", _vector_index_factory, "vectors looked at one by one, or in lists where there are many")]


@hookimpl
def jackfield_commands() -> list[Provided[click.Command]]:
    """`jackfield bench files`."""
    return [Provided("bench files", _bench, "How well and how fast files are found and put back.")]


@hookimpl
def jackfield_memories() -> list[Provided[MemoryFactory]]:
    """Units beside everything else."""
    return [Provided("sqlalchemy", _memory_factory, "memories in the same database")]


def _memory_factory() -> MemoryFactory:
    from jackfield_storage.memory.store import SqlMemories

    return SqlMemories()


def _vector_index_factory() -> VectorIndexFactory:
    from jackfield_storage.vectors.faiss_indexes import FaissIndexes

    return FaissIndexes()


def _state_store_factory() -> StateStoreFactory:
    from jackfield_storage.state_store import SqlStateStoreFactory

    return SqlStateStoreFactory()


def _blob_store_factory() -> BlobStoreFactory:
    from jackfield_storage.blobs import FileBlobStores

    return FileBlobStores()


def _file_store_factory() -> FileStoreFactory:
    from jackfield_storage.semantic_files.store import SqlFileStores

    return SqlFileStores()


def _reader() -> ReaderProcess:
    from jackfield.settings import load_settings
    from jackfield_storage.extraction.reader_process import ReaderProcess

    files = load_settings().files
    return ReaderProcess(seconds=files.extraction_seconds, memory_mb=files.extraction_memory_mb)


def _document_extractor() -> Extractor:
    from jackfield_storage.extraction.documents import DocumentExtractor

    return DocumentExtractor(_reader())


def _html_extractor() -> Extractor:
    from jackfield_storage.extraction.html import HtmlExtractor

    return HtmlExtractor(_reader())


def _table_extractor() -> Extractor:
    from jackfield_storage.extraction.text import TableExtractor

    return TableExtractor()


def _code_extractor() -> Extractor:
    from jackfield_storage.extraction.text import CodeExtractor

    return CodeExtractor()


def _markdown_extractor() -> Extractor:
    from jackfield_storage.extraction.text import MarkdownExtractor

    return MarkdownExtractor()


def _text_extractor() -> Extractor:
    from jackfield_storage.extraction.text import TextExtractor

    return TextExtractor()


def _bench() -> click.Command:
    from jackfield_storage.bench.command import command

    return command
