"""Files' bytes over HTTP: written, read, any version of them, and never lost to a second writer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

LONG = bytes(range(256)) * 12_000


async def test_a_file_comes_back_byte_for_byte_and_is_never_shown(files: Any) -> None:
    written = await files.write("größe/<x>.html", b"<script>alert(1)</script>")
    read = await files.read("größe/<x>.html")
    assert (written.status_code, written.headers["etag"]) == (200, '"1"')
    assert written.json()["file"]["version"] == 1
    assert read.content == b"<script>alert(1)</script>"
    assert read.headers["content-type"] == "application/octet-stream"
    assert read.headers["content-disposition"] == "attachment; filename*=UTF-8''%3Cx%3E.html"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in read.headers["content-security-policy"]
    assert read.headers["etag"] == '"1"'


async def test_a_large_file_is_taken_and_given_piece_by_piece(files: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(LONG), 100_000):
            yield LONG[at : at + 100_000]

    written = await files.client.put(f"{files.at}/content", params={"path": "long.bin"}, content=pieces())
    assert written.json()["file"]["size"] == len(LONG)
    async with files.client.stream("GET", f"{files.at}/content", params={"path": "long.bin"}) as response:
        assert b"".join([piece async for piece in response.aiter_bytes()]) == LONG


async def test_every_version_is_read_by_number_and_by_time(files: Any) -> None:
    first = (await files.write("a.txt", "one")).json()
    await files.write("a.txt", "two")
    appended = await files.client.post(f"{files.at}/content", params={"path": "a.txt"}, content=b" three")
    assert appended.headers["etag"] == '"3"'
    assert (await files.read("a.txt")).text == "two three"
    assert (await files.read("a.txt", version=1)).text == "one"
    assert (await files.read("a.txt", at=first["version"]["written_at"])).text == "one"
    missing = await files.read("a.txt", version=9)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "version_not_found")
    assert (await files.read("a.txt", version=1, at="2026-01-01")).status_code == 400
    assert (await files.read("a.txt", at="soon")).json()["error"]["param"] == "at"


async def test_who_has_the_version_need_not_read_it_again(files: Any) -> None:
    await files.write("a.txt", "one")
    same = await files.client.get(f"{files.at}/content", params={"path": "a.txt"}, headers={"if-none-match": '"1"'})
    other = await files.client.get(f"{files.at}/content", params={"path": "a.txt"}, headers={"if-none-match": '"2"'})
    assert (same.status_code, same.content) == (304, b"")
    assert other.text == "one"


async def test_a_second_writer_is_told_and_writes_nothing(files: Any) -> None:
    await files.write("a.txt", "one", if_none_match="*")
    for headers in ({"if_none_match": "*"}, {"if_match": '"7"'}):
        refused = await files.write("a.txt", "mine", **headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (412, "file_changed")
        assert refused.headers["etag"] == '"1"'
    assert (await files.write("a.txt", "two", if_match='"1"')).headers["etag"] == '"2"'
    assert (await files.write("a.txt", "three", if_match="*")).headers["etag"] == '"3"'
    assert (await files.write("new.txt", "x", if_match="*")).status_code == 412
    assert (await files.read("a.txt")).text == "three"


@pytest.mark.parametrize(
    "headers", [{"if_match": "3"}, {"if_none_match": '"1"'}, {"if_match": "*", "if_none_match": "*"}]
)
async def test_conditions_that_make_no_sense_are_refused(files: Any, headers: dict[str, str]) -> None:
    await files.write("a.txt", "one")
    refused = await files.write("a.txt", "two", **headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_request")


async def test_the_same_bytes_make_no_version(files: Any) -> None:
    await files.write("a.txt", "one")
    again = (await files.write("a.txt", "one")).json()
    assert (again["changed"], again["file"]["version"]) == (False, 1)


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", "nul\x00"])
async def test_a_path_that_is_none_is_refused(files: Any, path: str) -> None:
    refused = await files.write(path, "x")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_request")


async def test_a_name_that_differs_only_in_case_is_taken(files: Any) -> None:
    await files.write("Plan.md", "x")
    refused = await files.write("plan.md", "y")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "name_taken")


async def test_what_is_too_large_or_has_no_room_leaves_nothing(library_serving: Any, files_of: Any) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (1 << 19)

    async with library_serving(files={"largest_mb": 1}) as served:
        files = files_of(served.client)
        large = await files.write("l", b"x" * (1 << 20) + b"x")
        streamed = await files.client.put(f"{files.at}/content", params={"path": "l"}, content=unannounced())
        assert (large.status_code, streamed.status_code) == (400, 400)
        await files.client.put(f"{files.at}/quota", json={"bytes": 10})
        full = await files.write("f", b"x" * 11)
        assert (full.status_code, full.json()["error"]["code"]) == (507, "storage_full")
        assert (await files.get("files")).json()["data"] == []


async def test_a_damaged_file_is_told_by_its_name_and_the_rest_is_served(library_serving: Any, files_of: Any) -> None:
    async with library_serving() as served:
        files = files_of(served.client)
        for path in ("bad.txt", "good.txt"):
            await files.write(path, path)
        digest = (await files.get("file", path="bad.txt")).json()["digest"]
        await served.workbench.semantic.files._parts.blobs.remove(digest)
        refused = await files.read("bad.txt")
        assert (refused.status_code, refused.json()["error"]["code"]) == (500, "blob_damaged")
        assert "bad.txt" in refused.json()["error"]["message"]
        assert (await files.read("good.txt")).text == "good.txt"
        report = (await files.client.post("/api/files/verify", json={})).json()
        assert [fault["kind"] for fault in report["faults"]] == ["blob_missing"]
