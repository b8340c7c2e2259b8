"""Budgets in memory, with what is spent and set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from jackfield.contracts.budgets import PERIODS, Budget, BudgetUse, Period, Reservation, Spending, no_room, window_of
from jackfield.contracts.identity import Holder
from jackfield.errors import NameTaken, NotFound


class InMemoryBudgets:
    """Budgets and their use; `on_record` tells whether an identifier is a run's."""

    def __init__(self, on_record: Callable[[str], bool]) -> None:
        self._on_record = on_record
        self._budgets: dict[tuple[Holder, Period], Budget] = {}
        self._use: dict[tuple[Holder, str], BudgetUse] = {}
        self._open: dict[str, Reservation] = {}

    async def put(self, budget: Budget) -> None:
        """Add or replace."""
        self._budgets[budget.holder, budget.period] = budget

    async def remove(self, holder: Holder, period: Period) -> bool:
        """Whether there was one."""
        return self._budgets.pop((holder, period), None) is not None

    async def all(self, holders: Sequence[Holder] | None = None) -> tuple[Budget, ...]:
        """In the order of holders and periods."""
        chosen = [budget for budget in self._budgets.values() if holders is None or budget.holder in holders]
        return tuple(sorted(chosen, key=lambda budget: (budget.holder, PERIODS.index(budget.period))))

    async def use(self, holders: Sequence[Holder], windows: Sequence[str]) -> tuple[BudgetUse, ...]:
        """In the order of holders and windows."""
        chosen = [use for use in self._use.values() if use.holder in holders and use.window in windows]
        return tuple(sorted(chosen, key=lambda use: (use.holder, use.window)))

    async def reserve(self, reservation: Reservation) -> None:
        """Raises BudgetExceeded."""
        if reservation.id in self._open:
            raise NameTaken(f"There is a reservation '{reservation.id}' already.")
        self._set_aside(reservation, reservation.amount)
        self._open[reservation.id] = reservation

    async def extend(self, reservation_id: str, amount: Spending) -> None:
        """Raises BudgetExceeded or NotFound."""
        reservation = self._open.get(reservation_id)
        if reservation is None:
            raise NotFound(f"There is no open reservation '{reservation_id}'; it was settled or has expired.")
        self._set_aside(reservation, _sum(amount, reservation.amount, sign=-1))
        self._open[reservation_id] = replace(reservation, amount=amount)

    async def settle(self, reservation_id: str, spent: Spending) -> bool:
        """Whether it was open."""
        reservation = self._open.pop(reservation_id, None)
        if reservation is None:
            return False
        self._give_back(reservation)
        for use in self._touched(reservation):
            self._keep(replace(use, requests=use.requests + 1, spent=_sum(use.spent, spent)))
        return True

    async def expire(self, *, before: datetime) -> int:
        """How many were given back."""
        old = [each for each in self._open.values() if each.at < before and not self._on_record(each.id)]
        for reservation in old:
            self._give_back(self._open.pop(reservation.id))
        return len(old)

    def _set_aside(self, reservation: Reservation, more: Spending) -> None:
        touched = [replace(use, reserved=_sum(use.reserved, more)) for use in self._touched(reservation)]
        for use in touched:
            self._check(use, more, reservation.at)
        for use in touched:
            self._keep(use)

    def _check(self, use: BudgetUse, more: Spending, at: datetime) -> None:
        period: Period = next(period for period in PERIODS if use.window == window_of(period, at))
        budget = self._budgets.get((use.holder, period))
        if budget is None:
            return
        total = _sum(use.spent, use.reserved)
        if budget.tokens is not None and more.tokens > 0 and total.tokens > budget.tokens:
            used = total.tokens - more.tokens
            raise no_room(use.holder, use.window, "tokens", more=more.tokens, used=used, most=budget.tokens, at=at)
        if budget.money is not None and more.money > 0 and total.money > budget.money:
            used = total.money - more.money
            raise no_room(use.holder, use.window, "money", more=more.money, used=used, most=budget.money, at=at)

    def _give_back(self, reservation: Reservation) -> None:
        for use in self._touched(reservation):
            self._keep(replace(use, reserved=_sum(use.reserved, reservation.amount, sign=-1)))

    def _touched(self, reservation: Reservation) -> list[BudgetUse]:
        places = [(holder, window) for holder in set(reservation.holders) for window in reservation.windows]
        return [self._use.get(place, BudgetUse(holder=place[0], window=place[1])) for place in places]

    def _keep(self, use: BudgetUse) -> None:
        self._use[use.holder, use.window] = use


def _sum(one: Spending, other: Spending, *, sign: int = 1) -> Spending:
    return Spending(tokens=one.tokens + sign * other.tokens, money=one.money + sign * other.money)
