"""A person at a terminal with files: commands in the test's own process, over SQLite, with or without an embedder."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from jackfield import builtin
from jackfield.cli.main import jackfield
from jackfield.cli.output import exit_code
from jackfield.cli.session import Session
from jackfield.contracts.engine import EngineFactory, EngineSettings, Fit
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.registration import Provided
from jackfield.errors import JackfieldError
from jackfield.hookspecs import hookimpl
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.scripted_engine import ScriptedEmbeddingEngine, ScriptedEngine
from jackfield.testing.word_embedder import word_vectors
from jackfield.wiring import open_store
from jackfield_migrations import plugin as migrations
from jackfield_storage import plugin as storage


class WordEngine(ScriptedEmbeddingEngine):
    """Texts that share words are near each other."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 256), unit length."""
        super().embed(texts)  # for what it refuses
        return word_vectors(texts)


class WordEngines:
    """Opens word engines, whatever file it is shown."""

    name = "words"

    def inspect(self, path: Path) -> ModelDescription:
        """What every word engine says of itself."""
        return msgspec.structs.replace(ScriptedEngine().model, embedding_size=256)

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        """Always."""
        return Fit(fits=True, bytes_needed=1, bytes_available=2)

    def open(self, model: InstalledModel, settings: EngineSettings) -> ScriptedEngine:
        """One that says nothing of interest."""
        return ScriptedEngine()

    def open_embedding(self, model: InstalledModel, settings: EngineSettings) -> WordEngine:
        """Vectors from words."""
        return WordEngine()


class WordPlugin:
    """Registers the word engines."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """The only ones here."""
        return [Provided("words", WordEngines)]


class Said(msgspec.Struct, frozen=True):
    """How a command ended, and what it wrote; `err` has the sentence of an error too."""

    code: int
    out: str
    err: str
    data: bytes

    @property
    def json(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The lines of a table, without its head."""
        return [line.split("\t") for line in self.out.splitlines()[1:]]


class Desk:
    """One data folder and the commands that are typed at it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, typed: str | bytes | None = None) -> Said:
        """Run `jackfield files …`."""
        return self.run("files", *arguments, typed=typed)

    def run(self, *arguments: str, typed: str | bytes | None = None) -> Said:
        """Run `jackfield …`."""
        result = CliRunner().invoke(jackfield, arguments, obj=self._session(), input=typed, standalone_mode=False)
        code, error = result.exit_code, ""
        if isinstance(result.exception, JackfieldError):
            code, error = exit_code(result.exception), f"error: {result.exception.message}\n"
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(code, result.stdout, result.stderr + error, result.stdout_bytes)

    def done(self, *arguments: str, typed: str | bytes | None = None) -> Said:
        """Run a command that must go well."""
        said = self(*arguments, typed=typed)
        assert said.code == 0, said.err
        return said

    def write(self, path: str, text: str) -> int:
        """A new version of a file, whose number is given."""
        version: int = self.done("add", "-", "--as", path, "--no-index", "--json", typed=text).json["version"]["number"]
        return version

    def install_embedder(self) -> None:
        """From here on files are found by meaning too."""
        file = self.home / "words.model"
        file.write_bytes(b"\x00")
        model = InstalledModel(
            name="embeddings",
            path=file,
            reference="words",
            sha256="7" * 64,
            pulled_at=datetime.now(UTC),
            description=WordEngines().inspect(file),
        )
        session = self._session()

        async def put() -> None:
            async with open_store(session.settings, session.plugins) as store:
                await store.models.put(model)

        asyncio.run(put())

    def _session(self) -> Session:
        session = Session()
        session.settings = load_settings(home=self.home)
        session.plugins = PluginHost(entries=[])
        for plugin, name in ((builtin, "platform"), (storage, "storage"), (migrations, "migrations")):
            session.plugins.register(plugin, name)
        session.plugins.register(WordPlugin(), "words")
        return session


@pytest.fixture(scope="session")
def _first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose tables are up to date; made once, copied for each test."""
    home = tmp_path_factory.mktemp("files") / "home"
    said = Desk(home).run("models", "ls")
    assert said.code == 0, said.err
    return home


@pytest.fixture(scope="session")
def desk_at(_first_home: Path) -> Callable[[Path], Desk]:
    """`desk_at(home)`: somebody without an embedder, whose data folder is new."""

    def made(home: Path) -> Desk:
        shutil.copytree(_first_home, home)
        return Desk(home)

    return made


@pytest.fixture
def desk(tmp_path: Path, desk_at: Callable[[Path], Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Somebody without an embedder, in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return desk_at(tmp_path / "home")
