"""Run the marked tests that this machine can run, and say which others there are and what they wait for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import postgres_server
import pytest
import redis_server
from build_engine import cache_folder

PULLED = {"JACKFIELD_TEST_MODEL": "starter", "JACKFIELD_TEST_EMBEDDINGS": "embeddings"}
"""By the variable that names its file: models that Jackfield's own command brings."""


def main() -> int:
    """Run them; gives pytest's exit status."""
    withheld = {marker: reason for marker, reason_of in NEEDS.items() if (reason := reason_of())}
    runnable = " or ".join(marker for marker in NEEDS if marker not in withheld)
    expression = f"({runnable})" + "".join(f" and not {marker}" for marker in withheld)
    for variable, reference in PULLED.items():
        if variable not in os.environ:
            os.environ[variable] = str(pulled_model(reference))
    with ExitStack() as servers:
        if "postgres" not in withheld:
            os.environ[postgres_server.VARIABLE] = servers.enter_context(postgres_server.postgres_server())
        if "redis" not in withheld:
            os.environ[redis_server.VARIABLE] = servers.enter_context(redis_server.redis_server())
        return pytest.main(["-m", expression], plugins=[WithheldTests(withheld)])


class WithheldTests:
    """A pytest plugin that counts the tests whose need is not met, and says so in the summary."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self._reasons = reasons
        self._counts: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Count before pytest deselects."""
        self._counts.update(marker.name for item in items for marker in item.iter_markers())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line a marker, none for markers that no test has."""
        for marker, reason in self._reasons.items():
            if self._counts[marker]:
                terminalreporter.write_line(f"not run: {self._counts[marker]} marked '{marker}': {reason}")


def pulled_model(reference: str) -> Path:
    """A model's file, pulled with Jackfield's own command into a cache that all checkouts share."""
    if not _installed(reference):
        pulled = _jackfield("pull", reference, output=None)
        if pulled.returncode:
            sys.exit(f"error: '{reference}' could not be brought; {' or '.join(PULLED)} may name a GGUF file instead.")
    found = _installed(reference)
    if found is None:
        sys.exit(f"error: `jackfield models show {reference}` names no file although it was pulled.")
    return found


def _installed(name: str) -> Path | None:
    shown = _jackfield("show", name, "--json", output=subprocess.PIPE)
    return Path(json.loads(shown.stdout)["path"]) if shown.returncode == 0 else None


def _jackfield(*arguments: str, output: int | None) -> subprocess.CompletedProcess[bytes]:
    home = cache_folder() / "test-models"
    environment = {
        **os.environ,
        "JACKFIELD_HOME": str(home),
        "JACKFIELD_SETTINGS": str(home / "jackfield.toml"),
        "JACKFIELD_LOAD_PLUGINS": "builtin",
    }
    command = [sys.executable, "-m", "jackfield", "models", *arguments]
    quiet = None if output is None else subprocess.DEVNULL
    return subprocess.run(command, env=environment, stdout=output, stderr=quiet, timeout=1800, check=False)


def _unless_set(variable: str, what: str) -> Callable[[], str | None]:
    return lambda: None if os.environ.get(variable) else f"{variable} names no {what}"


def _nothing() -> None:
    return None


def _unless_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return None if any(map(shutil.which, names)) else f"none of {', '.join(names)} is installed"


NEEDS: dict[str, Callable[[], str | None]] = {
    "model": _nothing,
    "slow": _nothing,
    "models": _unless_set("JACKFIELD_TEST_MODELS", "folder with the models of the benches"),
    "postgres": postgres_server.why_not,
    "redis": redis_server.why_not,
    "browser": _unless_chromium,
}
"""By marker: why its tests cannot run here, None where they can."""

if __name__ == "__main__":
    sys.exit(main())
