"""Names of servers' tools: valid, and one for each."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from jackfield_plugins.mcp.tool_names import tool_name

NAMES = st.text(min_size=1, max_size=90) | st.text("ab_", min_size=1, max_size=6)


def test_usual_names_are_plain() -> None:
    assert tool_name("github", "create_issue") == "github__create_issue"
    assert tool_name("my-files", "read.text") == "my-files__read.text"


@given(NAMES, NAMES)
def test_every_name_is_valid(server: str, tool: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", tool_name(server, tool))


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_tools_never_have_one_name(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert (tool_name(*first) == tool_name(*second)) == (first == second)
