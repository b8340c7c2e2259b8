"""docs/hooks.md says what the hooks are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jackfield.hookspecs import HOOKS, Hooks
from jackfield.registry import Registry

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    check = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_hooks_doc.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_says_when_it_fires_and_has_a_shelf(hook: str) -> None:
    page = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert f"\n### {hook}\n" in page
    assert " Fires " in (vars(Hooks)[hook].__doc__ or "")
    assert hook.removeprefix("jackfield_") in vars(Registry())


def test_every_shelf_has_a_hook() -> None:
    assert {f"jackfield_{shelf}" for shelf in vars(Registry())} == set(HOOKS)
