"""From a reference to a model on disk, with the real command, database and engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.testing.file_server import FileServer, ServedFile
from jackfield.testing.tiny_gguf import write_chat_model

Jackfield = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def jackfield(tmp_path: Path) -> Jackfield:
    """Runs a command in a process, with a data folder and settings of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
    surroundings = {**kept, "JACKFIELD_HOME": str(tmp_path / "home"), "JACKFIELD_SETTINGS": str(tmp_path / "j.toml")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jackfield", *arguments],
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    with FileServer() as server:
        server.files["/tiny.gguf"] = ServedFile.of(write_chat_model(tmp_path / "original.gguf").read_bytes())
        yield server


def finished(folder: Path) -> list[str]:
    """Model files under their final names."""
    return [path.name for path in folder.rglob("*.gguf") if ".incoming" not in path.parts]


@pytest.mark.slow
def test_a_pulled_model_is_listed_shown_and_removed(jackfield: Jackfield, server: FileServer, tmp_path: Path) -> None:
    server.files["/tiny.gguf"].cuts = [100_000]
    pulled = jackfield("models", "pull", f"{server.url}/tiny.gguf", "--default", "--json")
    assert pulled.returncode == 0, pulled.stderr
    model = json.loads(pulled.stdout)
    assert model["description"]["architecture"] == "llama"
    assert server.ranges == [None, "bytes=100000-"]
    assert [each["name"] for each in json.loads(jackfield("models", "ls", "--json").stdout)] == ["tiny"]
    assert "tiny (the default)" in jackfield("models", "show", "tiny").stdout
    assert jackfield("models", "rm", "tiny", "--yes").returncode == 0
    assert finished(tmp_path / "home") == []


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut short", "not a model"])
def test_a_file_that_no_engine_can_open_is_refused_and_not_kept(
    jackfield: Jackfield, server: FileServer, tmp_path: Path, harm: str
) -> None:
    content = server.files["/tiny.gguf"].content
    server.files["/tiny.gguf"] = ServedFile.of(content[:200_000] if harm == "cut short" else b"<html>" * 1000)
    refused = jackfield("models", "pull", f"{server.url}/tiny.gguf")
    assert refused.returncode == 7
    assert refused.stderr.splitlines()[-1].startswith(f"error: '{server.url}/tiny.gguf' is ")
    assert "Traceback" not in refused.stderr
    assert not list((tmp_path / "home").rglob("tiny.gguf*"))
    assert json.loads(jackfield("models", "ls", "--json").stdout) == []
