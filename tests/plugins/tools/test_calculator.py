"""The calculator gives what a person would write down, and a sentence where there is nothing to write."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.tools import ToolResult
from jackfield.tools.runner import CallRunner
from jackfield_plugins.tools.calculator import calculator

NUMBERS = st.integers(-(10**12), 10**12)


async def calculated(expression: str) -> ToolResult:
    """What a model is told."""
    return await CallRunner().run(calculator, {"expression": expression})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"),
        ("2^10*3", "3072"),
        ("-2**2", "-4"),
        ("0.1 + 0.2", "0.3"),
        ("0.07 * 3.5", "0.245"),
        ("1/3", "0.333333333333333"),
        ("10**30 / 10**10", "100000000000000000000"),
        ("12345678901234567890 * 98765432109876543210", "1219326311370217952237463801111263526900"),
        ("7 // 2 + -7 % 3", "5"),
        ("5 × 3 − 8 ÷ 2", "11"),  # noqa: RUF001 as people write it
        ("sqrt(16)", "4"),
        ("sqrt(2)", "1.4142135623731"),
        ("round(2.5) + round(-0.5)", "2"),
        ("round(2.345, 2)", "2.35"),
        ("max([1, 2.5, 2])", "2.5"),
        ("mean(1, 2, 6)", "3"),
        ("factorial(25)", "15511210043330985984000000"),
        ("comb(1000000, 999999)", "1000000"),
        ("1.0000001**1000000", "1.10517091261432"),
        ("degrees(pi)", "180"),
        ("1e-3", "0.001"),
    ],
)
async def test_values(expression: str, value: str) -> None:
    assert await calculated(expression) == ToolResult(text=value, provenance="assistant")


@given(NUMBERS, NUMBERS, st.sampled_from("+-*"))
async def test_whole_numbers_are_exact(left: int, right: int, sign: str) -> None:
    result = await calculated(f"({left}) {sign} ({right})")
    assert result.text == str({"+": left + right, "-": left - right, "*": left * right}[sign])


@given(NUMBERS, st.integers(0, 6), NUMBERS, st.integers(0, 6))
async def test_decimals_are_exact(left: int, places: int, right: int, others: int) -> None:
    one, other = Fraction(left, 10**places), Fraction(right, 10**others)
    result = await calculated(f"({left} / 10**{places}) * ({right} / 10**{others})")
    assert Fraction(result.text) == one * other


@given(st.floats(-700, 700), st.sampled_from(["sin", "cos", "exp", "tanh", "atan"]))
async def test_functions_are_those_of_the_machine(number: float, name: str) -> None:
    result = await calculated(f"{name}({number!r})")
    assert math.isclose(float(result.text), getattr(math, name)(number), rel_tol=1e-14, abs_tol=1e-300)


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("1/0", "divides by zero"),
        ("2**100000", "30,102 digits"),
        ("9**9**9**9", "digits"),
        ("factorial(10**9)", "digits"),
        ("factorial(0.5)", "not a whole number"),
        ("comb(10**9, 10**8)", "digits"),
        ("1e99999", "no number"),
        ("exp(1000)", "too large"),
        ("1e308 * sqrt(2) * 10", "too large"),
        ("sqrt(-1)", "has no value"),
        ("(-8) ** (1/3)", "no real value"),
        ("max()", "has no value"),
        ("sin(1, 2)", "one argument"),
        ("hypotenuse(3, 4)", "hypot"),
        ("x + 1", "constant"),
        ("5!", "factorial(5)"),
        ("1,000 + 1", "not arithmetic"),
        ("3 > 2", "not arithmetic"),
        ("'a' * 3", "no number"),
        ("True", "no number"),
        ("1j", "no number"),
        ("", "no arithmetic expression"),
        ("(1).real", "not arithmetic"),
        ("__import__('os').system('true')", "not arithmetic"),
        ("(lambda: 1)()", "not arithmetic"),
        ("[x for x in (1, 2)]", "not arithmetic"),
        ("(" * 300 + "1" + ")" * 300, "nested"),
        ("1" * 2000, "characters"),
        ("1\0", "no arithmetic expression"),
    ],
)
async def test_what_has_no_value_is_refused_in_words(expression: str, hint: str) -> None:
    result = await calculated(expression)
    assert result.error
    assert hint in result.text
    assert result.text.endswith(".")
