"""Runs a program statement by statement as its lines arrive; this file is the first thing inside the sandbox.

It imports nothing but the standard library and is handed to the interpreter as text. Standard input brings JSON
texts, one a line, which join to the program, and `null` at its end. What came of it goes to the result's descriptor.
"""

from __future__ import annotations
import __future__

import ast
import io
import json
import linecache
import os
import resource
import signal
import sys
import traceback
import types
from typing import Any, NoReturn

NAME = "<code>"
GO_ON = ("elif", "else", "except", "finally")
"""Words that begin a line at the margin and yet no statement."""
LONGEST_VALUE = 4000
LONGEST_TRACEBACK = 2000
FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
GRACE = 1
"""Seconds of processor time between being told that it is used up and being killed."""


class ProcessorTimeUsedUp(BaseException):
    """The program calculated for as long as it may."""


class Program:
    """A program that becomes known line by line. A statement is run once the next one at the margin begins.

    Then nothing can change its meaning, so what happens does not depend on how the text was cut into pieces.
    """

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self._names = module.__dict__
        self._names["__builtins__"] = __builtins__
        self._flags = 0
        self._lines: list[str] = []
        self._done = 0
        self._rest = ""
        self.over = False
        self.report: dict[str, Any] = {"value": None, "error": None, "status": 0}

    def feed(self, text: str) -> None:
        """More of the text; runs what became certain."""
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            if self._begins_statement(line):
                self._run_certain()
            self._lines.append(line)

    def end(self) -> None:
        """Run what is left; the value is that of a last expression."""
        self._lines.append(self._rest)
        if self.over:
            return
        try:
            statements = self._parsed().body
        except Exception as error:  # noqa: BLE001 - the boundary to a program that may raise anything
            self._failed(error)
            return
        last = statements.pop() if statements and isinstance(statements[-1], ast.Expr) else None
        self._run(statements)
        if isinstance(last, ast.Expr) and not self.over:
            self._evaluate(last)

    def _begins_statement(self, line: str) -> bool:
        if self.over or len(self._lines) == self._done or not line.strip() or line[0] in " \t\f#":
            return False
        word = line.replace(":", " ").split(None, 1)[0]
        return word not in GO_ON and not self._lines[-1].rstrip("\r").endswith("\\")

    def _run_certain(self) -> None:
        try:
            statements = self._parsed().body
        except Exception:  # noqa: BLE001 - the boundary to a program that may raise anything
            return
        self._done = len(self._lines)
        self._run(statements)

    def _parsed(self) -> ast.Module:
        """The lines that were not run, numbered as in the whole text; raises where they are no whole statements."""
        lines = [""] * self._done + self._lines[self._done :]
        tree: ast.Module = compile(
            "\n".join(lines) + "\n", NAME, "exec", ast.PyCF_ONLY_AST | self._flags, dont_inherit=True
        )
        return tree

    def _run(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if self.over:
                return
            self._guarded(ast.Module([statement], []), "exec")

    def _evaluate(self, expression: ast.Expr) -> None:
        value = self._guarded(ast.Expression(expression.value), "eval")
        if value is None or self.over:
            return
        try:
            shown = repr(value)
        except BaseException as error:  # noqa: BLE001 - the boundary to a program that may raise anything
            self._failed(error)
            return
        self.report["value"] = shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}… [cut]"

    def _guarded(self, tree: ast.Module | ast.Expression, mode: str) -> Any:
        text = "\n".join(self._lines)
        linecache.cache[NAME] = (len(text), None, text.splitlines(keepends=True), NAME)
        try:
            code = compile(tree, NAME, mode, self._flags, dont_inherit=True)
            self._flags |= code.co_flags & FUTURES
            return eval(code, self._names)  # noqa: S307 - what this file is for
        except SystemExit as leaving:
            self._left(leaving)
        except BaseException as error:  # noqa: BLE001 - the boundary to a program that may raise anything
            self._failed(error)
        return None

    def _left(self, leaving: SystemExit) -> None:
        self.over = True
        if isinstance(leaving.code, str):
            self.report["error"] = leaving.code
        self.report["status"] = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)

    def _failed(self, error: BaseException) -> None:
        self.over = True
        self.report["status"] = 1
        self.report["error"] = _in_words(error)


def _in_words(error: BaseException) -> str:
    """A traceback from the program's own first line on; its end where it is long."""
    try:
        place = error.__traceback__
        while place is not None and place.tb_frame.f_code.co_filename != NAME:
            place = place.tb_next
        shown = traceback.TracebackException(type(error), error, place)
        if isinstance(error, ProcessorTimeUsedUp):
            shown.stack.pop()
        return "".join(shown.format())[-LONGEST_TRACEBACK:]
    except BaseException:  # noqa: BLE001 - an error's own words may raise
        return f"{type(error).__name__}, which cannot be shown"


def _hold(limits: dict[str, int]) -> None:
    """Set limits that nothing in here can raise again."""
    for name, most in limits.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (most, most + GRACE if name == "RLIMIT_CPU" else most))
        except (OSError, ValueError):
            if name != "RLIMIT_AS" or sys.platform == "linux":
                raise


def _drop_to(user: int) -> None:
    """Become a user that owns nothing, so that limits count and no file opens."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _interrupt(*_: object) -> NoReturn:
    raise ProcessorTimeUsedUp("the program used up its processor time")


def main() -> None:
    settings = json.loads(sys.argv[1])
    sys.argv = [""]
    given = os.fdopen(os.dup(0), encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    told = os.dup(settings["result"])
    os.close(settings["result"])
    if settings["user"] is not None:
        _drop_to(settings["user"])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    signal.signal(signal.SIGXCPU, _interrupt)
    _hold(settings["limits"])
    program = Program()
    for line in given:
        text = json.loads(line)
        if text is None:
            program.end()
            break
        program.feed(text)
        if program.over:
            break
    else:
        os._exit(1)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os.write(told, json.dumps(program.report).encode("utf-8", errors="replace") + b"\n")
    os.close(told)
    sys.exit(program.report["status"])


if __name__ == "__main__":
    main()
