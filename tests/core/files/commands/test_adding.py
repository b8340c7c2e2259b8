"""`jackfield files add`: folders, what is piped in, and what goes wrong with one file of many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.cli.files.adding_progress import TenthLines


def write(path: str, text: str = "text") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def paths(desk: Any) -> list[str]:
    return [file["path"] for file in desk.done("ls", "-r", "--json").json["files"]]


def test_a_folder_is_added_and_told_what_is_unchanged_the_next_time(desk: Any) -> None:
    write("docs/a.md", "# Apples\n\nThey grow.\n")
    write("docs/b/c.md", "# Pears\n")
    write("docs/.hidden")
    Path("docs/link").symlink_to("a.md")
    said = desk.done("add", "docs")
    assert "2 added." in said.err
    assert "Passed over: 1 hidden file or folder, 1 symbolic link." in said.err
    assert paths(desk) == ["docs/a.md", "docs/b/c.md"]
    write("docs/a.md", "# Apples\n\nThey fall.\n")
    again = desk.done("add", "docs", "--json").json
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 1, 1)
    assert [(file["path"], file["version"]) for file in again["files"]] == [("docs/a.md", 2), ("docs/b/c.md", 1)]


def test_bytes_come_back_as_they_went_in(desk: Any) -> None:
    data = bytes(range(256)) * 5000
    Path("image.bin").write_bytes(data)
    desk.done("add", "image.bin", "--to", "pictures")
    assert desk.done("cat", "pictures/image.bin").data == data


def test_what_is_piped_in_needs_a_name(desk: Any) -> None:
    assert desk.done("add", "-", "--as", "notes/today.md", typed="Buy milk.\n").code == 0
    assert desk.done("cat", "notes/today.md").out == "Buy milk.\n"
    nameless = desk("add", "-", typed="Buy milk.\n")
    assert nameless.code == 2
    assert "what is piped in (-) needs it" in nameless.err


def test_one_file_can_be_called_otherwise(desk: Any) -> None:
    write("draft.md", "text")
    desk.done("add", "draft.md", "--as", "plan.md")
    assert paths(desk) == ["plan.md"]


def test_a_file_that_cannot_be_added_stops_no_other_and_shows_in_the_exit_code(desk: Any) -> None:
    write("a.md")
    write("b.md")
    said = desk("add", "a.md", "nothing.md", "b.md")
    assert said.code == 4
    assert "2 added." in said.err
    assert "Not added: nothing.md: There is no file or folder 'nothing.md'." in said.err
    assert paths(desk) == ["a.md", "b.md"]


def test_names_that_differ_only_in_case_are_told_apart_by_a_person(desk: Any) -> None:
    write("docs/plan.md", "one")
    write("docs/Plan.md", "two")
    if len(list(Path("docs").iterdir())) < 2:
        pytest.skip("this file system does not tell them apart")
    said = desk("add", "docs", "--json")
    assert said.code == 5
    assert [failure["code"] for failure in said.json["failures"]] == ["name_taken"]
    assert len(paths(desk)) == 1


def test_a_full_collection_takes_what_still_fits(desk: Any) -> None:
    desk.done("collections", "add", "small", "--quota", "1kB")
    write("docs/a.md", "a" * 900)
    write("docs/b.md", "b" * 900)
    write("docs/c.md", "c" * 50)
    said = desk("add", "docs", "-c", "small", "--json")
    assert said.code == 6
    assert [file["path"] for file in said.json["files"]] == ["docs/a.md", "docs/c.md"]
    assert [failure["code"] for failure in said.json["failures"]] == ["storage_full"]


def test_the_whole_folder_is_taken_back_as_one_change(desk: Any) -> None:
    write("docs/a.md", "one")
    desk.done("add", "docs")
    write("docs/a.md", "two")
    write("docs/b.md", "new")
    change = desk.done("add", "docs", "--json").json["change"]
    desk.done("undo", change)
    assert desk.done("cat", "docs/a.md").out == "one"
    assert paths(desk) == ["docs/a.md"]


def test_a_collection_that_is_not_there_is_named_before_anything_is_read(desk: Any) -> None:
    write("a.md")
    said = desk("add", "a.md", "-c", "nobody")
    assert (said.code, said.out) == (4, "")
    assert said.err == "error: There is no collection 'nobody'.\n"


def test_why_a_file_is_not_found_is_told(desk: Any) -> None:
    Path("broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    Path("picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    write("plan.md", "text")
    said = desk.done("add", "broken.pdf", "picture.png", "plan.md")
    assert "`jackfield files ls --unread` says why" in said.err
    rows = {row[0]: row[5] for row in desk.done("ls", "--unread").rows}
    assert list(rows) == ["broken.pdf", "picture.png"]
    assert "damaged or cut short" in rows["broken.pdf"]
    assert "found by its name" in rows["picture.png"]


def test_indexing_can_be_left_for_later(desk: Any) -> None:
    write("a.md", "# Apples\n")
    assert desk.done("add", "a.md", "--no-index", "--json").json["index"] is None
    desk.done("index")
    assert desk.done("index", "--status", "--json").json["done"]


def test_what_was_just_added_and_cannot_be_read_is_named_and_nothing_else_is(desk: Any) -> None:
    Path("old.pdf").write_bytes(b"%PDF-1.4 nothing")
    said = desk.done("add", "old.pdf", "--json").json
    assert said["unreadable"] == ["old.pdf"]
    write("plan.md")
    assert "could not be read" not in desk.done("add", "plan.md").err
    for number in range(7):
        Path(f"broken{number}.pdf").write_bytes(f"%PDF-1.4 nothing, number {number}".encode())
    said = desk.done("add", *(f"broken{number}.pdf" for number in range(7))).err
    assert "'broken3.pdf', 'broken4.pdf' and 2 more files could not be read;" in said
    assert "old.pdf" not in said


def test_a_file_that_is_too_large_is_refused_before_it_is_read(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_FILES__LARGEST_MB", "1")
    write("a.md")
    with Path("huge.bin").open("wb") as file:
        file.truncate(5 << 30)
    said = desk("add", "huge.bin", "a.md")
    assert said.code == 2
    assert "1 added." in said.err
    assert "'huge.bin' has 5.4 GB, and 1.0 MB are allowed (files.largest_mb)." in said.err
    assert "are allowed (files.largest_mb)" in desk("add", "huge.bin", "--as", "other.bin").err
    assert "are allowed (files.largest_mb)" in desk("append", "a.md", "huge.bin").err
    assert paths(desk) == ["a.md"]


def test_large_files_tell_every_tenth_of_their_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    few, many, large = TenthLines(2, 5), TenthLines(100, 5), TenthLines(1, 200_000_000)
    for lines, steps in (
        (few, [(1, 2), (2, 5)]),
        (many, [(9, 1), (20, 2), (21, 2)]),
        (large, [(0, 10), (0, 50_000_000)]),
    ):
        for step in steps:
            lines(*step)
    assert capsys.readouterr().err.splitlines() == ["Adding: 20 of 100 files", "Adding: 0 of 1 file, 25% of 200.0 MB"]


def test_files_without_text_are_listed_as_unread(desk: Any) -> None:
    Path("scan.pdf").write_bytes(b"")
    write("plan.md")
    desk.done("add", "scan.pdf", "plan.md")
    assert [(row[0], row[5]) for row in desk.done("ls", "--unread").rows] == [("scan.pdf", "no text")]
