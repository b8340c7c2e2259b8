"""Plugins made visible to a process without building or installing them."""

from __future__ import annotations

import shutil
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any


def lay_out_plugins(site: Path, *sources: Path) -> Path:
    """Lay distributions out in a folder as an installer would; with it on PYTHONPATH they are installed.

    Each source is a folder with a pyproject.toml that states name, version and entry points.
    """
    site.mkdir(parents=True, exist_ok=True)
    for source in sources:
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        shutil.copytree(
            source, site, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pyproject.toml", "__pycache__")
        )
        _write_metadata(site, project)
    return site


def _write_metadata(site: Path, project: dict[str, Any]) -> None:
    stem = project["name"].replace("-", "_")
    folder = site / f"{stem}-{project['version']}.dist-info"
    folder.mkdir()
    metadata = f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(metadata, encoding="utf-8")
    entries = ConfigParser(delimiters="=")
    entries.optionxform = str  # type: ignore[assignment, method-assign]
    entries.read_dict(project.get("entry-points", {}))
    with (folder / "entry_points.txt").open("w", encoding="utf-8") as file:
        entries.write(file)
