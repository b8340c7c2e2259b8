"""Registers the tools over semantic files. Each is imported when a run first names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.tools import Tool


@hookimpl
def jackfield_tools() -> list[Provided[Tool]]:
    """Finding, reading and changing the files that whoever began a run may see."""
    return [
        Provided("search_library", _search_library, "finds passages of files by words and by meaning"),
        Provided("list_collections", _list_collections, "lists the collections of files"),
        Provided("list_documents", _list_documents, "lists the files of a collection"),
        Provided("read_document", _read_document, "reads the text of a file, or of an older version"),
        Provided("document_history", _document_history, "lists a file's versions"),
        Provided("compare_document", _compare_document, "shows what differs between two versions of a file"),
        Provided("write_document", _write_document, "writes a new version of a file"),
        Provided("rename_document", _rename_document, "renames a file"),
        Provided("delete_document", _delete_document, "deletes a file, whose versions stay"),
        Provided("restore_document", _restore_document, "brings back an older version, or a deleted file"),
    ]


def _search_library() -> Tool:
    from jackfield_plugins.library_tools.searching import SearchLibrary

    return SearchLibrary()


def _list_collections() -> Tool:
    from jackfield_plugins.library_tools.listing import ListCollections

    return ListCollections()


def _list_documents() -> Tool:
    from jackfield_plugins.library_tools.listing import ListDocuments

    return ListDocuments()


def _read_document() -> Tool:
    from jackfield_plugins.library_tools.reading import ReadDocument

    return ReadDocument()


def _document_history() -> Tool:
    from jackfield_plugins.library_tools.past import DocumentHistory

    return DocumentHistory()


def _compare_document() -> Tool:
    from jackfield_plugins.library_tools.past import CompareDocument

    return CompareDocument()


def _write_document() -> Tool:
    from jackfield_plugins.library_tools.changing import WriteDocument

    return WriteDocument()


def _rename_document() -> Tool:
    from jackfield_plugins.library_tools.changing import RenameDocument

    return RenameDocument()


def _delete_document() -> Tool:
    from jackfield_plugins.library_tools.changing import DeleteDocument

    return DeleteDocument()


def _restore_document() -> Tool:
    from jackfield_plugins.library_tools.changing import RestoreDocument

    return RestoreDocument()
