"""Collections, links and the state of everything, at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.cli.files.subcommands import SUBCOMMANDS


def test_a_collections_life(desk: Any) -> None:
    desk.done("collections", "add", "team", "--quota", "5GB")
    desk.done("add", "-", "--as", "team:plan.md", typed="text")
    assert desk.done("cat", "team:plan.md").out == "text"
    row = next(row for row in desk.done("collections", "list").rows if row[0] == "team")
    assert row[1:4] == ["1", "4 bytes", "5.0 GB"]
    desk.done("collections", "quota", "team", "none")
    desk.done("collections", "grant", "team", "everyone", "read")
    granted = next(one for one in desk.done("collections", "list", "--json").json if one["name"] == "team")
    assert granted["quota_bytes"] is None
    assert granted["grants"] == [{"kind": "everyone", "id": "", "level": "read"}]
    desk.done("collections", "withdraw", "team", "everyone")
    desk.done("collections", "rename", "team", "crew")
    full = desk("collections", "rm", "crew", "--yes")
    assert full.code == 5
    desk.done("rm", "crew:plan.md")
    assert desk("collections", "rm", "crew").code == 2
    desk.done("collections", "rm", "crew", "--yes")
    assert "crew" not in desk.done("collections", "list").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("quota", "team", "much"), 2, "'much' is no size; say one such as 500MB, 5GB or none."),
        (("grant", "team", "bob", "read"), 2, "'bob' is nobody; say everyone, user:E-MAIL or team:NAME."),
        (("grant", "team", "user:bob@example.org", "read"), 4, "bob@example.org"),
        (("grant", "team", "team:blue", "read"), 4, "There is no team 'blue'"),
        (("add", "team"), 5, "team"),
        (("quota", "nobody", "1GB"), 4, "There is no collection 'nobody'."),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Any, arguments: tuple[str, ...], code: int, said: str) -> None:
    desk.done("collections", "add", "team")
    refused = desk("collections", *arguments)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err


def test_a_links_life(desk: Any) -> None:
    desk.write("plan.md", "text")
    made = desk.done("link", "plan.md", "--expires", "7d")
    assert made.out.startswith("http://127.0.0.1:5225/shared/")
    link = made.err.split()[-1]
    assert desk.done("links").rows[0][0] == link
    assert made.out.split("/")[-1].strip() not in desk.done("links", "--json").out
    desk.done("unlink", link)
    assert "revoked" in desk.done("links").out
    assert desk("unlink", "link_nothing").code == 4
    assert desk("link", "nothing.md").code == 4
    over = desk("link", "plan.md", "--expires", "yesterday")
    assert (over.code, "is over already" in over.err) == (2, True)
    assert desk("link", "plan.md", "--folder", "--version", "1").code == 2


def test_everything_agrees_until_bytes_are_lost(desk: Any) -> None:
    desk.write("plan.md", "some text")
    sound = desk.done("verify", "--deep")
    assert "all agree" in sound.err
    digest = desk.done("log", "plan.md", "--json").json[0]["digest"]
    (blob,) = [
        path for path in Path(desk.home).rglob("*") if path.is_file() and digest in path.as_posix().replace("/", "")
    ]
    blob.unlink()
    broken = desk("verify", "--json")
    assert broken.code == 1
    assert not broken.json["sound"]
    assert "blob_missing" in {fault["kind"] for fault in broken.json["faults"]}
    lost = desk("cat", "plan.md")
    assert lost.code == 6
    assert "plan.md" in lost.err


def test_the_doctor_tells_of_files(desk: Any) -> None:
    desk.write("plan.md", "some text")
    findings = {finding["subject"]: finding for finding in desk.run("doctor", "--json").json}
    assert findings["search"]["health"] == "missing"
    assert "1 text indexed" in findings["index"]["detail"]
    assert findings["documents"]["health"] in ("ok", "missing")


def test_every_subcommand_is_there_and_helps(desk: Any) -> None:
    listed = desk.done("--help").out
    for name in SUBCOMMANDS:
        assert f"  {name}" in listed
        assert desk.done(name, "--help").out.startswith(f"Usage: jackfield files {name} ")
    assert "Did you mean 'find'?" in _refused(desk, "fnd")


def _refused(desk: Any, *arguments: str) -> str:
    import click

    with pytest.raises(click.UsageError) as refused:
        desk(*arguments)
    return refused.value.message
