"""Semantic files on a team server: one's own, what one was granted, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.contracts.identity import Account
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.users import UserChange


def personal(team: Any, name: str) -> str:
    return f"personal-{team.users[name].id}"


async def test_everybody_has_a_collection_that_nobody_else_knows_of(library_team: Any) -> None:
    own = personal(library_team, "bo")
    mine = await library_team.files("bo", own)
    assert (await mine.write("a.txt", "secret")).status_code == 200
    listed = (await mine.client.get("/api/files/collections")).json()
    assert (listed["default"], [each["name"] for each in listed["data"]]) == (own, [own])
    theirs = await library_team.files("cy", own)
    for answer in (
        await theirs.read("a.txt"),
        await theirs.write("a.txt", "x"),
        await theirs.get("files"),
        await theirs.get("links"),
        await theirs.client.post("/api/files/search", json={"text": "secret", "collections": [own]}),
        await theirs.client.delete(theirs.at),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "collection_not_found")
    assert (await theirs.client.get("/api/files/collections")).json()["data"] == []
    assert (await (await library_team.files("ada", own)).read("a.txt")).text == "secret"


@pytest.mark.parametrize("name", ["personal-{}", "Personal-{}", "personal-somebody"])
async def test_nobody_takes_the_name_of_anothers_own_collection(library_team: Any, name: str) -> None:
    """Else they could let the owner in there, and read what those believe to be theirs alone."""
    taken = name.format(library_team.users["bo"].id)
    other = await library_team.client("cy")
    await other.post("/api/files/collections", json={"name": "mine"})
    for refused in (
        await other.post("/api/files/collections", json={"name": taken}),
        await other.patch("/api/files/collections/mine", json={"name": taken}),
    ):
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_allowed")
    mine = await library_team.files("bo", personal(library_team, "bo"))
    assert (await mine.write("a.txt", "secret")).status_code == 200


async def test_what_was_made_at_the_terminal_is_for_admins_until_it_is_granted(library_team: Any) -> None:
    await library_team.workbench.library().add("team")
    (theirs, admins) = [await library_team.files(name, "team") for name in ("cy", "ada")]
    assert (await theirs.write("a.txt", "one")).status_code == 404
    assert (await admins.write("a.txt", "one")).status_code == 200
    await admins.client.put(f"{admins.at}/grants", json={"kind": "everyone", "level": "read"})
    assert (await theirs.read("a.txt")).text == "one"
    assert (await theirs.client.patch(theirs.at, json={"name": "mine"})).status_code == 403


@pytest.mark.parametrize(
    ("level", "reads", "writes", "manages"),
    [("read", True, False, False), ("write", True, True, False), ("manage", True, True, True)],
)
@pytest.mark.parametrize("holder", ["user", "team", "everyone"])
async def test_a_grant_lets_others_do_as_much_as_it_says(
    library_team: Any, holder: str, level: str, *, reads: bool, writes: bool, manages: bool
) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    mine = await library_team.files("bo", "shared")
    await mine.write("a.txt", "one")
    user = library_team.users["cy"]
    grant = {"kind": holder, "id": {"user": user.id, "team": user.team_id, "everyone": ""}[holder], "level": level}
    assert (await owner.put("/api/files/collections/shared/grants", json=grant)).status_code == 200
    theirs = await library_team.files("cy", "shared")
    done = [
        (await theirs.read("a.txt")).status_code,
        (await theirs.write("a.txt", "two")).status_code,
        (await theirs.client.patch(theirs.at, json={"name": "shared2"})).status_code,
    ]
    assert done == [200 if allowed else 403 for allowed in (reads, writes, manages)]


@pytest.mark.parametrize(("kind", "name"), [("user", "cy@example.org"), ("team", "blue")])
async def test_who_is_let_in_goes_by_an_address_or_a_name_too(library_team: Any, kind: str, name: str) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    grants = "/api/files/collections/shared/grants"
    user = library_team.users["cy"]
    granted = await owner.put(grants, json={"kind": kind, "id": name, "level": "read"})
    assert granted.json()["grants"] == [
        {"kind": kind, "id": user.id if kind == "user" else user.team_id, "level": "read"}
    ]
    theirs = await library_team.client("cy")
    assert (await theirs.get("/api/files/collections/shared")).status_code == 200
    assert (await owner.delete(grants, params={"kind": kind, "id": name})).json()["grants"] == []
    assert (await theirs.get("/api/files/collections/shared")).status_code == 404


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("user", "user_nobody", "user_not_found"),
        ("user", "no@example.org", "user_not_found"),
        ("team", "red", "team_not_found"),
    ],
)
async def test_nothing_is_granted_to_somebody_who_is_not_there(
    library_team: Any, kind: str, name: str, code: str
) -> None:
    """It would look as if they were let in."""
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    grants = "/api/files/collections/shared/grants"
    for refused in (
        await owner.put(grants, json={"kind": kind, "id": name, "level": "read"}),
        await owner.delete(grants, params={"kind": kind, "id": name}),
    ):
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, code)
    assert (await owner.get("/api/files/collections/shared")).json()["grants"] == []
    other = await library_team.client("cy")
    asked = await other.put(grants, json={"kind": kind, "id": name, "level": "read"})
    assert asked.json()["error"]["code"] == "collection_not_found"


async def test_a_grant_is_taken_back_from_somebody_who_is_gone(library_team: Any) -> None:
    owner, admin = await library_team.client("bo"), await library_team.client("ada")
    await owner.post("/api/files/collections", json={"name": "shared"})
    grants, gone = "/api/files/collections/shared/grants", library_team.users["cy"].id
    await owner.put(grants, json={"kind": "user", "id": gone, "level": "read"})
    await admin.delete(f"/api/users/{gone}")
    assert (await owner.delete(grants, params={"kind": "user", "id": gone})).json()["grants"] == []


async def test_a_withdrawn_grant_holds_no_longer(library_team: Any) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    await owner.put("/api/files/collections/shared/grants", json={"kind": "everyone", "level": "read"})
    theirs = await library_team.client("cy")
    assert (await theirs.get("/api/files/collections/shared")).status_code == 200
    await owner.delete("/api/files/collections/shared/grants", params={"kind": "everyone"})
    assert (await theirs.get("/api/files/collections/shared")).status_code == 404


async def test_a_viewer_reads_and_changes_nothing(library_team: Any) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    await owner.put("/api/files/collections/shared/grants", json={"kind": "everyone", "level": "manage"})
    await (await library_team.files("bo", "shared")).write("a.txt", "one")
    viewer = await library_team.files("vi", "shared", "read")
    assert (await viewer.read("a.txt")).text == "one"
    refused = await viewer.write("a.txt", "two")
    assert refused.status_code == 403
    assert "changing what is kept" in refused.json()["error"]["message"]
    assert (await viewer.get("links")).status_code == 403


async def test_only_admins_say_how_much_room_there_is(library_team: Any) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "mine"})
    assert (await owner.put("/api/files/collections/mine/quota", json={"bytes": None})).status_code == 403
    admin = await library_team.client("ada")
    set_by_admin = await admin.put("/api/files/collections/mine/quota", json={"bytes": 5})
    assert set_by_admin.json()["quota_bytes"] == 5
    full = await (await library_team.files("bo", "mine")).write("a.txt", "too long")
    assert (full.status_code, full.json()["error"]["code"]) == (507, "storage_full")


async def test_what_somebody_locked_nobody_else_changes(library_team: Any) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    await owner.put("/api/files/collections/shared/grants", json={"kind": "everyone", "level": "write"})
    mine, theirs = await library_team.files("bo", "shared"), await library_team.files("cy", "shared")
    await mine.write("a.txt", "one")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await mine.client.put(f"{mine.at}/lock", json={"path": "a.txt", "until": until})
    refused = await theirs.write("a.txt", "two")
    assert (refused.status_code, refused.json()["error"]["code"]) == (423, "file_locked")
    forced = await theirs.client.delete(f"{theirs.at}/lock", params={"path": "a.txt", "force": True})
    assert forced.status_code == 403
    assert (await mine.client.delete(f"{mine.at}/lock", params={"path": "a.txt"})).status_code == 200
    assert (await theirs.write("a.txt", "two")).status_code == 200


async def test_changes_say_who_made_them_and_the_audit_log_who_let_whom_in(library_team: Any) -> None:
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    await owner.put("/api/files/collections/shared/grants", json={"kind": "everyone", "level": "read"})
    mine = await library_team.files("bo", "shared")
    await mine.write("a.txt", "one")
    await mine.post("links", path="a.txt")
    [version] = (await mine.get("history", path="a.txt")).json()["data"]
    assert version["author"] == {"id": library_team.users["bo"].id, "name": "bo@example.org"}
    admin = await library_team.client("ada")
    noted = [each["action"] for each in (await admin.get("/api/audit")).json() if each["actor"] != "command line"]
    assert noted == ["link.add", "collection.grant", "collection.add"]


async def test_a_link_needs_nobody_to_be_known(library_team: Any) -> None:
    await (await library_team.client("bo")).post("/api/files/collections", json={"name": "shared"})
    mine = await library_team.files("bo", "shared")
    await mine.write("a.txt", "one")
    link = (await mine.post("links", path="a.txt")).json()
    nobody = await library_team.client(None)
    assert (await nobody.get(link["url"])).text == "one"
    assert (await nobody.get(f"{mine.at}/content", params={"path": "a.txt"})).status_code == 401


async def test_a_run_sees_what_its_owner_may_read_by_then(library_team: Any) -> None:
    """It may have waited for days; whoever left the team meanwhile sees nothing of the team's any more."""
    owner = await library_team.client("bo")
    await owner.post("/api/files/collections", json={"name": "shared"})
    user = library_team.users["cy"]
    grant = {"kind": "team", "id": user.team_id, "level": "read"}
    await owner.put("/api/files/collections/shared/grants", json=grant)
    begun_as = Account(user_id=user.id, team_id=user.team_id)
    for team_id, names in ((user.team_id, ["shared"]), (None, [])):
        await library_team.identity.users.change(COMMAND_LINE, user.id, UserChange(team_id=team_id))
        library = await library_team.workbench.libraries.of_owner(begun_as)
        assert [one.name for one in await library.collections()] == names


async def test_a_run_looks_only_in_what_its_owner_may_read(library_team: Any) -> None:
    own = personal(library_team, "bo")
    await (await library_team.files("bo", own)).write("tea.md", "Green tea is steeped at 80 degrees.\n")
    asked = {
        "model": "scripted",
        "messages": [{"role": "user", "content": "green tea"}],
        "files": {"mode": "keyword"},
        "max_tokens": 5,
    }
    for name, paths in (("bo", ["tea.md"]), ("cy", []), ("ada", [])):
        answer = await (await library_team.client(name, "inference")).post("/v1/chat/completions", json=asked)
        assert [each["path"] for each in answer.json()["choices"][0]["message"]["sources"]] == paths
    named = asked | {"files": {"collections": [own]}}
    by_admin = await (await library_team.client("ada", "inference", "admin")).post("/v1/chat/completions", json=named)
    assert [each["path"] for each in by_admin.json()["choices"][0]["message"]["sources"]] == ["tea.md"]
    refused = await (await library_team.client("cy", "inference")).post("/v1/chat/completions", json=named)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "collection_not_found")
