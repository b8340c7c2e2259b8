"""What `make setup` does where something is missing, and what it says while it works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from build_engine import ToolMissing, engine_wheel, pinned_requirement, stage_of, wheel_folder
from watched_command import CommandFailed, Stage, run_watched

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make at the root, outside any make that runs the tests."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=outside, capture_output=True, text=True, timeout=60, check=False
    )


def python_that_lacks(folder: Path, module: str) -> Path:
    """An interpreter of the right version without one module of the standard library."""
    interpreter = folder / "python"
    interpreter.write_text(f'#!/bin/sh\ncase "$2" in *{module}*) exit 1;; esac\n', encoding="utf-8")
    interpreter.chmod(0o755)
    return interpreter


@needs_make
def test_make_alone_lists_every_goal() -> None:
    listed = make().stdout
    for goal in ("setup", "run", "test", "check", "bench", "lock", "clean"):
        assert f"make {goal} " in listed


@needs_make
def test_a_python_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.1" && exit\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    refused = make("setup", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}")
    assert refused.returncode != 0
    assert "is Python 3.9.1, but Jackfield needs Python 3.11 or later" in refused.stderr


@needs_make
def test_a_python_without_venv_is_one_sentence_that_says_what_to_install(tmp_path: Path) -> None:
    refused = make("setup", f"PYTHON={python_that_lacks(tmp_path, 'venv')}", f"VENV={tmp_path / 'venv'}")
    assert refused.returncode != 0
    assert "cannot create virtual environments" in refused.stderr
    assert "apt install python3-venv" in refused.stderr


def test_a_missing_compiler_is_named_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ToolMissing, match=r"No C compiler.*apt install build-essential"):
        engine_wheel(LOCK)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_that_was_built_for_these_options_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_CUDA=on")
    requirement = pinned_requirement(LOCK)
    folder = wheel_folder(requirement, "-DGGML_CUDA=on")
    assert folder != wheel_folder(requirement, "")
    assert folder != wheel_folder(requirement.replace("sha256:", "sha256:0"), "-DGGML_CUDA=on")
    folder.mkdir(parents=True)
    wheel = folder / "llama_cpp_python-0-py3-none-any.whl"
    wheel.touch()
    assert engine_wheel(LOCK) == wheel


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("  [12/83] Building CXX object ggml.cpp.o\n", Stage("compiling", 12, 83)),
        ("  [ 14%] Building CXX object ggml.cpp.o\n", Stage("compiling", 14, 100)),
        ("  *** Configuring CMake...\n", Stage("configuring")),
        ("  Installing build dependencies: started\n", Stage("fetching build tools")),
        ("  -- Found OpenMP\n", None),
    ],
)
def test_progress_is_read_from_what_the_build_prints(line: str, stage: Stage | None) -> None:
    assert stage_of(line) == stage


def test_a_failed_command_leaves_its_whole_output_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = "print('first'); print('[1/2] half'); raise SystemExit(3)"
    with pytest.raises(CommandFailed, match="exit status 3") as failure:
        run_watched("Trying", [sys.executable, "-c", program], stage_of, tmp_path / "log")
    assert failure.value.tail() == "first\n[1/2] half"
    assert "Trying: failed" in capsys.readouterr().out
