"""What is done to files over HTTP, and what was done to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any


async def test_an_older_version_comes_back_as_a_new_one(files: Any) -> None:
    for text in ("one", "two", "three"):
        await files.write("a.txt", text)
    back = await files.post("rollback", path="a.txt", version=1, reason="it was better")
    assert (back.headers["etag"].partition("-")[0], back.json()["version"]["restored_from"]) == ('"4', 1)
    assert (await files.read("a.txt")).text == "one"
    history = (await files.get("history", path="a.txt")).json()["data"]
    assert [(each["number"], each["action"]) for each in history] == [
        (1, "written"),
        (2, "written"),
        (3, "written"),
        (4, "restored"),
    ]
    assert history[-1]["reason"] == "it was better"
    assert (await files.post("rollback", path="a.txt")).json()["error"]["param"] == "version"


async def test_a_rollback_of_what_somebody_changed_is_refused(files: Any) -> None:
    for text in ("one", "two"):
        await files.write("a.txt", text)
    refused = await files.client.post(
        f"{files.at}/rollback", json={"path": "a.txt", "version": 1}, headers={"if-match": '"1"'}
    )
    assert (refused.status_code, refused.headers["etag"]) == (412, '"2"')


async def test_versions_are_compared(files: Any) -> None:
    await files.write("a.txt", "milk\ntea\n")
    await files.write("a.txt", "milk\ncoffee\n")
    found = (await files.get("difference", path="a.txt")).json()
    assert (found["old"]["number"], found["new"]["number"]) == (1, 2)
    assert "-tea\n+coffee\n" in found["unified"]


async def test_a_deleted_file_is_there_to_be_brought_back(files: Any) -> None:
    await files.write("a.txt", "one")
    deleted = await files.client.delete(f"{files.at}/file", params={"path": "a.txt"})
    assert deleted.json()["version"]["action"] == "deleted"
    assert (await files.read("a.txt")).status_code == 404
    assert [each["path"] for each in (await files.get("files", deleted=True)).json()["data"]] == ["a.txt"]
    back = await files.post("undelete", path="a.txt", as_path="b.txt")
    assert back.json()["file"]["path"] == "b.txt"
    assert (await files.read("b.txt")).text == "one"


async def test_a_purge_forgets_only_what_was_deleted(files: Any) -> None:
    await files.write("a.txt", "one")
    refused = await files.post("purge", path="a.txt")
    assert refused.status_code in (404, 409)
    await files.client.delete(f"{files.at}/file", params={"path": "a.txt"})
    assert (await files.post("purge", path="a.txt")).json() == {"freed_bytes": 3}
    assert (await files.get("history", path="a.txt", deleted=True)).status_code == 404


async def test_a_renamed_file_keeps_its_history(files: Any) -> None:
    await files.write("a.txt", "one")
    await files.post("rename", path="a.txt", new_path="b/c.txt")
    history = (await files.get("history", path="b/c.txt")).json()["data"]
    assert [each["path"] for each in history] == ["a.txt", "b/c.txt"]


async def test_all_that_one_change_did_is_taken_back_together(files: Any) -> None:
    await files.write("a.txt", "one")
    for path in ("a.txt", "b.txt"):
        await files.client.put(f"{files.at}/content", params={"path": path, "change": "tidy"}, content=b"new")
    listed = (await files.get("changes")).json()["data"]
    assert {each["change"] for each in listed} >= {"tidy"}
    undone = await files.post("undo", change="tidy")
    assert len(undone.json()) == 2
    assert (await files.read("a.txt")).text == "one"
    assert (await files.read("b.txt")).status_code == 404


async def test_an_undo_does_nothing_where_a_file_was_changed_since(files: Any) -> None:
    await files.client.put(f"{files.at}/content", params={"path": "a.txt", "change": "tidy"}, content=b"new")
    await files.write("a.txt", "newer")
    refused = await files.post("undo", change="tidy")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "file_changed")
    assert (await files.read("a.txt")).text == "newer"


async def test_a_lock_needs_a_time_to_come(files: Any) -> None:
    await files.write("a.txt", "one")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    held = await files.client.put(f"{files.at}/lock", json={"path": "a.txt", "until": until})
    assert held.json()["lock"]["by"]["name"] == "local"
    past = await files.client.put(f"{files.at}/lock", json={"path": "a.txt", "until": "2020-01-01T00:00:00Z"})
    assert past.json()["error"]["param"] == "until"
    freed = await files.client.delete(f"{files.at}/lock", params={"path": "a.txt"})
    assert freed.json()["lock"] is None


async def test_files_are_listed_by_the_page_in_the_order_of_their_paths(files: Any) -> None:
    for path in ("b/2.txt", "a.txt", "b/1.txt", "c.txt"):
        await files.write(path, path)
    first = (await files.get("files", limit=2)).json()
    second = (await files.get("files", limit=2, after=first["next"])).json()
    below = (await files.get("files", under="b")).json()
    assert [each["path"] for each in (*first["data"], *second["data"])] == ["a.txt", "b/1.txt", "b/2.txt", "c.txt"]
    assert second["next"] is None
    assert [each["path"] for each in below["data"]] == ["b/1.txt", "b/2.txt"]


async def test_the_text_of_a_file_is_told_and_what_has_none_says_so(files: Any) -> None:
    await files.write("a.md", "# Tea\n")
    await files.write("b.bin", b"\x00\xff\x00\xfe" * 9)
    assert (await files.get("text", path="a.md")).json() == {"path": "a.md", "text": "# Tea\n"}
    refused = await files.get("text", path="b.bin")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "file_unreadable")
