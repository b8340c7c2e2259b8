"""Expressions worked out without running them as code: exact as long as that is possible, and never for long."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TypeVar

from jackfield.errors import ToolFailure
from jackfield_plugins.tools.arithmetic_functions import CONSTANTS, FUNCTIONS, Number, fits, plain, power

LONGEST = 1000
"""Characters of an expression."""
SHOWN = 60
"""Characters of an expression that an error repeats."""
LARGEST_EXPONENT = 3000
"""Of a number written as 1e300."""
SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "π": "pi"})  # noqa: RUF001 what people write

OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right if isinstance(left, float) else Fraction(left) / Fraction(right),
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
}
"""Python's, where `/` of whole numbers stays exact."""

T = TypeVar("T")


def worked_out(expression: str) -> str:
    """The value of an expression as decimal text; raises ToolFailure with a sentence."""
    if len(expression) > LONGEST:
        raise ToolFailure(f"The expression has {len(expression):,} characters; at most {LONGEST:,} are worked out.")
    try:
        return _text(_Expression(expression.translate(SIGNS).replace("^", "**")).value())
    except ZeroDivisionError:
        raise ToolFailure(f"'{_shown(expression)}' divides by zero.") from None
    except OverflowError:
        raise ToolFailure(f"'{_shown(expression)}' is too large to be worked out.") from None
    except RecursionError:
        raise ToolFailure("The expression is nested too deeply; work it out in steps.") from None


class _Expression:
    def __init__(self, text: str) -> None:
        self._text = text.strip()

    def value(self) -> Number:
        try:
            tree = ast.parse(self._text, mode="eval")
        except (SyntaxError, ValueError, MemoryError) as error:
            raise ToolFailure(
                f"'{_shown(self._text)}' is no arithmetic expression ({getattr(error, 'msg', error)}); "
                "write it such as (2 + 3) * sqrt(16) / 7, a factorial as factorial(5)."
            ) from error
        return self._of(tree.body)

    def _of(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name(id=name):
                return self._named(CONSTANTS, name, "constant")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._of(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._of(operand)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
                return _checked(OPERATORS[type(sign)], self._of(left), self._of(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._called(name, arguments)
        raise ToolFailure(
            f"'{_shown(ast.unparse(node))}' is not arithmetic; numbers, + - * / // % ** and functions are."
        )

    def _constant(self, node: ast.Constant) -> Number:
        text = (ast.get_source_segment(self._text, node) or "").replace("_", "")
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return fits(node.value)
        exponent = re.search(r"[eE]([+-]?\d+)$", text)
        if not isinstance(node.value, float) or (exponent and abs(int(exponent[1])) > LARGEST_EXPONENT):
            raise ToolFailure(f"'{text}' is no number that can be worked with.")
        return plain(Fraction(text))

    def _called(self, name: str, arguments: list[ast.expr]) -> Number:
        function = self._named(FUNCTIONS, name, "function")
        values: list[Number] = []
        for argument in arguments:
            parts = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
            values.extend(map(self._of, parts))
        try:
            return plain(function(*values))
        except (TypeError, ValueError) as error:
            raise ToolFailure(f"{name}({', '.join(map(_text, values))}) has no value: {error}.") from error

    def _named(self, known: Mapping[str, T], name: str, kind: str) -> T:
        if name not in known:
            raise ToolFailure(f"There is no {kind} '{name}'; there are: {', '.join(known)}.")
        return known[name]


def _checked(operation: Callable[[Number, Number], Number], left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
    return plain(operation(left, right))


def _text(value: Number) -> str:
    """Whole numbers and decimals that end as they are, all else to 15 digits."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Fraction):
        digits = _decimal_places(value)
        if digits is not None and digits <= 30:
            return f"{'-' if value < 0 else ''}{_shifted(abs(value), digits)}"
        value = float(value)
    return f"{value:.15g}"


def _decimal_places(value: Fraction) -> int | None:
    """How many digits a decimal that ends has behind its point; None where it never ends."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def _shifted(value: Fraction, digits: int) -> str:
    whole = str(int(value * 10**digits)).rjust(digits + 1, "0")
    return f"{whole[:-digits]}.{whole[-digits:]}"


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
