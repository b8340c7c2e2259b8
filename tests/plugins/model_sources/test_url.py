"""Models at a web address: what a cut, a change or a lie on the way does."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.errors import (
    ChecksumMismatch,
    DiskFull,
    DownloadFailed,
    InvalidRequest,
    JackfieldError,
    ReferenceNotFound,
)
from jackfield.testing.file_server import FileServer, ServedFile
from jackfield_plugins.model_sources.resumable_download import Patience
from jackfield_plugins.model_sources.url import UrlSource

CONTENT = random.Random(7).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HURRIED = Patience(connect=2, read=2, pauses=(0.0, 0.0), first_tries=2)
CUT = 100_000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        server.files["/m.gguf"] = ServedFile.of(CONTENT)
        yield server


def fetch(reference: str, folder: Path) -> Path:
    source = UrlSource(HURRIED)
    return source.fetch(source.resolve(reference), folder, lambda done, total: None)


def interrupt(reference: str, folder: Path, *, after: int) -> None:
    """Fetch until some bytes are here, then stop."""

    def stop(done: int, total: int | None) -> None:
        if done >= after:
            raise asyncio.CancelledError

    source = UrlSource(HURRIED)
    with pytest.raises(asyncio.CancelledError):
        source.fetch(source.resolve(reference), folder, stop)


def finished(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix != ".partial"]


def test_a_cut_connection_is_taken_up_where_it_was_cut(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].cuts = [CUT]
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_many_cuts_are_forgiven_while_each_try_brings_something(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].cuts = [20_000] * 9
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=180000-"


def test_the_next_fetch_goes_on_where_an_interrupted_one_stopped(server: FileServer, tmp_path: Path) -> None:
    interrupt(f"{server.url}/m.gguf", tmp_path, after=1)
    [partial] = tmp_path.glob("m.gguf.partial")
    begun = partial.stat().st_size
    assert begun > 0
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={begun}-"]


def test_a_file_that_changed_meanwhile_is_begun_again(server: FileServer, tmp_path: Path) -> None:
    interrupt(f"{server.url}/m.gguf", tmp_path, after=1)
    newer = CONTENT[::-1]
    server.files["/m.gguf"] = ServedFile.of(newer)
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == newer


def test_a_changed_file_is_noticed_even_where_the_server_overlooks_if_range(server: FileServer, tmp_path: Path) -> None:
    interrupt(f"{server.url}/m.gguf", tmp_path, after=1)
    newer = ServedFile.of(CONTENT[::-1])
    newer.modified = server.files["/m.gguf"].etag  # lets the old version's If-Range pass
    server.files["/m.gguf"] = newer
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT[::-1]


def test_the_date_serves_where_there_is_no_entity_tag(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"] = ServedFile(content=CONTENT, modified="Fri, 21 Nov 2025 08:00:00 GMT", cuts=[CUT])
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT
    assert server.asked[-1].headers["if-range"] == "Fri, 21 Nov 2025 08:00:00 GMT"
    assert server.ranges == [None, f"bytes={CUT}-"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_nothing_is_pieced_together_that_nothing_identifies(
    server: FileServer, tmp_path: Path, etag: str | None
) -> None:
    server.files["/m.gguf"] = ServedFile(content=CONTENT, etag=etag, cuts=[CUT])
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_checksum_identifies_where_the_server_does_not(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"] = ServedFile(content=CONTENT, cuts=[CUT])
    assert fetch(f"{server.url}/m.gguf#sha256={SHA256}", tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_a_server_without_ranges_sends_all_again(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].ranges = False
    server.files["/m.gguf"].cuts = [CUT]
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT


def test_a_body_that_always_ends_early_is_never_taken_for_whole(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].length = len(CONTENT) + 1000
    with pytest.raises(DownloadFailed, match="the next pull goes on from there"):
        fetch(f"{server.url}/m.gguf", tmp_path)
    assert finished(tmp_path) == []


def test_a_body_of_unknown_length_needs_a_checksum(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].length = 0
    with pytest.raises(DownloadFailed, match="#sha256="):
        fetch(f"{server.url}/m.gguf", tmp_path)
    assert fetch(f"{server.url}/m.gguf#sha256={SHA256}", tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(ChecksumMismatch, match=SHA256):
        fetch(f"{server.url}/m.gguf#sha256={'0' * 64}", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_partial_file_that_was_tampered_with_is_caught(server: FileServer, tmp_path: Path) -> None:
    interrupt(f"{server.url}/m.gguf#sha256={SHA256}", tmp_path, after=1)
    [partial] = tmp_path.glob("m.gguf.partial")
    partial.write_bytes(b"\x00" * partial.stat().st_size)
    with pytest.raises(ChecksumMismatch):
        fetch(f"{server.url}/m.gguf#sha256={SHA256}", tmp_path)
    assert fetch(f"{server.url}/m.gguf#sha256={SHA256}", tmp_path).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].statuses = [503, 429]
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, ReferenceNotFound, "There is nothing at"),
        (403, DownloadFailed, "not open to us"),
        (418, DownloadFailed, "answered 418"),
        (500, DownloadFailed, "cut off again and again"),
    ],
)
def test_a_refusal_is_one_sentence(
    server: FileServer, tmp_path: Path, status: int, kind: type[JackfieldError], words: str
) -> None:
    server.files["/m.gguf"].statuses = [status] * 9
    with pytest.raises(kind, match=words):
        fetch(f"{server.url}/m.gguf?token=secret", tmp_path)
    assert finished(tmp_path) == []


def test_a_web_page_is_not_a_model(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].content_type = "text/html; charset=utf-8"
    with pytest.raises(DownloadFailed, match="is a web page"):
        fetch(f"{server.url}/m.gguf", tmp_path)


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        fetch(f"http://127.0.0.1:{port}/m.gguf", tmp_path)


def test_a_file_larger_than_the_disk_is_refused_before_it_is_fetched(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].length = 10**18
    with pytest.raises(DiskFull, match=r"1000000\.0 TB more"):
        fetch(f"{server.url}/m.gguf", tmp_path)


def test_a_disk_that_fills_up_is_one_sentence(server: FileServer, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system does not limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CUT, before[1]))
    try:
        with pytest.raises(DiskFull, match=r"too full for the 300\.0 kB of .*m\.gguf\.partial"):
            fetch(f"{server.url}/m.gguf", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert finished(tmp_path) == []
    assert fetch(f"{server.url}/m.gguf", tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={CUT}-"


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.org/model.bin",
        "https://example.org/",
        "https:///m.gguf",
        "https://example.org:port/m.gguf",
        "https://example.org/m.gguf#md5=00",
        "https://example.org/m.gguf#sha256=12",
    ],
)
def test_an_address_of_no_model_is_refused(reference: str) -> None:
    with pytest.raises(InvalidRequest):
        UrlSource().resolve(reference)


def test_what_is_secret_in_an_address_is_not_recorded() -> None:
    resolved = UrlSource().resolve("https://me:secret@example.org/a%20b/My%20Model.Q4_0.GGUF")
    assert resolved.reference == "https://example.org/a%20b/My%20Model.Q4_0.GGUF"
    assert (resolved.name, resolved.filename) == ("My-Model.Q4_0", "My-Model.Q4_0.gguf")
