"""Versions at the command line: looked at, compared, brought back, deleted, forgotten."""

from __future__ import annotations

import re
from typing import Any

import pytest


@pytest.fixture
def plan(desk: Any) -> Any:
    """A desk with plan.md at version 3."""
    for text in ("one\ntwo\n", "one\n2\n", "one\n2\nthree\n"):
        desk.write("plan.md", text)
    return desk


def test_every_version_can_be_read(plan: Any) -> None:
    assert plan.done("cat", "plan.md", "--version", "1").out == "one\ntwo\n"
    assert plan.done("cat", "plan.md", "--at", "now").out == "one\n2\nthree\n"
    assert plan.done("cat", "plan.md", "--version", "2", "--json").json["text"] == "one\n2\n"
    missing = plan("cat", "plan.md", "--version", "9")
    assert missing.code == 4
    assert "version 9" in missing.err


def test_history_is_told_newest_first_with_its_reasons(plan: Any) -> None:
    plan.done("append", "plan.md", "--text", "four", "--reason", "there is more")
    rows = plan.done("log", "plan.md").rows
    assert [row[:2] for row in rows] == [["plan.md", number] for number in "4321"]
    assert rows[0][4:7:2] == ["appended to", "there is more"]
    assert [change["path"] for change in plan.done("log", "--limit", "2", "--json").json] == ["plan.md", "plan.md"]
    assert plan.done("log", "--since", "tomorrow", "--json").json == []


def test_two_versions_are_compared(plan: Any) -> None:
    assert plan.done("diff", "plan.md").out == (
        "--- plan.md (version 2)\n+++ plan.md (version 3)\n@@ -1,2 +1,3 @@\n one\n 2\n+three\n"
    )
    assert "-two\n+2\n" in plan.done("diff", "plan.md", "1", "v2").out
    plan.done("rollback", "plan.md", "--to", "1")
    same = plan.done("diff", "plan.md", "1", "4")
    assert (same.out, same.err) == ("", "The texts of versions 1 and 4 of 'plan.md' are equal.\n")


def test_versions_without_text_are_told_by_size_and_digest(desk: Any) -> None:
    for data in (b"\x00\x01\x02", b"\x00\x01\x02\x03"):
        desk.done("add", "-", "--as", "data.bin", typed=data)
    said = desk.done("diff", "data.bin")
    assert "no difference to show line by line" in said.err
    assert [line.split(": ")[1][:15] for line in said.out.splitlines()] == ["3 bytes, BLAKE3", "4 bytes, BLAKE3"]


@pytest.mark.parametrize("how", [("--to", "1"), ("--back", "2")])
def test_an_older_version_comes_back_as_a_new_one(plan: Any, how: tuple[str, str]) -> None:
    said = plan.done("rollback", "plan.md", *how, "--reason", "better")
    assert "is as in version 1 of" in said.err
    assert "that is version 4 now" in said.err
    assert plan.done("cat", "plan.md").out == "one\ntwo\n"
    assert "rolled back to 1" in plan.done("log", "plan.md").out


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ((), 2, "Say which version: --to N, --at TIME or --back N."),
        (("--to", "1", "--back", "1"), 2, "Say which version"),
        (("--to", "9"), 4, "'plan.md' has no version 9; it has 1 to 3."),
        (("--back", "3"), 4, "'plan.md' has 3 versions, and none 3 before the newest."),
        (("--at", "2001-01-01"), 4, "'plan.md' was not there yet at 2001-01-01 23:59"),
        (("--at", "soon"), 2, "'soon' is no time that is understood here"),
    ],
)
def test_a_rollback_to_nothing_is_refused(plan: Any, how: tuple[str, ...], code: int, said: str) -> None:
    refused = plan("rollback", "plan.md", *how)
    assert refused.code == code
    assert said in refused.err
    assert len(plan.done("log", "plan.md").rows) == 3


def test_a_file_is_renamed_with_its_versions_and_a_folder_with_its_files(plan: Any) -> None:
    renamed = plan.done("mv", "plan.md", "old/")
    assert renamed.err == "'plan.md' was renamed to 'old/plan.md'; it is at version 4 now.\n"
    assert plan.done("cat", "old/plan.md", "--version", "1").out == "one\ntwo\n"
    plan.write("old/b/c.md", "text")
    moved = plan.done("mv", "old", "new")
    assert "2 files were renamed. Undo it with: jackfield files undo change_" in moved.err
    assert [file["path"] for file in plan.done("ls", "-r", "--json").json["files"]] == ["new/b/c.md", "new/plan.md"]
    plan.done("undo", moved.err.split()[-1])
    assert [file["path"] for file in plan.done("ls", "-r", "--json").json["files"]] == ["old/b/c.md", "old/plan.md"]
    inside = plan("mv", "old", "old/within")
    assert (inside.code, inside.err) == (2, "error: Folder 'old' cannot be moved into itself.\n")


def test_a_deleted_file_comes_back_or_is_forgotten(plan: Any) -> None:
    plan.done("rm", "plan.md")
    assert plan("cat", "plan.md").code == 4
    assert [row[0] for row in plan.done("ls", "--deleted").rows] == ["plan.md"]
    assert plan.done("log", "plan.md").rows[0][4] == "deleted"
    plan.done("restore", "plan.md", "--as", "back.md")
    assert plan.done("cat", "back.md").out == "one\n2\nthree\n"
    kept = plan("purge", "back.md", "--yes")
    assert kept.code == 5
    plan.done("rm", "back.md")
    unasked = plan("purge", "back.md")
    assert unasked.code == 2
    assert "say --yes if you mean it" in unasked.err
    assert plan.done("purge", "back.md", "--yes", "--json").json["freed_bytes"] > 0
    assert plan("log", "back.md").code == 4


def test_what_was_not_deleted_is_neither_brought_back_nor_asked_about(plan: Any) -> None:
    there = plan("restore", "plan.md")
    assert there.code == 4
    assert "There is no deleted file 'plan.md': it is there, at version 3" in there.err
    assert plan("restore", "nothing.md").err == "error: There is no file 'nothing.md' in collection 'main'.\n"
    live = plan("purge", "plan.md")
    assert (live.code, live.err) == (5, "error: 'plan.md' is not deleted; delete it first, and then purge it.\n")
    assert plan("purge", "nothing.md").code == 4


def test_a_folder_is_told_from_a_file_that_is_not_there(plan: Any) -> None:
    plan.write("docs/a.md", "a")
    refused = plan("cat", "docs")
    assert refused.code == 4
    assert "There is no file 'docs' in collection 'main', but a folder; name a file in it." in refused.err


def test_a_time_before_the_first_version_is_told_to_the_second(plan: Any) -> None:
    refused = plan("cat", "plan.md", "--at", "2001-01-01 14:00")
    assert refused.code == 4
    assert re.search(
        r"not there at 2001-01-0\d \d\d:\d\d:59 UTC: its first version is of [-\d]+ [:\d]+ UTC\.", refused.err
    )


def test_an_undo_that_is_refused_says_the_option_that_forces_it(plan: Any) -> None:
    change = plan.done("append", "plan.md", "--text", "four", "--json").json["version"]["change"]
    plan.write("plan.md", "five\n")
    refused = plan("undo", change)
    assert refused.code == 5
    assert "with --force" in refused.err
    plan.done("undo", change, "--force")
    assert plan.done("cat", "plan.md").out == "one\n2\nthree\n"


def test_folders_are_deleted_only_when_that_is_said(plan: Any) -> None:
    plan.write("docs/a.md", "a")
    plan.write("docs/b.md", "b")
    refused = plan("rm", "docs")
    assert (refused.code, refused.err) == (2, "error: 'docs' is a folder with 2 files in it; -r deletes them too.\n")
    assert len(plan.done("rm", "-r", "docs", "plan.md", "--json").json["files"]) == 3
    assert plan.done("ls", "--json").json["files"] == []


def test_a_folder_is_moved_or_left_as_it_is(plan: Any) -> None:
    for path in ("docs/a.md", "docs/b.md", "taken/b.md"):
        plan.write(path, path)
    refused = plan("mv", "docs", "taken")
    assert refused.code == 5
    assert "What was done to 1 file before that was taken back." in refused.err
    assert [row[0] for row in plan.done("ls", "-r").rows] == ["docs/a.md", "docs/b.md", "plan.md", "taken/b.md"]


def test_folders_are_listed_with_what_is_in_them(plan: Any) -> None:
    plan.write("docs/a.md", "aa")
    plan.write("docs/b/c.md", "ccc")
    assert [(row[0], row[2]) for row in plan.done("ls").rows] == [("docs/", "5 bytes"), ("plan.md", "12 bytes")]
    assert [row[0] for row in plan.done("ls", "docs").rows] == ["docs/b/", "docs/a.md"]
    assert [row[0] for row in plan.done("ls", "docs/a.md").rows] == ["docs/a.md"]
    plan.done("rm", "docs/a.md")
    assert [row[0] for row in plan.done("ls", "--deleted", "docs/a.md").rows] == ["docs/a.md"]
    assert plan.done("ls", "--deleted", "plan.md").rows == []
    nowhere = plan("ls", "nowhere")
    assert (nowhere.code, nowhere.err) == (4, "error: There is no file or folder 'nowhere' in collection 'main'.\n")


def test_an_unfinished_command_says_what_it_needs(desk: Any) -> None:
    assert "is neither a version's number nor a time" in desk("diff", "a.md", "soon").err
    assert desk("cat", "a.md", "--version", "1", "--at", "now").code == 2
    assert desk("append", "a.md", "b.md", "--text", "c").code == 2


def test_a_lock_is_told_and_let_go(plan: Any) -> None:
    assert "is locked until" in plan.done("lock", "plan.md", "--for", "2h").err
    assert "locked by local until" in plan.done("ls").out
    plan.done("unlock", "plan.md")
    assert "locked" not in plan.done("ls").out
    refused = plan("lock", "plan.md", "--for", "a while")
    assert refused.code == 2
    assert "is no length of time" in refused.err
