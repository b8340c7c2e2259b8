"""Links: what whoever has one may read, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.files.shared import MISSES


async def shared(files: Any, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await files.post("links", **body)).json()
    return made


async def test_whoever_has_a_link_reads_the_newest_version(files: Any) -> None:
    await files.write("a.txt", "one")
    link = await shared(files, path="a.txt")
    await files.write("a.txt", "two")
    assert link["url"] == f"http://localhost/shared/{link['token']}"
    read = await files.client.get(link["url"])
    assert read.text == "two"
    assert read.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in read.headers["content-security-policy"]
    listed = (await files.get("links")).json()["data"]
    assert [(each["path"], each["uses"]) for each in listed] == [("a.txt", 1)]
    assert link["token"] not in str(listed)


async def test_a_link_to_a_version_shows_that_one_for_ever(files: Any) -> None:
    await files.write("a.txt", "one")
    link = await shared(files, path="a.txt", version=1)
    await files.write("a.txt", "two")
    assert (await files.client.get(link["url"])).text == "one"


async def test_a_folders_link_reaches_what_is_below_it_and_nothing_else(files: Any) -> None:
    for path in ("b/1.txt", "b/c/2 ü.txt", "bb/secret.txt", "top.txt"):
        await files.write(path, path)
    link = await shared(files, path="b", folder=True)
    listed = (await files.client.get(link["url"])).json()
    assert [each["path"] for each in listed["data"]] == ["1.txt", "c/2 ü.txt"]
    assert (await files.client.get(f"{link['url']}/1.txt")).text == "b/1.txt"
    assert (await files.client.get(f"{link['url']}/c/2%20%C3%BC.txt")).text == "b/c/2 ü.txt"
    for beyond in ("../top.txt", "%2e%2e/top.txt", "..%2ftop.txt", "c/../../top.txt", "2.txt", "../bb/secret.txt"):
        assert (await files.client.get(f"{link['url']}/{beyond}")).status_code in (400, 404), beyond


@pytest.mark.parametrize("below", ["A.txt", "gone.txt", "none.txt", "..%2fx"])
async def test_what_a_link_does_not_reach_is_not_told_of(files: Any, below: str) -> None:
    """Neither what the folder is in, nor what was there, nor who deleted it."""
    for path in ("clients/acme/a.txt", "clients/acme/gone.txt", "clients/x"):
        await files.write(path, path)
    await files.client.delete(f"{files.at}/file", params={"path": "clients/acme/gone.txt"})
    link = await shared(files, path="clients/acme", folder=True)
    told = (await files.client.get(f"{link['url']}/{below}")).text
    assert not [word for word in ("clients", "acme", "main", "deleted", "local", "a.txt") if word in told], told


async def test_a_files_link_has_nothing_below_it(files: Any) -> None:
    await files.write("a.txt", "one")
    link = await shared(files, path="a.txt")
    assert (await files.client.get(f"{link['url']}/a.txt")).status_code == 404


async def test_a_revoked_link_and_one_that_never_was_are_the_same(files: Any) -> None:
    await files.write("a.txt", "one")
    link = await shared(files, path="a.txt")
    revoked = await files.client.delete(f"{files.at}/links/{link['link']['id']}")
    assert revoked.json()["revoked_at"]
    answers = [(await files.client.get(url)).json() for url in (link["url"], "/shared/nonsense")]
    assert answers[0] == answers[1]
    assert answers[0]["error"]["code"] == "link_not_found"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"path": "a.txt", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"path": "a.txt", "expires_at": "2020-01-01T00:00:00"}, "expires_at"),
        ({"path": "", "folder": True, "version": 1}, "version"),
    ],
)
async def test_links_that_make_no_sense_are_refused(files: Any, body: dict[str, Any], parameter: str) -> None:
    await files.write("a.txt", "one")
    refused = await files.post("links", **body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, parameter)


async def test_whoever_guesses_is_slowed_down(files: Any) -> None:
    await files.write("a.txt", "one")
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    link = await shared(files, path="a.txt", expires_at=until)
    for number in range(MISSES):
        assert (await files.client.get(f"/shared/guess{number}")).status_code == 404
    slowed = await files.client.get("/shared/another")
    assert (slowed.status_code, slowed.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert int(slowed.headers["retry-after"]) > 0
    assert (await files.client.get(link["url"])).status_code == 429
