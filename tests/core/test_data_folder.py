"""The data folder, made and tried by every command that starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jackfield.testing.temporary_workbench import MODEL, temporary_workbench
from jackfield.wiring import make_folder


def test_commands_that_start_at_once_do_not_stumble_over_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: make_folder(folder), range(800)))
    assert list(folder.iterdir()) == []


async def test_saved_prefixes_go_with_their_model(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        kept = (await workbench.models.get(MODEL)).sha256[:32]
    for name in (kept, "of a model that was removed"):
        (tmp_path / "prefixes" / name).mkdir(parents=True, exist_ok=True)
    async with temporary_workbench(tmp_path):
        assert [folder.name for folder in (tmp_path / "prefixes").iterdir()] == [kept]
