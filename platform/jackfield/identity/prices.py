"""What tokens cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from jackfield.contracts.budgets import Spending
from jackfield.contracts.runs import RunRecord
from jackfield.events import Usage


class Prices:
    """What models cost, by name; one that has no price costs nothing. Tokens that were cached cost as others do."""

    def __init__(self, prices: Mapping[str, tuple[float, float]]) -> None:
        """`prices` are for a million tokens, read and written, as `models.prices` gives them."""
        self._prices = {
            model: (Fraction(str(reading)), Fraction(str(writing))) for model, (reading, writing) in prices.items()
        }

    def cost(self, model: str, *, read: int, written: int = 0) -> Spending:
        """Tokens as spending; what is not a whole millionth is rounded up."""
        reading, writing = self._prices.get(model, (0, 0))
        return Spending(tokens=read + written, money=math.ceil(reading * read + writing * written))

    def spending(self, run: RunRecord, usage: Usage | None) -> Spending:
        """What a run came to that used so much; one that used nothing spends nothing."""
        if usage is None:
            return Spending()
        return self.cost(run.request.model, read=usage.prompt_tokens, written=usage.completion_tokens)
