"""`jackfield models`: what a person and a program see of it."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jackfield import builtin
from jackfield.cli.main import jackfield
from jackfield.cli.model_pages import human_count
from jackfield.cli.pull_progress import TenthLines
from jackfield.cli.session import Session
from jackfield.contracts.models import ModelDescription
from jackfield.errors import InvalidRequest, JackfieldError, ModelNotFound, NameTaken, Unavailable
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.file_server import FileServer, ServedFile
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.temporary_workbench import ScriptedFactory, TemporaryPlugin
from jackfield_plugins.model_sources import plugin as model_sources

CONTENT = b"GGUF" + random.Random(6).randbytes(300_000)


class Templated(ScriptedFactory):
    """Scripted engines whose model has all that a page shows."""

    def inspect(self, path: Path) -> ModelDescription:
        """A model of 300,000 parameters."""
        return ModelDescription(
            name="Tiny",
            architecture="llama",
            format="Q4_0",
            parameters=300_000,
            bytes=1,
            vocabulary_size=258,
            context_length=512,
            embedding_size=64,
            layers=2,
            chat_template="{{ messages }}",
            licence="MIT",
        )


class Terminal:
    """A person's machine: commands run against one store, one data folder and one settings file."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self._store = InMemoryStateStore()
        self._runner = CliRunner()

    def run(self, *arguments: str, port: int = 5225, typed: str = "") -> Result:
        """Run `jackfield models …`."""
        session = Session()
        session.settings = load_settings(home=self.home, database_url="memory:", server={"port": port})
        session.plugins = PluginHost(entries=[])
        session.plugins.register(builtin, "platform")
        session.plugins.register(model_sources, "model-sources")
        session.plugins.register(TemporaryPlugin(Templated(), self._store), "temporary")
        return self._runner.invoke(jackfield, ["models", *arguments], obj=session, input=typed, standalone_mode=False)

    def ran(self, *arguments: str) -> Result:
        """Run a command that must go well."""
        result = self.run(*arguments)
        assert result.exception is None, result.exception
        return result

    def refusal(self, *arguments: str, port: int = 5225) -> JackfieldError:
        """The error that a command ends with."""
        error = self.run(*arguments, port=port).exception
        assert isinstance(error, JackfieldError)
        return error


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("JACKFIELD_SETTINGS", str(tmp_path / "jackfield.toml"))
    monkeypatch.delenv("JACKFIELD_DEFAULT_MODEL", raising=False)
    return Terminal(tmp_path)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def test_a_pull_tells_how_far_it_is_and_what_came(terminal: Terminal, original: Path) -> None:
    result = terminal.ran("pull", str(original), "--name", "tiny")
    assert "tiny: 100% of 300.0 kB" in result.stderr
    assert "'tiny' is ready: Tiny, Q4_0, 300k parameters, 300.0 kB." in result.stderr
    assert result.stdout == ""


def test_a_pull_prints_json_and_nothing_else_on_stdout(terminal: Terminal, original: Path) -> None:
    model = json.loads(terminal.ran("pull", str(original), "--json").stdout)
    assert model["name"] == "tiny"
    assert model["default"] is True
    assert Path(model["path"]).read_bytes() == CONTENT


def test_pulling_again_says_that_it_is_here(terminal: Terminal, original: Path) -> None:
    terminal.ran("pull", str(original))
    assert "'tiny' is here already" in terminal.ran("pull", str(original)).stderr


def test_a_default_is_kept_in_the_settings_file(terminal: Terminal, original: Path, tmp_path: Path) -> None:
    terminal.ran("pull", str(original), "--name", "a")
    terminal.ran("pull", str(original), "--name", "b", "--default")
    assert (tmp_path / "jackfield.toml").read_text() == 'default_model = "b"\n'
    assert terminal.ran("default", "a").stderr.startswith("'a' is the default model from now on")
    assert [model["name"] for model in json.loads(terminal.ran("ls", "--json").stdout) if model["default"]] == ["a"]


def test_only_an_installed_model_can_be_the_default(terminal: Terminal, tmp_path: Path) -> None:
    assert isinstance(terminal.refusal("default", "none"), ModelNotFound)
    assert not (tmp_path / "jackfield.toml").exists()


def test_a_variable_that_overrides_the_choice_is_mentioned(
    terminal: Terminal, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.ran("pull", str(original))
    monkeypatch.setenv("JACKFIELD_DEFAULT_MODEL", "another")
    assert "'another' is the default all the same" in terminal.ran("default", "tiny").stderr


def test_the_list_marks_the_default_and_files_that_are_gone(terminal: Terminal, original: Path) -> None:
    terminal.ran("pull", str(original), "--name", "a", "--default")
    terminal.ran("pull", str(original), "--name", "b")
    (terminal.home / "models" / "b" / "tiny.gguf").unlink()
    header, first, second = (line.split("\t") for line in terminal.ran("ls").stdout.splitlines())
    assert header == ["NAME", "FORMAT", "SIZE", "PARAMETERS", "CONTEXT", "REFERENCE", "PULLED"]
    assert first[:6] == ["a *", "Q4_0", "300.0 kB", "300k", "512", str(original)]
    assert (second[0], click.unstyle(second[2])) == ("b", "file gone")


def test_a_page_shows_all_that_is_known(terminal: Terminal, original: Path) -> None:
    terminal.ran("pull", str(original))
    page = dict(line.split(":", 1) for line in terminal.ran("show", "default").stdout.splitlines())
    assert page["name"].strip() == "tiny (the default)"
    assert page["format"].strip() == "Q4_0, 8.00 bits per weight"
    assert page["licence"].strip() == "MIT"
    assert len(page["sha256"].strip()) == 64
    assert terminal.ran("show", "tiny", "--template").stdout == "{{ messages }}\n"
    shown = json.loads(terminal.ran("show", "tiny", "--json").stdout)
    assert shown["description"]["bits_per_weight"] == 8.0


def test_a_name_that_is_taken_is_refused(terminal: Terminal, original: Path) -> None:
    terminal.ran("pull", str(original))
    original.write_bytes(CONTENT + b"more")
    assert isinstance(terminal.refusal("pull", str(original)), NameTaken)


def test_nothing_is_removed_unless_it_is_meant(terminal: Terminal, original: Path) -> None:
    terminal.ran("pull", str(original), "--name", "a")
    terminal.ran("pull", str(original), "--name", "b", "--link")
    assert isinstance(terminal.refusal("rm", "a"), InvalidRequest)
    assert isinstance(terminal.refusal("rm", "a", "none", "--yes"), ModelNotFound)
    assert len(json.loads(terminal.ran("ls", "--json").stdout)) == 2
    said = terminal.ran("rm", "a", "b", "a", "--yes").stderr
    assert "Removed 'a', 300.0 kB freed." in said
    assert f"Removed 'b'; {original} stays." in said
    assert json.loads(terminal.ran("ls", "--json").stdout) == []


def test_loaded_models_are_asked_of_the_running_server(terminal: Terminal, server: FileServer) -> None:
    loaded = {
        "name": "tiny",
        "purpose": "text",
        "bytes": 300_004,
        "context_length": 512,
        "requests": 2,
        "loaded_at": "2026-01-02T03:04:05Z",
        "used_at": "2026-01-02T03:04:06Z",
        "cache": {"used_cells": 300, "cells": 2048, "hit_rate": 0.875},
    }
    embeds = loaded | {"name": "small", "purpose": "embed", "cache": None}
    server.files["/api/models/loaded"] = ServedFile.of(json.dumps([loaded, embeds]).encode())
    port = int(server.url.rpartition(":")[2])
    assert json.loads(terminal.run("ps", "--json", port=port).stdout) == [loaded, embeds]
    header, row, other = terminal.run("ps", port=port).stdout.splitlines()
    assert header.split("\t")[0] == "NAME"
    assert row.split("\t")[:7] == ["tiny", "text", "300.0 kB", "512", "2", "300/2048", "88%"]
    assert other.split("\t")[5:7] == ["", ""]


def test_another_server_can_be_asked_for_its_loaded_models(terminal: Terminal, server: FileServer) -> None:
    server.files["/api/models/loaded"] = ServedFile.of(b"[]")
    port = server.url.rpartition(":")[2]
    assert json.loads(terminal.ran("ps", "--host", "127.0.0.1", "--port", port, "--json").stdout) == []
    assert isinstance(terminal.refusal("ps", "--host", "::1", "--port", port), Unavailable)


def test_no_server_is_said_in_words(terminal: Terminal, server: FileServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = terminal.refusal("ps", port=port)
    assert isinstance(error, Unavailable)
    assert f"No Jackfield server runs at http://127.0.0.1:{port}" in error.message
    other = terminal.refusal("ps", port=int(server.url.rpartition(":")[2]))
    assert "is no Jackfield server" in other.message


def test_lines_of_progress_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    known, unknown = TenthLines("known"), TenthLines("unknown")
    for done in range(1001):
        known(done, 1000)
        unknown(done * 500_000, None)
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("known")][:2] == ["known: 10% of 1.0 kB", "known: 20% of 1.0 kB"]
    assert len(said) == 15


@pytest.mark.parametrize(
    ("count", "words"), [(12, "12"), (134_515_008, "135M"), (1_543_000_000, "1.54B"), (30_500, "30.5k")]
)
def test_counts_read_well(count: int, words: str) -> None:
    assert human_count(count) == words
