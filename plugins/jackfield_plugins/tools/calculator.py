"""The calculator."""

from __future__ import annotations

from typing import Annotated

from jackfield.tools import tool
from jackfield_plugins.tools.arithmetic import worked_out


@tool(timeout=5, estimate=0.001, derived=True)
async def calculator(
    expression: Annotated[str, "What to work out, such as (2 + 3) * sqrt(16) / 7 or 12% of 80 written as 0.12 * 80"],
) -> str:
    """Work out an arithmetic expression: + - * / // % ** and functions such as sqrt, log, sin, round, factorial."""
    return worked_out(expression)
