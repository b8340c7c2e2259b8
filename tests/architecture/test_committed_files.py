"""What is committed would work on any machine, against any package index."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES_A_PLACE = re.compile(rb"/(?:home|Users)/[a-z][\w.-]*/|/root/\.")
LOCK_OPTION = re.compile(rb"^(?:-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b", re.MULTILINE)


def committed_files() -> list[Path]:
    """Tracked files that hold text; skips where this is not a checkout."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    return [path for path in files if path.is_file() and path != Path(__file__)]


def test_no_committed_file_names_a_machines_path() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in committed_files()
        for match in NAMES_A_PLACE.finditer(path.read_bytes())
    ]
    assert found == []


def test_the_lock_pins_everything_with_hashes_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_bytes()
    assert not LOCK_OPTION.search(lock)
    pins = re.findall(rb"^(\S+)==.*\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(rb"^[a-z0-9].*==", lock, re.MULTILINE))
    assert b"llama-cpp-python" in {name for name, _ in pins}
