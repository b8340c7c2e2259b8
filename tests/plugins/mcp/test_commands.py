"""`jackfield mcp` and what the doctor says, as a person runs them."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from jackfield.testing.installation import Installation

pytestmark = pytest.mark.slow

LEGACY = Path(__file__).with_name("legacy_server.py")


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    """A machine without MCP servers."""
    return Installation(tmp_path, plugins=("mcp",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where that machine keeps them."""
    return tmp_path / "mcp.json"


def test_a_server_is_added_listed_and_removed(machine: Installation, file: Path) -> None:
    added = machine.run("mcp", "add", "old", "--permission", "first=read", "--", sys.executable, str(LEGACY))
    assert (added.returncode, added.stdout) == (0, "")
    assert "Added 'old'" in added.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = machine.run("mcp", "list")
    assert listed.stdout.splitlines()[1].split("\t") == [
        "old",
        "connected",
        "old__first (read), old__second (write), old__third (write)",
    ]
    assert machine.run("mcp", "remove", "old").returncode == 0
    assert "No MCP server is configured" in machine.run("mcp", "list").stderr


def test_what_is_stored_is_what_was_given(machine: Installation, file: Path) -> None:
    machine.run(
        *("mcp", "add", "far", "--url", "https://${HOST}/mcp", "--timeout", "90"),
        *("--header", "Authorization: Bearer ${TOKEN}", "--header", "X-Team:blue"),
    )
    assert json.loads(file.read_text()) == {
        "mcpServers": {
            "far": {
                "type": "http",
                "url": "https://${HOST}/mcp",
                "headers": {"Authorization": "Bearer ${TOKEN}", "X-Team": "blue"},
                "timeout": 90.0,
            }
        }
    }


def test_pasted_json_is_imported_and_the_rest_of_the_file_stays(machine: Installation, file: Path) -> None:
    file.write_text(json.dumps({"mcpServers": {"kept": {"command": "a"}}, "note": "mine"}))
    pasted = {"mcpServers": {"one": {"command": "b"}, "two": {"type": "http", "url": "http://c"}}}
    assert machine.run("mcp", "import", "-", typed=json.dumps(pasted)).returncode == 0
    written = json.loads(file.read_text())
    assert list(written["mcpServers"]) == ["kept", "one", "two"]
    assert written["note"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "typed", "status", "sentence"),
    [
        (("add", "kept", "--", "b"), "", 5, "configured already; `--replace`"),
        (("add", "new"), "", 2, 'either a "command" to run or a "url"'),
        (("add", "new", "--url", "ftp://x"), "", 2, "must begin with http"),
        (("add", "new", "--header", "nonsense", "--url", "http://x"), "", 2, "--header takes NAME:VALUE"),
        (("remove", "other"), "", 4, "configured: kept"),
        (("import", "-"), "{}", 2, "names no MCP servers"),
        (("import", "-"), '{"mcpServers": {"x": {"comand": "y"}, "z": {"command": "y"}}}', 2, "did you mean"),
    ],
)
def test_a_mistake_changes_nothing(
    machine: Installation, file: Path, arguments: tuple[str, ...], typed: str, status: int, sentence: str
) -> None:
    before = json.dumps({"mcpServers": {"kept": {"command": "a"}}})
    file.write_text(before)
    done = machine.run("mcp", *arguments, typed=typed)
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text() == before


def test_list_tells_every_state(machine: Installation, file: Path) -> None:
    servers = {
        "works": {"command": sys.executable, "args": [str(LEGACY)]},
        "off": {"command": "a", "disabled": True},
        "absent": {"command": "no-such-program-here"},
        "wrong": {"comand": "a"},
    }
    file.write_text(json.dumps({"mcpServers": servers}))
    done = machine.run("mcp", "list", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert {name: row["state"] for name, row in rows.items()} == {
        "works": "connected",
        "off": "disabled",
        "absent": "failed",
        "wrong": "failed",
    }
    assert rows["works"]["tools"][0] == {"name": "works__first", "permission": "write"}
    assert "no program" in rows["absent"]["reason"]
    assert "did you mean" in rows["wrong"]["reason"]
    assert done.stderr == ""


def findings_of(machine: Installation) -> list[tuple[str, str, str]]:
    done = machine.run("doctor", "--json")
    return [
        (finding["health"], finding["detail"], finding.get("remedy") or "")
        for finding in json.loads(done.stdout)
        if finding["subject"] == "MCP servers"
    ]


def test_the_doctor_reads_the_configuration_and_connects_to_nothing(machine: Installation, file: Path) -> None:
    assert findings_of(machine) == []
    servers = {
        "far": {"url": "http://127.0.0.1:9/mcp"},
        "absent": {"command": "no-such-program-here"},
        "wrong": {"comand": "a"},
    }
    file.write_text(json.dumps({"mcpServers": servers}))
    fine, *faults = findings_of(machine)
    assert fine[0] == "ok"
    assert fine[1].startswith("far ")
    assert [health for health, _, _ in faults] == ["broken", "broken"]
    assert "did you mean" in faults[0][1]
    assert "no-such-program-here" in faults[1][1]
    file.write_text("{")
    [(health, detail, _)] = findings_of(machine)
    assert health == "broken"
    assert "is not valid JSON" in detail
