"""What the storage room offers: a state store, and a store for uploaded bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.files import Extractor
    from jackfield.contracts.records import StateStoreFactory
    from jackfield.contracts.uploads import BlobStoreFactory


@hookimpl
def jackfield_state_stores() -> list[Provided[StateStoreFactory]]:
    """One factory for both kinds of database, since the tables are the same."""
    return [Provided("sqlalchemy", _state_store_factory, "state in a SQLite file or on a PostgreSQL server")]


@hookimpl
def jackfield_blob_stores() -> list[Provided[BlobStoreFactory]]:
    """Files in the data folder."""
    return [Provided("files", _blob_store_factory, "uploaded bytes as files, each named for its BLAKE3 digest")]


@hookimpl
def jackfield_extractors() -> list[Provided[Extractor]]:
    """From the particular to the general: the first that claims a file reads it."""
    return [
        Provided("markdown", _markdown_extractor, "Markdown files"),
        Provided("text", _text_extractor, "text in any encoding that can be told"),
    ]


def _state_store_factory() -> StateStoreFactory:
    from jackfield_storage.state_store import SqlStateStoreFactory

    return SqlStateStoreFactory()


def _blob_store_factory() -> BlobStoreFactory:
    from jackfield_storage.blobs import FileBlobStores

    return FileBlobStores()


def _markdown_extractor() -> Extractor:
    from jackfield_storage.extraction.text import MarkdownExtractor

    return MarkdownExtractor()


def _text_extractor() -> Extractor:
    from jackfield_storage.extraction.text import TextExtractor

    return TextExtractor()
