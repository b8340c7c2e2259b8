"""search_files: texts and expressions, and expressions that never end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from jackfield.contracts.tools import ToolResult
from jackfield.errors import ArgumentsInvalid
from jackfield_plugins.tools import file_search
from jackfield_plugins.tools.file_search import SearchFiles

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("import os\n\nprint(os.name)\n", encoding="utf-8")
    (folder / "notes.txt").write_text("Print this (please)\n", encoding="utf-8")
    (folder / "data.bin").write_bytes(b"print\0print")


async def test_a_text_is_found_with_where_it_stands(call: Call) -> None:
    result = await call(SearchFiles, pattern="print(")
    assert result.text.splitlines()[0] == "src/app.py:3: print(os.name)"
    assert result.provenance == "file"


async def test_case_glob_and_expressions(call: Call) -> None:
    assert "notes.txt:1: " in (await call(SearchFiles, pattern="print", ignore_case=True)).text
    assert "src/app.py" not in (await call(SearchFiles, pattern="print", glob="*.txt")).text
    assert "src/app.py:1: import os" in (await call(SearchFiles, pattern=r"^import \w+$", regex=True)).text


async def test_what_was_not_searched_is_said(call: Call) -> None:
    text = (await call(SearchFiles, pattern="nowhere")).text
    assert "[Nothing found in 3 files.]" in text
    assert "1 files" in text.splitlines()[-1]


async def test_bad_expressions_and_globs_are_refused_in_a_sentence(call: Call) -> None:
    with pytest.raises(ArgumentsInvalid, match="not a regular expression"):
        await call(SearchFiles, pattern="(", regex=True)
    with pytest.raises(ArgumentsInvalid, match="leads out"):
        await call(SearchFiles, pattern="secret", glob="../*")


async def test_links_out_are_not_searched(call: Call, folder: Path) -> None:
    (folder / "out").symlink_to(folder.parent / "secret.txt")
    assert "the secret" not in (await call(SearchFiles, pattern="secret")).text


async def test_a_flood_of_matches_ends_with_a_notice(call: Call, folder: Path) -> None:
    (folder / "flood.txt").write_text("x" * 5000 + "\n" * 1 + "x\n" * 500, encoding="utf-8")
    lines = (await call(SearchFiles, pattern="x", glob="flood.txt")).text.splitlines()
    assert len(lines) == file_search.MOST_FOUND + 1
    assert "Only the first 100" in lines[-1]
    assert len(lines[0]) < 400


async def test_an_expression_that_never_ends_is_stopped(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_search, "SECONDS", 2.0)
    (folder / "evil.txt").write_text("a" * 60 + "!\n", encoding="utf-8")
    (folder / "before.txt").write_text("aaa\n", encoding="utf-8")
    lines = (await call(SearchFiles, pattern="(a+)+$", regex=True)).text.splitlines()
    assert lines[0] == "before.txt:1: aaa"
    assert "stopped after 2 seconds" in lines[-1]
