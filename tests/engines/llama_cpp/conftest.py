"""Tiny models on disk, and the means to open them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp")

from jackfield.contracts.engine import EngineSettings
from jackfield.contracts.models import InstalledModel
from jackfield.testing.file_model import file_model
from jackfield.testing.tiny_gguf import write_chat_model, write_embedding_model
from jackfield_engines.llama_cpp.engine import LlamaCppEngine
from jackfield_engines.llama_cpp.factory import LlamaCppFactory

Install = Callable[[Path], InstalledModel]
Open = Callable[..., LlamaCppEngine]


@pytest.fixture(scope="session")
def chat_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model of random weights; nobody writes to it."""
    return write_chat_model(tmp_path_factory.mktemp("models") / "tiny-chat.gguf")


@pytest.fixture(scope="session")
def embedding_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedding model of random weights; nobody writes to it."""
    return write_embedding_model(tmp_path_factory.mktemp("models") / "tiny-embedding.gguf")


@pytest.fixture
def factory() -> LlamaCppFactory:
    """As the platform builds it."""
    return LlamaCppFactory()


@pytest.fixture
def install(factory: LlamaCppFactory) -> Install:
    """Makes a file an installed model, as the catalogue would."""

    def installed(path: Path) -> InstalledModel:
        return file_model(factory, path)

    return installed


@pytest.fixture
def open_chat(factory: LlamaCppFactory, install: Install, chat_file: Path) -> Iterator[Open]:
    """Opens the chat model, or another file, with small limits or others; closes it afterwards."""
    opened: list[LlamaCppEngine] = []

    def open_engine(path: Path | None = None, **settings: int) -> LlamaCppEngine:
        chosen = {"context_length": 256, "cells": 512, "sequences": 4, "batch_tokens": 64, "threads": 1} | settings
        engine = factory.open(install(path or chat_file), EngineSettings(**chosen))
        assert isinstance(engine, LlamaCppEngine)
        opened.append(engine)
        return engine

    yield open_engine
    for engine in opened:
        engine.close()


@pytest.fixture
def starter_file() -> Path:
    """The starter model's file."""
    path = Path(
        os.environ.get("JACKFIELD_TEST_MODEL")
        or Path.home() / ".cache" / "jackfield-models" / "smollm2-135m-instruct-q4_1.gguf"
    )
    if not path.is_file():
        pytest.fail(f"The starter model is not at {path}; `make test` brings it.")
    return path


@pytest.fixture(scope="session")
def embeddings_file() -> Path:
    """The file of the model that files are found by."""
    path = Path(
        os.environ.get("JACKFIELD_TEST_EMBEDDINGS")
        or Path.home() / ".cache" / "jackfield-models" / "all-minilm-l6-v2-q8_0.gguf"
    )
    if not path.is_file():
        pytest.fail(f"The embedding model is not at {path}; `make test` brings it.")
    return path
