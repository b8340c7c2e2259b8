"""write_file and edit_file: whole files or none, in the folder or nowhere."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.tools import RunScope, ToolResult
from jackfield.errors import ArgumentsInvalid, InvalidRequest, JackfieldError, ToolFailure
from jackfield_plugins.tools.file_writing import EditFile, WriteFile
from jackfield_plugins.tools.folder import GrantedFolder

Call = Callable[..., Awaitable[ToolResult]]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_new_file_gets_its_folders(call: Call, folder: Path) -> None:
    result = await call(WriteFile, path="a/b/new.txt", content="one\ntwo\n")
    assert result.text == "Wrote 2 lines (8 bytes) to a/b/new.txt. The file is new."
    assert (folder / "a/b/new.txt").read_text(encoding="utf-8") == "one\ntwo\n"


async def test_a_file_is_replaced_and_keeps_its_mode(call: Call, folder: Path) -> None:
    (folder / "run.sh").write_text("old", encoding="utf-8")
    (folder / "run.sh").chmod(0o750)
    assert "replaced" in (await call(WriteFile, path="run.sh", content="new")).text
    assert (folder / "run.sh").read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE((folder / "run.sh").stat().st_mode) == 0o750
    assert names(folder) == ["run.sh"]


async def test_a_cancelled_call_is_over_only_when_its_file_is_written(folder: Path) -> None:
    begun, let_go = threading.Event(), threading.Event()

    class SlowWriting(WriteFile):
        def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
            begun.set()
            let_go.wait(10)
            return super().result(folder, arguments)

    tool = SlowWriting().within(RunScope(run_id="run", folder=folder))
    call = asyncio.create_task(tool.call({"path": "notes.txt", "content": "tea"}))
    await asyncio.to_thread(begun.wait, 10)
    call.cancel()
    await asyncio.sleep(0)
    assert not call.done()
    let_go.set()
    await asyncio.wait({call}, timeout=10)
    assert call.cancelled()
    assert names(folder) == ["notes.txt"]


async def test_a_link_inside_stays_one_and_a_hard_link_is_cut(call: Call, folder: Path) -> None:
    (folder / "real.txt").write_text("old", encoding="utf-8")
    (folder / "link.txt").symlink_to("real.txt")
    os.link(folder.parent / "secret.txt", folder / "hard.txt")
    await call(WriteFile, path="link.txt", content="new")
    await call(WriteFile, path="hard.txt", content="new")
    assert (folder / "link.txt").is_symlink()
    assert (folder / "real.txt").read_text(encoding="utf-8") == "new"
    assert (folder.parent / "secret.txt").read_text(encoding="utf-8") == "the secret"


@pytest.mark.parametrize("path", ["../new.txt", "out/new.txt", "dangling", "a/../../new.txt", "/tmp/new.txt"])
async def test_nothing_is_written_outside(call: Call, folder: Path, path: str) -> None:
    (folder / "out").symlink_to("..")
    (folder / "dangling").symlink_to("../new.txt")
    with pytest.raises(InvalidRequest):
        await call(WriteFile, path=path, content="x")
    assert not (folder.parent / "new.txt").exists()


@pytest.mark.parametrize("path", ["", ".", "sub", "pipe", "x" * 300, "file.txt/x"])
async def test_what_cannot_be_a_file_is_refused(call: Call, folder: Path, path: str) -> None:
    (folder / "sub").mkdir()
    (folder / "file.txt").touch()
    os.mkfifo(folder / "pipe")
    with pytest.raises(JackfieldError) as refused:
        await call(WriteFile, path=path, content="x")
    assert str(folder) not in refused.value.message
    assert names(folder) == ["file.txt", "pipe", "sub"]


async def test_a_write_that_fails_leaves_the_file_as_it_was(call: Call, folder: Path) -> None:
    (folder / "kept.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(ArgumentsInvalid, match="lone surrogate"):
        await call(WriteFile, path="kept.txt", content="\ud800")
    assert names(folder) == ["kept.txt"]
    assert (folder / "kept.txt").read_text(encoding="utf-8") == "kept"


async def test_what_a_crash_left_is_cleared_away(call: Call, folder: Path) -> None:
    for name in (".jackfield-0123.partial", ".jackfield-4567.partial"):
        (folder / name).write_text("half", encoding="utf-8")
    os.utime(folder / ".jackfield-0123.partial", (0, 0))
    await call(WriteFile, path="new.txt", content="x")
    assert names(folder) == [".jackfield-4567.partial", "new.txt"]


async def test_an_edit_replaces_the_only_place(call: Call, folder: Path) -> None:
    (folder / "app.py").write_text("a = 1\nb = 2\n", encoding="utf-8")
    result = await call(EditFile, path="app.py", old_text="b = 2", new_text="b = 3")
    assert result.text == "Replaced the text at line 2 of app.py."
    assert (folder / "app.py").read_text(encoding="utf-8") == "a = 1\nb = 3\n"


async def test_an_edit_keeps_the_files_line_ends(call: Call, folder: Path) -> None:
    (folder / "dos.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    await call(EditFile, path="dos.txt", old_text="one\ntwo", new_text="1\n2")
    assert (folder / "dos.txt").read_bytes() == b"1\r\n2\r\nthree\r\n"


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("  b = 2", "Line 2 is like its first line: 'b = 2'"),
        ("beta = 33", "The nearest is line 4: 'beta = 3'"),
        ("zzzzzz", "Nothing in it is like that; read it with read_file"),
        (" = ", "more than once, at lines 1, 2, 4"),
    ],
)
async def test_an_edit_that_finds_not_one_place_says_what_it_found(
    call: Call, folder: Path, old: str, said: str
) -> None:
    (folder / "app.py").write_text("a = 1\nb = 2\n\nbeta = 3\n", encoding="utf-8")
    with pytest.raises(ToolFailure) as refused:
        await call(EditFile, path="app.py", old_text=old, new_text="x")
    assert said in refused.value.message


async def test_edits_that_make_no_sense_are_refused(call: Call, folder: Path) -> None:
    (folder / "data.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolFailure, match="not UTF-8"):
        await call(EditFile, path="data.bin", old_text="a", new_text="b")
    with pytest.raises(ArgumentsInvalid, match="old_text is empty"):
        await call(EditFile, path="data.bin", old_text="", new_text="b")
    with pytest.raises(ToolFailure, match="does not exist"):
        await call(EditFile, path="gone", old_text="a", new_text="b")


def test_a_killed_writer_leaves_the_old_file_or_the_new(folder: Path) -> None:
    (folder / "a.txt").write_text("0" * 1_000_000, encoding="utf-8")
    code = f"""
import asyncio, itertools, pathlib
from jackfield.contracts.tools import RunScope
from jackfield_plugins.tools.file_writing import WriteFile
tool = WriteFile().within(RunScope(run_id="run", folder=pathlib.Path({str(folder)!r})))
for number in itertools.count():
    asyncio.run(tool.call({{"path": "a.txt", "content": str(number % 10) * 1_000_000}}))
    print(number, flush=True)
"""
    for wait in range(3):
        writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(wait + 1):
            writer.stdout.readline()
        writer.kill()
        writer.communicate()
        content = (folder / "a.txt").read_text(encoding="utf-8")
        assert content == content[0] * 1_000_000
