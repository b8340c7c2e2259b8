"""Model files that are on this machine already."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import DownloadFailed, InvalidRequest, ReferenceNotFound
from jackfield.models.naming import checked_name
from jackfield_plugins.model_sources.filenames import model_filename, model_name
from jackfield_plugins.model_sources.local_file import LocalFileSource

CONTENT = random.Random(5).randbytes(600_000)


@pytest.mark.parametrize("reference", ["./x", "../x.gguf", "/x/y", "~/x", "x.gguf", "folder/X.GGUF", "~nobody/x.gguf"])
def test_paths_are_claimed(reference: str) -> None:
    assert LocalFileSource().claims(reference)


@pytest.mark.parametrize(
    "reference", ["hf:a/b/c.gguf", "https://h/c.gguf", "pypi:c", "starter", "", "file:///c.gguf", "\0", "x" * 9000]
)
def test_other_references_are_not(reference: str) -> None:
    assert not LocalFileSource().claims(reference)


def test_a_file_that_exists_needs_no_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blob").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    assert LocalFileSource().claims("blob")
    assert LocalFileSource().resolve("blob").reference == str(tmp_path / "blob")


def test_the_original_stays(tmp_path: Path) -> None:
    original = tmp_path / "m.gguf"
    original.write_bytes(CONTENT)
    (tmp_path / "in").mkdir()
    source = LocalFileSource()
    copy = source.fetch(source.resolve(str(original)), tmp_path / "in", lambda done, total: None)
    assert copy.read_bytes() == original.read_bytes() == CONTENT


def test_a_file_that_changes_while_it_is_copied_is_refused(tmp_path: Path) -> None:
    original = tmp_path / "m.gguf"
    original.write_bytes(CONTENT)
    (tmp_path / "in").mkdir()

    def grow(done: int, total: int | None) -> None:
        with original.open("ab") as file:
            file.write(b"more")

    source = LocalFileSource()
    resolved = source.resolve(str(original))
    with pytest.raises(DownloadFailed, match="changed while it was copied"):
        source.fetch(resolved, tmp_path / "in", grow)
    assert not (tmp_path / "in" / "m.gguf").exists()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="is a folder"):
        LocalFileSource().resolve(str(tmp_path))


@pytest.mark.parametrize("reference", ["./none.gguf", "/\0.gguf"])
def test_a_file_that_is_not_there_is_one_sentence(reference: str) -> None:
    with pytest.raises(ReferenceNotFound, match="cannot be read"):
        LocalFileSource().resolve(reference)


def test_an_unknown_home_is_one_sentence() -> None:
    with pytest.raises(InvalidRequest, match="home folder"):
        LocalFileSource().resolve("~no-such-user/x.gguf")


@given(st.text(max_size=200))
def test_any_file_gets_a_name_that_models_may_have(raw: str) -> None:
    filename = model_filename(raw)
    assert Path(filename).name == filename
    assert filename.endswith(".gguf")
    assert checked_name(model_name(raw)) == model_name(raw)


def test_what_is_no_regular_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.gguf")
    with pytest.raises(InvalidRequest, match="no regular file"):
        LocalFileSource().resolve(str(tmp_path / "m.gguf"))
