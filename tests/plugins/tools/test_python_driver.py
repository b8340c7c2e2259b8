"""The driver: what runs when, and that cutting the code into pieces changes nothing."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_plugins.tools.python_sandbox.driver import Program

CODES = [
    "x = 1\nprint(x)\nx + 1",
    "for i in range(2):\n    print(i)\nelse:\n    print('done')\n",
    "try:\n    1/0\n\nexcept ZeroDivisionError:\n    print('caught')\n# note\nfinally:\n    print('end')\n'value'",
    "@staticmethod\ndef f():\n    '''a\nb = 1\n'''\n    return 3\n\nprint(f())\nf()",
    "text = '''\nprint(1)\nx = 2\n'''\nprint(text)\nlist_ = [\n1,\n2,\n]\nlist_",
    "a = 1 + \\\n2\nprint(a)\nprint(1); print(2); a",
    "print(1)\nfoo bar\nprint(2)",
    "print(1)\nraise ValueError('no')\nprint(2)",
    "def f():\n    return 1 / 0\nprint('before')\nf()\n",
    "import sys\nprint(1)\nsys.exit(3)\nprint(2)",
    "from __future__ import annotations\ndef f(x: Nowhere) -> None: ...\nf.__annotations__",
    "if True:\n  print(1)\nelif False:\n  print(2)\nelse :\n  print(3)\nNone",
    "print((",
    "match 3:\n    case 3:\n        print('three')\nif __name__ == '__main__':\n    print('main')\r\nx = 'ä'\r\nx\r",
    "class Odd:\n    def __repr__(self): raise ValueError\nOdd()",
    "",
]


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """A program takes the place of the main module."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


def outcome(*pieces: str) -> tuple[str, dict[str, Any]]:
    program = Program()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for piece in pieces:
            program.feed(piece)
        program.end()
    return printed.getvalue(), program.report


@given(st.sampled_from(CODES), st.lists(st.integers(0, 200), max_size=12))
def test_pieces_make_no_difference(code: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(code)) for cut in cuts), len(code)]
    pieces = [code[start:end] for start, end in itertools.pairwise(edges)]
    assert outcome(*pieces) == outcome(code)


@pytest.mark.parametrize("code", [code for code in CODES if "foo bar" not in code and code != "print(("])
def test_a_program_prints_what_python_prints(code: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(BaseException):
        exec(compile(code, "<code>", "exec", dont_inherit=True), {"__name__": "__main__"})
    assert outcome(code)[0] == printed.getvalue()


def test_a_statement_runs_when_the_next_one_begins() -> None:
    program = Program()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        program.feed("print('one')\n")
        assert printed.getvalue() == ""
        program.feed("if True:\n    print('two')\n")
        assert printed.getvalue() == "one\n"
        program.feed("# still the same\nelse:\n    pass\n")
        assert printed.getvalue() == "one\n"
        program.feed("x = 1\n")
        assert printed.getvalue() == "one\ntwo\n"


def test_errors_name_the_line_and_only_the_program() -> None:
    assert outcome(CODES[8])[1]["error"].splitlines()[:3] == [
        "Traceback (most recent call last):",
        '  File "<code>", line 4, in <module>',
        "    f()",
    ]
    assert 'File "<code>", line 2\n    foo bar' in outcome(CODES[6])[1]["error"]
    assert outcome(CODES[6])[0] == "1\n"


def test_the_value_is_that_of_a_last_expression() -> None:
    assert outcome("1\n2 + 3\n")[1]["value"] == "5"
    assert outcome("x = 5\n")[1]["value"] is None
    assert len(outcome("'x' * 100_000")[1]["value"]) < 5000
