"""Every engine keeps its contract's promises: the scripted one, and each factory's on a tiny and on a real model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.engine import EmbeddingEngine, EngineFactory, EngineSettings, TokenEngine
from jackfield.contracts.models import InstalledModel
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.testing.contract_suites.embedding_engine import EmbeddingEngineContract
from jackfield.testing.contract_suites.token_engine import TokenEngineContract
from jackfield.testing.file_model import file_model
from jackfield.testing.scripted_engine import ScriptedEmbeddingEngine, ScriptedEngine
from jackfield.testing.tiny_gguf import write_chat_model, write_embedding_model

FACTORIES = PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load().registry.engines
STARTER = Path(
    os.environ.get("JACKFIELD_TEST_MODEL")
    or Path.home() / ".cache" / "jackfield-models" / "smollm2-135m-instruct-q4_1.gguf"
)
SMALL = EngineSettings(context_length=256, cells=1024, sequences=8, batch_tokens=64)
TINY = msgspec.structs.replace(SMALL, threads=1)


@pytest.fixture(params=FACTORIES.names())
def factory(request: pytest.FixtureRequest) -> EngineFactory:
    """Each registered factory."""
    return FACTORIES.get(request.param)


@pytest.fixture
def installed(factory: EngineFactory) -> Callable[[Path], InstalledModel]:
    """Makes a file an installed model, as the catalogue would."""

    def install(path: Path) -> InstalledModel:
        return file_model(factory, path)

    return install


@pytest.fixture
def starter(installed: Callable[[Path], InstalledModel]) -> InstalledModel:
    """The starter model."""
    if not STARTER.is_file():
        pytest.fail(f"The starter model is not at {STARTER}; `make test` brings it.")
    return installed(STARTER)


class TestScriptedEngine(TokenEngineContract):
    """The engine that other tests stand on."""

    @pytest.fixture
    def engine(self) -> ScriptedEngine:
        """With its usual limits."""
        return ScriptedEngine()


class TestOnATinyModel(TokenEngineContract):
    """Each factory's engine, on random weights."""

    @pytest.fixture
    def engine(
        self, factory: EngineFactory, installed: Callable[[Path], InstalledModel], tmp_path: Path
    ) -> Iterator[TokenEngine]:
        """Opened with small limits."""
        yield from _opened(factory, installed(write_chat_model(tmp_path / "tiny.gguf")), TINY)


@pytest.mark.model
class TestOnTheStarterModel(TokenEngineContract):
    """Each factory's engine, on the model that comes with the platform."""

    @pytest.fixture
    def engine(self, factory: EngineFactory, starter: InstalledModel) -> Iterator[TokenEngine]:
        """Opened with small limits."""
        yield from _opened(factory, starter, SMALL)


class TestScriptedEmbedding(EmbeddingEngineContract):
    """The embedding engine that tests and plugin authors stand on."""

    @pytest.fixture
    def engine(self) -> EmbeddingEngine:
        """With its usual limits."""
        return ScriptedEmbeddingEngine()


class TestEmbeddingOnATinyModel(EmbeddingEngineContract):
    """Each factory's embedding engine, on an encoder of random weights."""

    @pytest.fixture
    def engine(
        self, factory: EngineFactory, installed: Callable[[Path], InstalledModel], tmp_path: Path
    ) -> Iterator[EmbeddingEngine]:
        """With its own limits."""
        engine = factory.open_embedding(
            installed(write_embedding_model(tmp_path / "tiny.gguf")), EngineSettings(threads=1)
        )
        yield engine
        engine.close()


class TestEmbeddingWithATinyChatModel(EmbeddingEngineContract):
    """Each factory's embedding engine, on a model that was made to write."""

    @pytest.fixture
    def engine(
        self, factory: EngineFactory, installed: Callable[[Path], InstalledModel], tmp_path: Path
    ) -> Iterator[EmbeddingEngine]:
        """With its own limits."""
        engine = factory.open_embedding(installed(write_chat_model(tmp_path / "tiny.gguf")), EngineSettings(threads=1))
        yield engine
        engine.close()


@pytest.mark.model
class TestEmbeddingWithTheStarterModel(EmbeddingEngineContract):
    """Each factory's embedding engine, on the model that comes with the platform."""

    @pytest.fixture
    def engine(self, factory: EngineFactory, starter: InstalledModel) -> Iterator[EmbeddingEngine]:
        """Takes texts of up to 256 tokens."""
        engine = factory.open_embedding(starter, EngineSettings(context_length=256))
        yield engine
        engine.close()


def _opened(factory: EngineFactory, model: InstalledModel, settings: EngineSettings) -> Iterator[TokenEngine]:
    engine = factory.open(model, settings)
    assert isinstance(engine, TokenEngine)
    yield engine
    engine.close()
