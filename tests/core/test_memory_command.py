"""`jackfield memory`, and answers that remember, as a person or a script runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jackfield.testing.installation import Installation


def listed(machine: Installation) -> list[dict[str, Any]]:
    units: list[dict[str, Any]] = json.loads(machine.run("memory", "ls", "--json").stdout)
    return units


def test_nothing_is_taken_unless_it_is_switched_on_and_it_is_said(machine: Installation) -> None:
    told = "My dog is called Rex."
    assert "remembered" not in machine.run("ask", "--no-memory", told, JACKFIELD_MEMORY__ENABLED="true").stderr
    assert listed(machine) == []
    assert f"(remembered: {told})" in machine.run("ask", "--memory", told).stderr
    [unit] = listed(machine)
    assert (unit["text"], unit["provenance"], unit["visibility"]) == (told, "user", "owner")
    asked = machine.run("ask", "--memory", "What is my dog called?")
    assert f"remembered as {unit['id']}" in asked.stderr
    forgotten = machine.run("memory", "forget", unit["id"])
    assert f"Run {unit['source']} keeps what was said there" in forgotten.stderr


def test_a_sentence_is_added_shown_and_exported(machine: Installation) -> None:
    machine.run("memory", "add", "The bins go out", "on Tuesday")
    [unit] = listed(machine)
    assert "The bins go out on Tuesday" in machine.run("memory", "show", unit["id"][:12]).stdout
    [exported] = json.loads(machine.run("memory", "export").stdout)
    assert (exported["unit"]["id"], len(exported["versions"])) == (unit["id"], 1)
    assert machine.run("memory", "forget", "--all").returncode == 2  # nobody can be asked
    assert machine.run("memory", "forget", "--all", "--yes").returncode == 0
    assert listed(machine) == []


def test_a_kept_text_begins_a_prompt_of_the_model_that_read_it(machine: Installation, tmp_path: Path) -> None:
    """Also where another is the default, or none is."""
    (tmp_path / "handbook.txt").write_text("Everybody has thirty days off.")
    kept = json.loads(machine.run("memory", "keep", str(tmp_path / "handbook.txt"), "--json").stdout)
    assert (kept["kind"], kept["model"]) == ("activation", "scripted")
    asked = machine.run("ask", "--json", "--begin-with", kept["id"], "How many?", JACKFIELD_DEFAULT_MODEL="missing")
    answer = json.loads(asked.stdout)
    assert answer["model"] == "scripted"
    assert answer["usage"]["prompt_tokens"] > 5  # words of the text
