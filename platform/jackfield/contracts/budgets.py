"""What may be spent, what is spent, and what is set aside for runs that have not ended.

Money is in millionths of the currency that `models.prices` is in, so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import msgspec

from jackfield.contracts.identity import Holder
from jackfield.errors import BudgetExceeded

Period = Literal["day", "month"]
PERIODS: tuple[Period, ...] = ("day", "month")


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens read and written, and what they cost in millionths."""

    tokens: int = 0
    money: int = 0


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a holder may spend in a calendar day or month (UTC); None is no limit."""

    holder: Holder
    period: Period
    tokens: int | None = None
    money: int | None = None


class BudgetUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a holder spent in one day ("2026-11-21") or month ("2026-11"), and what is set aside for open runs."""

    holder: Holder
    window: str
    requests: int = 0
    spent: Spending = Spending()
    reserved: Spending = Spending()


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What is set aside for one run or request, for each of its holders, in the windows of the moment `at`."""

    id: str
    holders: tuple[Holder, ...]
    amount: Spending
    at: datetime

    @property
    def windows(self) -> tuple[str, ...]:
        """The day and the month that it counts in, also if it is settled in the next."""
        return tuple(window_of(period, self.at) for period in PERIODS)


class BudgetRecords(Protocol):
    """Budgets and their use. Reserving is exact: however many reserve at once, no budget is ever exceeded."""

    async def put(self, budget: Budget) -> None:
        """Set a holder's budget for a period, or replace it."""
        ...

    async def remove(self, holder: Holder, period: Period) -> bool:
        """Whether there was one."""
        ...

    async def all(self, holders: Sequence[Holder] | None = None) -> tuple[Budget, ...]:
        """Every budget, or those of some holders, in the order of holders and periods."""
        ...

    async def use(self, holders: Sequence[Holder], windows: Sequence[str]) -> tuple[BudgetUse, ...]:
        """What these holders used in these windows; none for those who used nothing."""
        ...

    async def reserve(self, reservation: Reservation) -> None:
        """Set an amount aside; raises BudgetExceeded and changes nothing where any budget has no room for it."""
        ...

    async def extend(self, reservation_id: str, amount: Spending) -> None:
        """Make a reservation this large; raises BudgetExceeded, or NotFound where it was settled already."""
        ...

    async def settle(self, reservation_id: str, spent: Spending) -> bool:
        """Count what was spent and give the rest back; False, and nothing changes, where that was done already."""
        ...

    async def expire(self, *, before: datetime) -> int:
        """Give back what requests set aside that never came to settle it and belong to no run on record; how many."""
        ...


def window_of(period: Period, at: datetime) -> str:
    """The calendar day or month of a moment in UTC."""
    return at.astimezone(UTC).isoformat()[: 10 if period == "day" else 7]


def no_room(
    holder: Holder, window: str, unit: Literal["tokens", "money"], *, more: int, used: int, most: int, at: datetime
) -> BudgetExceeded:
    """The error for a budget that cannot hold `more` beside what is spent and set aside."""
    period: Period = "day" if len(window) > len("2026-11") else "month"
    sums = {"tokens": "{:,} tokens", "money": "{:,.6f} in money"}[unit]
    needed, taken, limit = (
        sums.format(value if unit == "tokens" else value / 1_000_000) for value in (more, used, most)
    )
    return BudgetExceeded(
        f"The {period}'s budget of {holder.kind} '{holder.id}' has no room for {needed}: of {limit}, {taken} are spent "
        f"or set aside; {_way_out(period, more, used, most)}ask an admin for a larger budget.",
        retry_after=_seconds_to_next(period, at) if more <= most else None,
    )


def _way_out(period: Period, more: int, used: int, most: int) -> str:
    """What helps beside a larger budget: asking for less where some is left, waiting where a whole period is enough."""
    less, wait = "ask for less, with a lower 'max_tokens' or a shorter input", f"wait for the next {period}"
    if not most:
        return ""
    if used >= most:
        return f"{wait}, or " if more <= most else f"{wait} and {less}, or "
    return f"{less}, or {wait}, or " if more <= most else f"{less}, or "


def _seconds_to_next(period: Period, at: datetime) -> int:
    """How long a budget's day or month lasts from a moment, at least a second."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today if period == "day" else today.replace(day=1)
    following = start + timedelta(days=1 if period == "day" else 32)
    end = following if period == "day" else following.replace(day=1)
    return max(1, int((end - at).total_seconds()) + 1)
