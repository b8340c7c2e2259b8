"""The programs that the pages show do what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "files.md"


def test_the_python_of_the_page_on_files_runs(tmp_path: Path, fresh_database: Callable[[Path], str]) -> None:
    fresh_database(tmp_path)
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "JACKFIELD_HOME": str(tmp_path), "JACKFIELD_SETTINGS": str(tmp_path / "jackfield.toml")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["2", "notes/plan.md 2 0 45", "# Plan", "", "We meet on Tuesday.", ""]
