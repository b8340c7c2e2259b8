"""Files' bytes over HTTP: written, read, any version of them, and never lost to a second writer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

LONG = bytes(range(256)) * 12_000


def version_in(answer: Any) -> int:
    """The number in its tag."""
    return int(answer.headers["etag"].strip('"').partition("-")[0])


async def test_a_file_comes_back_byte_for_byte_and_is_never_shown(files: Any) -> None:
    written = await files.write("größe/<x>.html", b"<script>alert(1)</script>")
    read = await files.read("größe/<x>.html")
    assert (written.status_code, version_in(written)) == (200, 1)
    assert written.json()["file"]["version"] == 1
    assert read.content == b"<script>alert(1)</script>"
    assert read.headers["content-type"] == "application/octet-stream"
    assert read.headers["content-disposition"] == "attachment; filename*=UTF-8''%3Cx%3E.html"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in read.headers["content-security-policy"]
    assert read.headers["etag"] == written.headers["etag"]


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
    assert version_in(appended) == 3
    assert (await files.read("a.txt")).text == "two three"
    assert (await files.read("a.txt", version=1)).text == "one"
    assert (await files.read("a.txt", at=first["version"]["written_at"])).text == "one"
    missing = await files.read("a.txt", version=9)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "version_not_found")
    assert (await files.read("a.txt", version=1, at="2026-01-01")).status_code == 400
    assert (await files.read("a.txt", at="soon")).json()["error"]["param"] == "at"


async def test_who_has_the_version_need_not_read_it_again(files: Any) -> None:
    await files.write("a.txt", "one")
    has = (await files.read("a.txt")).headers["etag"]
    same = await files.client.get(f"{files.at}/content", params={"path": "a.txt"}, headers={"if-none-match": has})
    other = await files.client.get(f"{files.at}/content", params={"path": "a.txt"}, headers={"if-none-match": '"2"'})
    assert (same.status_code, same.content) == (304, b"")
    assert other.text == "one"


async def test_another_file_at_the_same_path_is_not_taken_for_what_one_has(files: Any) -> None:
    """Both are at their second version there."""
    for path, text in (("a.txt", "one"), ("b.txt", "two")):
        await files.write(path, text)
        await files.post("rename", path=path, new_path=f"at/{path}")
    await files.post("rename", path="at/a.txt", new_path="here")
    has = (await files.read("here")).headers["etag"]
    await files.post("rename", path="here", new_path="there")
    await files.post("rename", path="at/b.txt", new_path="here")
    read = await files.client.get(f"{files.at}/content", params={"path": "here"}, headers={"if-none-match": has})
    assert (read.status_code, read.text, version_in(read)) == (200, "two", 3)
    assert (await files.write("here", "mine", if_match=has)).status_code == 412


@pytest.mark.parametrize(
    ("said", "status", "start", "end"),
    [
        ("bytes=0-4", 206, 0, 5),
        ("bytes=1000000-2000000", 206, 1_000_000, 2_000_001),
        ("bytes=3000000-", 206, 3_000_000, len(LONG)),
        ("bytes=-7", 206, len(LONG) - 7, len(LONG)),
        ("bytes=5-99999999", 206, 5, len(LONG)),
        ("bytes=-99999999", 206, 0, len(LONG)),
        ("bytes=99999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-5", 200, 0, len(LONG)),
        ("bytes=0-1,5-6", 200, 0, len(LONG)),
        ("lines=1-2", 200, 0, len(LONG)),
    ],
)
async def test_a_part_is_read_by_itself(files: Any, said: str, status: int, start: int, end: int) -> None:
    """So that a download that broke off goes on."""
    await files.write("long.bin", LONG)
    link = (await files.post("links", path="long.bin")).json()["url"]
    for address in (f"{files.at}/content?path=long.bin", link):
        read = await files.client.get(address, headers={"range": said})
        assert read.status_code == status
        if status == 206:
            assert read.headers["content-range"] == f"bytes {start}-{end - 1}/{len(LONG)}"
            assert int(read.headers["content-length"]) == end - start
        if status == 416:
            assert read.headers["content-range"] == f"bytes */{len(LONG)}"
            assert read.json()["error"]["param"] == "range"
        else:
            assert read.content == LONG[start:end]


async def test_a_part_of_what_changed_meanwhile_is_all_of_it(files: Any) -> None:
    had = (await files.write("a.txt", "one")).headers["etag"]
    now = (await files.write("a.txt", "three")).headers["etag"]
    for tag, text in ((had, "three"), (now, "ree")):
        headers = {"range": "bytes=2-", "if-range": tag}
        read = await files.client.get(f"{files.at}/content", params={"path": "a.txt"}, headers=headers)
        assert read.text == text


async def test_a_second_writer_is_told_and_writes_nothing(files: Any) -> None:
    await files.write("a.txt", "one", if_none_match="*")
    for headers in ({"if_none_match": "*"}, {"if_match": '"7"'}):
        refused = await files.write("a.txt", "mine", **headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (412, "file_changed")
        assert refused.headers["etag"] == '"1"'
    second = await files.write("a.txt", "two", if_match='"1"')
    assert (version_in(second), second.json()["version"]["number"]) == (2, 2)
    assert version_in(await files.write("a.txt", "2.5", if_match=second.headers["etag"])) == 3
    assert (await files.write("a.txt", "lost", if_match=second.headers["etag"])).status_code == 412
    assert version_in(await files.write("a.txt", "three", if_match="*")) == 4
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
