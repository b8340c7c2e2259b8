from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.files.difference import MOST_LINES, unified

NAMES = ("a", "b")
texts = st.text(st.sampled_from("ab\n\r\x0c "), max_size=60)


def test_a_difference_is_unified_and_says_where_no_line_break_ends_it() -> None:
    assert unified("one\ntwo\nthree", "one\n2\nthree", names=NAMES) == (
        "--- a\n+++ b\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\\ No newline at end of file\n"
    )


def test_equal_texts_have_no_difference() -> None:
    assert unified("x\n" * 1000, "x\n" * 1000, names=NAMES) == ""


def test_long_texts_are_compared_where_little_of_them_differs() -> None:
    long = [f"{number}\n" for number in range(10 * MOST_LINES)]
    changed = [*long[:500], "new\n", *long[501:]]
    found = unified("".join(long), "".join(changed), names=NAMES)
    assert found is not None
    assert "\n-500\n+new\n" in found
    assert unified("".join(long), "".join(reversed(long)), names=NAMES) is None


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs the program patch")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts, texts)
def test_a_difference_applied_to_the_old_text_gives_the_new(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(old.encode())
    found = unified(old, new, names=("file", "file"))
    assert found is not None
    if found:
        subprocess.run(
            ["patch", "--silent", "--binary", "--posix", str(file)],
            input=found.encode(),
            check=True,
            cwd=tmp_path,
        )
    assert (file.read_bytes() if file.exists() else b"").decode() == new
