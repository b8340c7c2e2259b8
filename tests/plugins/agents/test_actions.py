"""What a model writes in a step: what the constraint lets through is what is read from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_plugins.agents.stored_program.actions import (
    Action,
    CutAction,
    ReadAction,
    WriteAction,
    actions_constraint,
    read_actions,
)
from jackfield_plugins.agents.stored_program.paths import PATH

PATHS = ("one.py", "docs/two.md", ".env")
LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",))).filter(
    lambda line: not line.startswith("```")
)
INNER = st.lists(LINES, max_size=3).map(lambda lines: ["```python", *lines, "```"])
CONTENTS = st.lists(LINES.map(lambda line: [line]) | INNER, max_size=6).map(
    lambda parts: "".join(f"{line}\n" for part in parts for line in part)
)
ACTIONS = st.lists(
    st.builds(WriteAction, st.sampled_from(PATHS), CONTENTS) | st.builds(ReadAction, st.sampled_from(PATHS)), min_size=1
)


def written(action: Action) -> str:
    """An action as a model writes it."""
    if isinstance(action, WriteAction):
        return f"FILE {action.path}\n```python\n{action.content}```\n"
    return f"READ {action.path}\n"


@given(ACTIONS)
def test_whatever_is_written_is_read_and_let_through(actions: list[Action]) -> None:
    text = "".join(map(written, actions))
    assert list(read_actions(text)) == list(read_actions(text + "DONE")) == actions
    constraint = actions_constraint(writes=PATHS, reads=PATHS, may_end=False)
    assert re.fullmatch(constraint.value, text)
    assert re.fullmatch(constraint.value, text + "DONE")


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(action.path == action.path.strip() for action in read_actions(text))


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("FILE a.py\n```python\nx = 1\n", (CutAction("a.py"),)),
        ("FILE a.py\n", (CutAction("a.py"),)),
        ("FILE a.md\n```\n```bash\nls\n", (CutAction("a.md"),)),
        ("Here you are:\nREAD a.py\nThank you.", (ReadAction("a.py"),)),
        ("DONE\n", ()),
        ("FILE a.py\n```\n```\nREAD b.py", (WriteAction("a.py", ""), ReadAction("b.py"))),
    ],
)
def test_answers_that_are_cut_or_not_to_the_point(text: str, actions: tuple[Action, ...]) -> None:
    assert read_actions(text) == actions


@pytest.mark.parametrize("text", ["FILE other.py\n```\nx\n```\n", "READ one.py\n", "DONE", "Sure!", "FILE one.py\n"])
def test_what_is_not_to_be_written_is_not_let_through(text: str) -> None:
    constraint = actions_constraint(writes=PATHS, reads=(), may_end=False)
    assert not re.fullmatch(constraint.value, text)


def test_the_word_that_ends_a_step_stands_at_the_end() -> None:
    value = actions_constraint(writes=PATHS, reads=None, may_end=True).value
    assert re.fullmatch(value, "DONE\n")
    assert re.fullmatch(value, "READ any/where.txt\n")
    assert re.fullmatch(value, "READ one.py\nDONE\n")
    assert not re.fullmatch(value, "DONE\nREAD one.py\n")


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../b", "a//b", "~/x", "a b", "", ".", "..", "a/", "x\n", "src"]
)
def test_paths_that_lead_out_are_no_paths(path: str) -> None:
    assert not re.fullmatch(PATH, path)


@pytest.mark.parametrize("path", ["a.py", ".gitignore", "src/a.tar.gz", ".github/workflows/check.yml", "Makefile"])
def test_what_a_file_may_be_called(path: str) -> None:
    assert re.fullmatch(PATH, path)
