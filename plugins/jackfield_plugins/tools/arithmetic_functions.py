"""What the calculator knows by name, each bounded in how large its value can become."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from jackfield.errors import ToolFailure

Number = int | Fraction | float

MOST_BITS = 13_000
"""Of an exact number: nearly four thousand digits."""
MOST_DIGITS = int(MOST_BITS * math.log10(2))
MOST_PLACES = 300
"""To which numbers are rounded."""


def plain(value: Number) -> Number:
    """A value in its simplest type: whole numbers as int, fractions as float once they are too long to be exact.

    Raises ToolFailure for whole numbers that are too long, and OverflowError.
    """
    if isinstance(value, float):
        if math.isnan(value):
            raise ToolFailure("The expression has no value.")
        if math.isinf(value):
            raise OverflowError
        return value
    if isinstance(value, Fraction) and value.denominator > 1:
        return value if max(_bits(value.numerator), _bits(value.denominator)) <= MOST_BITS else float(value)
    return fits(int(value))


def fits(value: int) -> int:
    """A whole number, if it is not too large to be exact."""
    if _bits(value) > MOST_BITS:
        raise _too_large(_bits(value))
    return value


def power(base: Number, exponent: Number) -> Number:
    """Exact for whole exponents; raises ToolFailure where there is no real value, or one too large."""
    exact = Fraction(base)
    if isinstance(base, float) or not isinstance(exponent, int):
        return _real_power(float(base), float(exponent))
    bits = math.log2(max(abs(exact.numerator), exact.denominator)) * abs(exponent)
    if bits <= MOST_BITS:
        result: Fraction = exact**exponent
        return result
    if isinstance(base, int) and exponent > 0:
        raise _too_large(bits)
    return _real_power(float(base), float(exponent))


def _real_power(base: float, exponent: float) -> float:
    value = base**exponent
    if isinstance(value, complex):
        raise ToolFailure(f"{base:g} to the power of {exponent:g} has no real value.")
    return float(value)


def _bits(value: int) -> int:
    return value.bit_length()


def _too_large(bits: float) -> ToolFailure:
    digits = int(bits * math.log10(2))
    return ToolFailure(f"A number has about {digits:,} digits; exact numbers may have {MOST_DIGITS:,}.")


def _factorial(number: Number) -> int:
    bits = int(math.lgamma(_whole(number) + 1) / math.log(2)) if _whole(number) > 0 else 0
    if bits > MOST_BITS:
        raise _too_large(bits)
    return math.factorial(_whole(number))


def _combinations(whole: Number, chosen: Number) -> int:
    n, k = _whole(whole), _whole(chosen)
    if 0 <= k <= n:
        _check_product(n, min(k, n - k), divided_by=min(k, n - k))
    return math.comb(n, k)


def _permutations(whole: Number, chosen: Number) -> int:
    n, k = _whole(whole), _whole(chosen)
    if 0 <= k <= n:
        _check_product(n, k, divided_by=0)
    return math.perm(n, k)


def _check_product(n: int, factors: int, *, divided_by: int) -> None:
    """Refuse n·(n-1)·…, of so many factors and divided by a factorial, where that is too large to be exact."""
    if n.bit_length() * factors > MOST_BITS:
        logarithm = math.lgamma(n + 1) - math.lgamma(n - factors + 1) - math.lgamma(divided_by + 1)
        if logarithm / math.log(2) > MOST_BITS:
            raise _too_large(logarithm / math.log(2))


def _square_root(number: Number) -> Number:
    if isinstance(number, int) and number >= 0 and math.isqrt(number) ** 2 == number:
        return math.isqrt(number)
    return math.sqrt(number)


def _rounded(number: Number, digits: Number = 0) -> Number:
    """Halves away from zero, as people round and `round` does not."""
    if abs(_whole(digits)) > MOST_PLACES:
        raise ToolFailure(f"Numbers are rounded to {MOST_PLACES} digits at most.")
    scale = Fraction(10) ** _whole(digits)
    size = math.floor(abs(Fraction(number)) * scale + Fraction(1, 2)) / scale
    return size if number >= 0 else -size


def _logarithm(number: Number, base: Number | None = None) -> float:
    return math.log(number) if base is None else math.log(number) / math.log(base)


def _whole(number: Number) -> int:
    if isinstance(number, int):
        return number
    raise ValueError(f"{number} is not a whole number")


def _whole_only(function: Callable[..., int]) -> Callable[..., int]:
    return lambda *numbers: function(*map(_whole, numbers))


CONSTANTS: Mapping[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "round": _rounded,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "min": lambda *numbers: min(numbers),
    "max": lambda *numbers: max(numbers),
    "sum": lambda *numbers: sum(numbers),
    "mean": lambda *numbers: statistics.mean(numbers),
    "median": lambda *numbers: statistics.median(numbers),
    "sqrt": _square_root,
    "cbrt": math.cbrt,
    "pow": power,
    "exp": math.exp,
    "log": _logarithm,
    "ln": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "hypot": math.hypot,
    "degrees": math.degrees,
    "radians": math.radians,
    "factorial": _factorial,
    "comb": _combinations,
    "perm": _permutations,
    "gcd": _whole_only(math.gcd),
    "lcm": _whole_only(math.lcm),
}
"""Angles are in radians; what takes several numbers takes a list of them too."""
