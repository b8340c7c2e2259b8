"""A machine with a model that needs no weights, for tests of whole commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jackfield.testing.installation import Installation

SCRIPTED_ENGINE = Path(__file__).parents[1] / "sample_plugin" / "scripted_engine"
CALLING_MODEL = Path(__file__).parents[1] / "sample_plugin" / "calling_model"


@pytest.fixture(scope="session")
def _pulled(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A data folder with one model in it, brought by the real command; made once, copied for each test."""
    folder = tmp_path_factory.mktemp("pulled")
    file = folder / "scripted.gguf"
    file.write_bytes(b"GGUF scripted")
    installation = Installation(folder, SCRIPTED_ENGINE, plugins=("scripted-engine",))
    pulled = installation.run("models", "pull", str(file), "--name", "scripted", "--link")
    assert pulled.returncode == 0, pulled.stderr
    return installation


@pytest.fixture
def machine(tmp_path: Path, _pulled: Installation) -> Installation:
    """A machine whose one model, `scripted`, says back every user message; what it does is kept in SQLite."""
    machine = Installation(tmp_path, SCRIPTED_ENGINE, plugins=("scripted-engine",))
    shutil.copytree(_pulled.home, machine.home)
    return machine


@pytest.fixture
def calling(tmp_path: Path, _pulled: Installation) -> Installation:
    """A machine with our own tools, whose model makes the calls that its task tells it to; see the sample plugin."""
    plugins = ("calling-model", "tools", "agents", "function-calls", "guards")
    machine = Installation(tmp_path, CALLING_MODEL, plugins=plugins)
    machine.environment["JACKFIELD_TOOLS__PROTOCOL"] = "native"
    shutil.copytree(_pulled.home, machine.home)
    return machine
