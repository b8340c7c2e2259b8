"""The controllers of semantic files."""

from __future__ import annotations

from jackfield_web.library.change_controller import ChangeController
from jackfield_web.library.collection_controller import CollectionController
from jackfield_web.library.composing_controller import ComposingController
from jackfield_web.library.content_controller import ContentController
from jackfield_web.library.file_controller import LibraryFileController
from jackfield_web.library.link_controller import LinkController
from jackfield_web.library.search_controller import SearchController
from jackfield_web.library.shared_controller import SharedController

LIBRARY_CONTROLLERS = (
    SearchController,
    CollectionController,
    LibraryFileController,
    ContentController,
    ChangeController,
    ComposingController,
    LinkController,
    SharedController,
)
