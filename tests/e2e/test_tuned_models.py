"""Tuning a model with the real command, database and engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.testing.tiny_gguf import write_chat_model

STARTER = Path.home() / ".cache" / "jackfield-models" / "smollm2-135m-instruct-q4_1.gguf"

Jackfield = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A data folder and settings of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
    return {**kept, "JACKFIELD_HOME": str(tmp_path / "home"), "JACKFIELD_SETTINGS": str(tmp_path / "j.toml")}


@pytest.fixture
def jackfield(environment: dict[str, str]) -> Jackfield:
    """Runs a command in a process; it must go well."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "jackfield", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


def files_in(folder: Path) -> list[str]:
    """What lies there but the locks, which stay, and the database."""
    files = (path for path in (folder / "models").rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path.name for path in files)


@pytest.mark.slow
def test_a_tuned_model_answers_and_goes(jackfield: Jackfield, tmp_path: Path) -> None:
    original = write_chat_model(tmp_path / "tiny.gguf")
    jackfield("models", "pull", str(original))
    found = json.loads(jackfield("models", "tune", "tiny", "--keep", "Q8_0", "--json").stdout)
    assert found["kept"] == "tiny-tuned"
    assert found["formats"][0]["divergence"]["mean"] < 0.01
    answer = json.loads(jackfield("ask", "the cat", "--max-tokens", "4", "--json").stdout)
    assert answer["model"] == "tiny-tuned"
    jackfield("models", "rm", "tiny-tuned", "--yes")
    assert files_in(tmp_path / "home") == ["tiny.gguf"]


@pytest.mark.slow
def test_ctrl_c_ends_a_tuning_at_once_and_leaves_nothing(
    jackfield: Jackfield, environment: dict[str, str], tmp_path: Path
) -> None:
    jackfield("models", "pull", str(write_chat_model(tmp_path / "tiny.gguf")))
    with subprocess.Popen(
        [sys.executable, "-m", "jackfield", "models", "tune", "tiny"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as tuning:
        assert tuning.stderr is not None
        while "writing" not in tuning.stderr.readline():
            time.sleep(0.001)
        tuning.send_signal(signal.SIGINT)
        said = tuning.stderr.read()
        assert tuning.wait(60) == 130
    assert "Stopped; nothing was kept." in said
    assert files_in(tmp_path / "home") == ["tiny.gguf"]


@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_starter_model_in_four_bits_still_predicts_much_as_it_did(jackfield: Jackfield, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The ferry leaves twice a day. In winter it often does not, because the wind is in the north. " * 8)
    jackfield("models", "pull", os.environ.get("JACKFIELD_TEST_MODEL", str(STARTER)), "--name", "starter", "--link")
    tune = ("models", "tune", "starter", "--keep", "Q4_0_M", "--text", str(text), "--json")
    (found,) = json.loads(jackfield(*tune).stdout)["formats"]
    assert 0.001 < found["divergence"]["mean"] < 0.5
    assert found["divergence"]["flips"] < 0.5
    assert found["bytes"] < 98_000_000
    assert json.loads(jackfield("ask", "Hello!", "--max-tokens", "8", "--json").stdout)["model"] == "starter-tuned"
