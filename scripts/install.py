"""Install requirements.lock, and Jackfield from this checkout, into the running interpreter's environment."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from build_engine import PACKAGE, ToolMissing, engine_wheel
from watched_command import CommandFailed, Stage, StageReader, run_watched

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
ENGINE_RECORD = Path(sys.prefix) / "jackfield-engine"


def main() -> int:
    """Install everything; gives an exit status."""
    try:
        install_engine(engine_wheel(LOCK))
        install_lock()
        install_jackfield()
    except ToolMissing as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except CommandFailed as error:
        print(f"{error.tail()}\n\nerror: {error}", file=sys.stderr)
        return 1
    return 0


def install_engine(wheel: Path) -> None:
    """Install the engine's wheel unless this very one is installed."""
    if ENGINE_RECORD.exists() and ENGINE_RECORD.read_text(encoding="utf-8") == str(wheel):
        return
    _pip_install(f"Installing {PACKAGE}", ["--no-deps", "--no-index", "--force-reinstall", str(wheel)])
    ENGINE_RECORD.write_text(str(wheel), encoding="utf-8")


def install_lock() -> None:
    """Install every locked package, each checked against its hash."""
    arguments = ["--require-hashes", "--requirement", str(LOCK)]
    _pip_install("Installing locked packages", arguments, collected_packages())


def install_jackfield() -> None:
    """Install this checkout in place."""
    _pip_install("Installing Jackfield", ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])


def collected_packages() -> StageReader:
    """A reader that counts the packages pip has looked at."""
    total = len(re.findall(r"^[a-z0-9]\S*==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    seen = 0

    def reader(line: str) -> Stage | None:
        nonlocal seen
        if line.startswith(("Collecting ", "Requirement already satisfied", "Ignoring ")):
            seen += 1
            return Stage("fetching", min(seen, total), total)
        return Stage("unpacking") if line.startswith("Installing collected packages") else None

    return reader


def _pip_install(title: str, arguments: Sequence[str], reader: StageReader = lambda line: None) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    run_watched(title, [*command, *arguments], reader, Path(sys.prefix) / "install.log")


if __name__ == "__main__":
    sys.exit(main())
