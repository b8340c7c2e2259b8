"""`jackfield db`, as a person or a start script runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from jackfield.testing.warm_process import run_warm
from jackfield_migrations.revisions import newest_revision, revision_names


def jackfield(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What a command prints and exits with, in a data folder of its own and without a settings file."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
    environment |= {"JACKFIELD_HOME": f"{home}", "JACKFIELD_SETTINGS": os.devnull, **settings}
    done = run_warm(arguments, environment=environment)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.slow
def test_current_before_and_after_an_upgrade(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = jackfield(home, "db", "current", "--json")
    assert msgspec.json.decode(before.stdout) == {"current": None, "newest": newest_revision()}
    assert not home.exists()

    upgrade = jackfield(home, "db", "upgrade")
    assert (upgrade.returncode, upgrade.stdout.split()) == (0, list(revision_names()))
    again = jackfield(home, "db", "upgrade")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "Up to date already.\n")

    after = jackfield(home, "db", "current")
    assert after.stdout == f"current\t{newest_revision()}\nnewest\t{newest_revision()}\n"
    assert after.stderr == ""


def test_a_folder_that_cannot_be_made_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    upgrade = jackfield(tmp_path / "file" / "home", "db", "upgrade")
    assert upgrade.returncode == 6
    assert upgrade.stdout == ""
    assert "cannot be made" in upgrade.stderr
    assert len(upgrade.stderr.splitlines()) == 1


def test_an_address_that_nothing_claims(tmp_path: Path) -> None:
    current = jackfield(tmp_path, "db", "current", JACKFIELD_DATABASE_URL="mysql://ann@db/jackfield")
    assert current.returncode == 9
    assert "mysql" in current.stderr


@pytest.mark.slow
def test_a_backup_comes_back_elsewhere_and_once_only(tmp_path: Path) -> None:
    home, elsewhere, archive = tmp_path / "home", tmp_path / "elsewhere", tmp_path / "backup.tar"
    nothing = jackfield(home, "db", "backup", f"{archive}")
    assert nothing.returncode == 6
    assert "nothing to back up" in nothing.stderr
    assert not archive.exists()

    jackfield(home, "db", "upgrade")
    backup = jackfield(home, "db", "backup", f"{archive}", "--json")
    held = msgspec.json.decode(backup.stdout)
    assert (held["revision"], held["rows"]["runs"], held["blobs"]) == (newest_revision(), 0, 0)

    restore = jackfield(elsewhere, "db", "restore", f"{archive}")
    assert restore.returncode == 0, restore.stderr
    assert "runs\t0\n" in restore.stdout
    assert jackfield(elsewhere, "db", "current", "--json").stdout == jackfield(home, "db", "current", "--json").stdout
    again = jackfield(home, "db", "backup", f"{archive}")
    assert again.returncode != 0
    assert "already" in again.stderr


@pytest.mark.skipif(os.name != "posix", reason="locks of folders are POSIX's")
def test_nothing_is_restored_under_a_process_that_executes_runs(tmp_path: Path) -> None:
    import fcntl

    home, archive = tmp_path / "home", tmp_path / "backup.tar"
    assert jackfield(home, "db", "upgrade").returncode == 0
    assert jackfield(home, "db", "backup", f"{archive}").returncode == 0
    with (home / "executors.lock").open("ab") as serving:
        fcntl.flock(serving, fcntl.LOCK_SH)
        refused = jackfield(home, "db", "restore", f"{archive}", "--replace")
        assert (refused.returncode, refused.stdout) == (5, "")
        assert "jackfield serve" in refused.stderr
        assert "--force" in refused.stderr
        assert jackfield(home, "db", "restore", f"{archive}", "--replace", "--force").returncode == 0
    assert jackfield(home, "db", "restore", f"{archive}", "--replace").returncode == 0
