"""The command line, the contracts and every built-in plugin start without loading anything heavy."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from importlib.metadata import distribution
from pathlib import Path

import jackfield.contracts
from jackfield.hookspecs import PROJECT

HEAVY = (
    "alembic",
    "celery",
    "faiss",
    "httpx",
    "huggingface_hub",
    "litestar",
    "llama_cpp",
    "llguidance",
    "matplotlib",
    "numpy",
    "pydantic",
    "sqlalchemy",
    "sqlalchemy.dialects.postgresql",
    "textual",
    "uvicorn",
)

IMPORT_IN_TURN = """
    import importlib, json, sys
    heavy, modules = json.loads(sys.argv[1])
    blame, seen = {}, set()
    for module in modules:
        importlib.import_module(module)
        loaded = set(heavy) & set(sys.modules)
        if loaded - seen:
            blame[module] = sorted(loaded - seen)
        seen |= loaded
    print(json.dumps(blame))
"""

SHOW_HELP = """
    import json, sys
    from jackfield.cli.main import jackfield
    heavy, arguments = json.loads(sys.argv[1])
    jackfield.main(arguments, prog_name="jackfield", standalone_mode=False)
    print(json.dumps(sorted(set(heavy) & set(sys.modules))))
"""


def last_line(program: str, words: Sequence[str], folder: Path) -> object:
    """What a program prints last, as JSON, in a process that has loaded nothing yet and has no settings."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), json.dumps([HEAVY, words])],
        env={"JACKFIELD_SETTINGS": str(folder / "jackfield.toml"), "JACKFIELD_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def built_in_plugins() -> list[str]:
    """The modules that Jackfield's own entry points name."""
    entries = distribution("jackfield").entry_points.select(group=PROJECT)
    return [entry.value for entry in entries]


def contract_modules() -> list[str]:
    """Every contract."""
    package = jackfield.contracts
    return [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]


def test_importing_the_platform_and_its_contracts_loads_nothing_heavy(tmp_path: Path) -> None:
    platform = ["jackfield", "jackfield.hookspecs", "jackfield.registry", "jackfield.plugin_host", "jackfield.cli.main"]
    assert last_line(IMPORT_IN_TURN, [*platform, *contract_modules()], tmp_path) == {}


def test_importing_built_in_plugins_loads_nothing_heavy(tmp_path: Path) -> None:
    assert last_line(IMPORT_IN_TURN, built_in_plugins(), tmp_path) == {}


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    assert last_line(SHOW_HELP, ["--help"], tmp_path) == []


def test_listing_files_loads_what_reads_the_database_and_no_more(
    tmp_path: Path, fresh_database: Callable[[Path], str]
) -> None:
    fresh_database(tmp_path)
    assert last_line(SHOW_HELP, ["files", "ls"], tmp_path) == ["pydantic", "sqlalchemy"]


def test_listing_plugins_loads_nothing_heavy(tmp_path: Path) -> None:
    assert last_line(SHOW_HELP, ["plugins", "list"], tmp_path) == []
