"""The data folder, made and tried by every command that starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jackfield.wiring import make_folder


def test_commands_that_start_at_once_do_not_stumble_over_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: make_folder(folder), range(800)))
    assert list(folder.iterdir()) == []
