from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jackfield.cli.files.local_files import kept_path, local_files
from jackfield.errors import InvalidRequest


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which things are typed."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def written(*paths: str) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path, encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("plan.md", "plan.md"),
        ("docs/plan.md", "docs/plan.md"),
        ("./docs/../docs/plan.md", "docs/plan.md"),
        ("docs/", "docs"),
        (".", ""),
        ("docs/.", ""),
        ("../other/plan.md", "plan.md"),
        ("/etc/hosts", "hosts"),
    ],
)
def test_a_path_is_kept_as_typed_below_this_folder_and_by_its_name_from_elsewhere(typed: str, kept: str) -> None:
    assert kept_path(typed) == kept


def test_the_folder_above_goes_by_its_name(here: Path) -> None:
    assert kept_path("..") == here.parent.name


def test_folders_are_walked_in_the_order_of_their_names() -> None:
    written("docs/b.md", "docs/a/z.md", "docs/a/b.md", "c.md")
    found = local_files(["docs", "c.md"], to="to/there/")
    assert [file.path for file in found.files] == [
        "to/there/docs/a/b.md",
        "to/there/docs/a/z.md",
        "to/there/docs/b.md",
        "to/there/c.md",
    ]
    assert found.bytes == sum(len(path) for path in ("docs/a/b.md", "docs/a/z.md", "docs/b.md", "c.md"))


def test_what_is_in_this_folder_needs_no_name_of_it() -> None:
    written("docs/b.md", "c.md")
    assert [file.path for file in local_files(["."]).files] == ["c.md", "docs/b.md"]


def test_hidden_files_links_and_pipes_in_folders_are_passed_over_and_counted() -> None:
    written("docs/.secret", "docs/.git/config", "docs/.hidden/a.md", "docs/a.md", "elsewhere.md")
    Path("docs/link.md").symlink_to("../elsewhere.md")
    Path("docs/loop").symlink_to(".")
    os.mkfifo("docs/pipe")
    found = local_files(["docs"])
    assert [file.path for file in found.files] == ["docs/a.md"]
    assert (found.hidden, found.links, found.special) == (3, 2, 1)
    shown = local_files(["docs"], hidden=True)
    assert [file.path for file in shown.files] == ["docs/.hidden/a.md", "docs/.secret", "docs/a.md"]
    assert shown.hidden == 1  # what belongs to git


def test_what_is_named_itself_may_be_hidden_and_a_link() -> None:
    written(".env", "target/a.md")
    Path("link").symlink_to("target")
    assert [file.path for file in local_files([".env", "link"]).files] == [".env", "link/a.md"]


def test_two_files_for_one_path_are_refused_before_anything_is_written() -> None:
    written("../a/plan.md", "../b/plan.md")
    with pytest.raises(InvalidRequest, match=r"would both be 'plan\.md'; add them one by one"):
        local_files(["../a/plan.md", "../b/plan.md"])


def test_a_file_named_twice_is_one() -> None:
    written("a.md")
    assert len(local_files(["a.md", "./a.md"]).files) == 1


def test_what_is_not_there_and_what_is_no_file_stop_nothing() -> None:
    written("a.md")
    os.mkfifo("pipe")
    found = local_files(["nothing", "pipe", "a.md"])
    assert [file.path for file in found.files] == ["a.md"]
    assert [(failure.code, failure.message) for failure in found.failures] == [
        ("not_found", "There is no file or folder 'nothing'."),
        ("invalid_request", "'pipe' is neither a file nor a folder; pipe it in with - and --as."),
    ]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such names")
def test_a_name_that_is_no_utf_8_is_told_so_that_it_can_be_shown() -> None:
    Path("docs").mkdir()
    written("docs/a.md")
    Path(os.fsdecode(b"docs/caf\xe9.md")).write_bytes(b"")
    found = local_files(["docs"])
    assert [file.path for file in found.files] == ["docs/a.md"]
    assert [failure.source for failure in found.failures] == ["docs/caf\\xe9.md"]
    found.failures[0].message.encode()
