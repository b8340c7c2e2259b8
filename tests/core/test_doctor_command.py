"""`jackfield doctor`: what it finds on a machine that is well, and on one where something is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jackfield.testing.installation import Installation


@pytest.fixture
def model_file(machine: Installation, tmp_path: Path) -> Path:
    """The file of a second model, `mine`, which is linked."""
    file = tmp_path / "my model.gguf"
    file.write_bytes(b"GGUF mine")
    pulled = machine.run("models", "pull", str(file), "--name", "mine", "--link")
    assert pulled.returncode == 0, pulled.stderr
    return file


def findings(machine: Installation, *, code: int) -> dict[str, dict[str, Any]]:
    """What `doctor --json` finds, by subject; it must exit with `code`."""
    examined = machine.run("doctor", "--json")
    assert examined.returncode == code, examined.stdout + examined.stderr
    return {finding["subject"]: finding for finding in json.loads(examined.stdout)}


def test_all_is_well(machine: Installation) -> None:
    examined = machine.run("doctor")
    assert examined.returncode == 0
    assert "ok       models: scripted\n" in examined.stdout
    assert "broken" not in examined.stdout
    assert examined.stderr == ""


def test_findings_are_there_for_programs(machine: Installation) -> None:
    found = findings(machine, code=0)
    assert found["data folder"] == {
        "subject": "data folder",
        "health": "ok",
        "detail": str(machine.home),
        "remedy": None,
        "optional": False,
    }
    assert "scripted-engine" in found["plugins"]["detail"]


def test_a_machine_without_a_model_is_told_how_to_get_one(tmp_path: Path) -> None:
    found = findings(Installation(tmp_path), code=0)
    assert (found["models"]["health"], found["models"]["optional"]) == ("missing", True)
    assert found["models"]["remedy"] == "jackfield models pull starter --default"


def test_it_is_said_how_files_are_found(machine: Installation, tmp_path: Path) -> None:
    found = findings(machine, code=0)["search"]
    assert (found["health"], found["optional"]) == ("missing", True)
    assert "by their words only" in found["detail"]
    assert found["remedy"] == "jackfield models pull embeddings"
    machine.environment["JACKFIELD_FILES__EMBEDDING_MODEL"] = "scripted"
    assert findings(machine, code=0)["search"]["health"] == "ok"


def test_a_model_whose_file_is_gone_is_broken(machine: Installation, model_file: Path) -> None:
    model_file.unlink()
    found = findings(machine, code=1)
    assert found["models"]["detail"] == "scripted"
    assert found["model mine"]["health"] == "broken"
    assert f"{model_file}, cannot be read: No such file or directory" in found["model mine"]["detail"]
    remove, pull = found["model mine"]["remedy"].split(" && ")
    assert remove == "jackfield models rm mine"
    assert pull == f"jackfield models pull '{model_file}' --name mine --link"


def test_a_model_whose_file_has_another_size_is_broken(machine: Installation, model_file: Path) -> None:
    model_file.write_bytes(b"GG")
    examined = machine.run("doctor")
    assert examined.returncode == 1
    assert "is 2 bytes long and was pulled with 9" in examined.stdout
    assert "→ jackfield models rm mine && jackfield models pull" in examined.stdout
    assert "1 of " in examined.stderr


def test_a_data_folder_that_is_no_folder_is_broken(tmp_path: Path) -> None:
    machine = Installation(tmp_path)
    machine.home.write_bytes(b"")
    found = findings(machine, code=1)
    assert found["data folder"]["health"] == "broken"
    assert str(machine.home) in found["data folder"]["detail"]
    assert found["data folder"]["remedy"]


def test_a_setting_that_makes_no_sense_is_broken(machine: Installation, tmp_path: Path) -> None:
    (tmp_path / "jackfield.toml").write_text("log_level = 'loud'\n", encoding="utf-8")
    found = findings(machine, code=1)
    assert found["settings"]["health"] == "broken"
    assert "log_level" in found["settings"]["detail"]
    assert found["settings"]["remedy"]


def test_nothing_is_said_of_services_that_are_not_used(machine: Installation) -> None:
    assert not {"database", "redis", "workers"} & findings(machine, code=0).keys()


def test_services_that_are_away_are_broken_and_no_password_is_shown(machine: Installation) -> None:
    machine.environment["JACKFIELD_DATABASE_URL"] = "postgresql://ann:hunter22@127.0.0.1:1/jackfield"
    machine.environment["JACKFIELD_JOBS__REDIS_URL"] = "redis://:hunter22@127.0.0.1:1/0"
    found = findings(machine, code=1)
    assert (found["database"]["health"], found["redis"]["health"]) == ("broken", "broken")
    assert "127.0.0.1:1/0 cannot be reached" in found["redis"]["detail"]
    assert found["database"]["remedy"]
    assert "hunter22" not in json.dumps(found)


def test_a_database_elsewhere_is_told_with_its_revision(machine: Installation, tmp_path: Path) -> None:
    machine.environment["JACKFIELD_DATABASE_URL"] = f"sqlite:///{tmp_path}/elsewhere.db"
    behind = findings(machine, code=0)["database"]
    assert (behind["health"], behind["remedy"]) == ("missing", "jackfield db upgrade")
    now = findings(machine, code=0)["database"]
    assert now["health"] == "ok"
    assert "revision" in now["detail"]


@pytest.mark.redis
def test_redis_and_the_workers_that_live_are_told(machine: Installation) -> None:
    machine.environment["JACKFIELD_JOBS__REDIS_URL"] = os.environ["JACKFIELD_TEST_REDIS"].rsplit("/", 1)[0] + "/14"
    found = findings(machine, code=0)
    assert found["redis"]["health"] == "ok"
    assert found["workers"] == {
        "subject": "workers",
        "health": "missing",
        "detail": "none lives",
        "remedy": "jackfield worker",
        "optional": True,
    }
