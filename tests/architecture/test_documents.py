"""What the documents name exists, and what exists in the platform is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLATFORM = ROOT / "platform" / "jackfield"
ROOMS = ("platform", "engines", "plugins", "storage", "tui", "web", "migrations", "tests", "docs", "scripts")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
PATH_FROM_ROOT = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+)`")
PYTHON_FILE = re.compile(r"(?<![\w./-])(?:[\w-]+/)*[\w-]+\.py\b")


def existing_python_files() -> set[str]:
    """Every Python file of ours, and every tail of its path: `loop.py`, `decoding/loop.py`, …"""
    files = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {"/".join(file.parts[start:]) for file in files for start in range(len(file.parts))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_paths_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    missing += [path for path in PATH_FROM_ROOT.findall(text) if not (ROOT / path).exists()]
    known = existing_python_files()
    missing += [file for file in PYTHON_FILE.findall(text) if file not in known]
    assert missing == [], f"{document.relative_to(ROOT)} names what is not there"


def test_the_architecture_page_names_every_module_of_the_platform() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = sorted(path for path in PLATFORM.rglob("*.py") if not path.name.startswith("__"))
    unnamed = [
        module.relative_to(PLATFORM).as_posix()
        for module in modules
        if not re.search(rf"(?<![\w-]){re.escape(module.name)}\b", page)
    ]
    assert unnamed == [], "docs/architecture.md has no line for these"
