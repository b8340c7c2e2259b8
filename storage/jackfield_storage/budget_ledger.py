"""Setting aside and settling inside a transaction, so that no budget is ever exceeded.

Every transaction takes its locks in one order: runs, reservations, and then the rows of use by holder and window.
Those of use come last, for every request of a holder waits for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, tuple_, update

from jackfield.contracts.budgets import Reservation, Spending, no_room
from jackfield.contracts.identity import Holder
from jackfield.errors import NotFound
from jackfield_storage.engine import Database
from jackfield_storage.tables import BudgetRow, BudgetUseRow, ReservationRow, RunRow

COUNTED = ("requests", "tokens", "money", "reserved_tokens", "reserved_money")
UNITS: tuple[Literal["tokens"], Literal["money"]] = ("tokens", "money")
DAY_LENGTH = len("2026-11-21")

Use = dict[tuple[Holder, str], dict[str, int]]
"""What is to be added to the rows of use, by holder and window."""


class BudgetLedger:
    """The statements that change what is used of budgets."""

    def __init__(self, database: Database) -> None:
        new = database.insert(BudgetUseRow)
        added = {name: getattr(BudgetUseRow, name) + new.excluded[name] for name in COUNTED}
        keys = [BudgetUseRow.kind, BudgetUseRow.holder_id, BudgetUseRow.window]
        self._counting = new.on_conflict_do_update(index_elements=keys, set_=added)
        self._checking = self._counting.returning(
            *keys,
            (BudgetUseRow.tokens + BudgetUseRow.reserved_tokens).label("tokens"),
            (BudgetUseRow.money + BudgetUseRow.reserved_money).label("money"),
        )

    def set_aside(self, connection: Connection, reservations: Sequence[Reservation]) -> None:
        """Raises BudgetExceeded, whereupon the transaction is to be given up."""
        self.post(connection, reservations, [])

    def post(
        self, connection: Connection, reservations: Sequence[Reservation], spent: Sequence[tuple[str, Spending]]
    ) -> int:
        """Settle what is open of what was spent, and set aside, each row of use changed once; how many were open.

        Raises as `set_aside` does.
        """
        use, asked = _use(), _use()
        settled = self._close(connection, use, spent) if spent else 0
        if reservations:
            connection.execute(insert(ReservationRow), [_values(each) for each in reservations])
        for reservation in reservations:
            _reserve(use, reservation, reservation.amount)
            _reserve(asked, reservation, reservation.amount)
        if asked:
            self._add_checked(connection, use, asked, reservations[0].at)
        elif use:
            connection.execute(self._counting, _in_order(use))
        return settled

    def enlarge(self, connection: Connection, reservation_id: str, amount: Spending) -> None:
        """Raises BudgetExceeded or NotFound, whereupon the transaction is to be given up."""
        this = select(ReservationRow.__table__).where(ReservationRow.id == reservation_id).with_for_update()
        row = (connection.execute(this)).one_or_none()
        if row is None:
            raise NotFound(f"There is no open reservation '{reservation_id}'; it was settled or has expired.")
        changed = update(ReservationRow).where(ReservationRow.id == reservation_id)
        connection.execute(changed.values(tokens=amount.tokens, money=amount.money))
        reservation, use = _reservation(row), _use()
        more = Spending(tokens=amount.tokens - reservation.amount.tokens, money=amount.money - reservation.amount.money)
        _reserve(use, reservation, more)
        self._add_checked(connection, use, use, reservation.at)

    def settle(self, connection: Connection, spent: Sequence[tuple[str, Spending]]) -> int:
        """Count what was spent of reservations that are open; how many were."""
        return self.post(connection, [], spent)

    def expire(self, connection: Connection, before: datetime) -> int:
        """Give back what belongs to no run; how many reservations that were. Those being settled are left alone."""
        of_a_run = select(RunRow.id).where(RunRow.id == ReservationRow.id).exists()
        these = select(ReservationRow.id).where(ReservationRow.at < before, ~of_a_run)
        expired, use = _deleted(connection, these.with_for_update(skip_locked=True)), _use()
        for reservation in expired:
            _reserve(use, reservation, reservation.amount, sign=-1)
        if use:
            connection.execute(self._counting, _in_order(use))
        return len(expired)

    def _close(self, connection: Connection, use: Use, spent: Sequence[tuple[str, Spending]]) -> int:
        by_id = dict(spent)
        these = select(ReservationRow.id).where(ReservationRow.id.in_(by_id)).order_by(ReservationRow.id)
        closed = _deleted(connection, these.with_for_update())
        for reservation in closed:
            _reserve(use, reservation, reservation.amount, sign=-1)
            _spend(use, reservation, by_id[reservation.id])
        return len(closed)

    def _add_checked(self, connection: Connection, use: Use, asked: Use, at: datetime) -> None:
        """Add to what is used, and raise where a budget has no room for what is asked of it."""
        budgets = _budgets(connection, {holder for holder, _ in asked})
        for row in connection.execute(self._checking, _in_order(use)):
            holder = Holder(row.kind, row.holder_id)
            budget = budgets.get((holder, _period(row.window)))
            for unit in UNITS if budget else ():
                total, most = getattr(row, unit), getattr(budget, unit)
                more = asked[holder, row.window][f"reserved_{unit}"]
                if most is not None and more > 0 and total > most:
                    raise no_room(holder, row.window, unit, more=more, used=total - more, most=most, at=at)


def _deleted(connection: Connection, these: Any) -> list[Reservation]:
    """Reservations by their identifiers, taken off."""
    gone = delete(ReservationRow).where(ReservationRow.id.in_(these)).returning(ReservationRow.__table__)
    return [_reservation(row) for row in connection.execute(gone)]


def _budgets(connection: Connection, holders: Iterable[Holder]) -> dict[tuple[Holder, str], Row[Any]]:
    theirs = tuple_(BudgetRow.kind, BudgetRow.holder_id).in_([(holder.kind, holder.id) for holder in holders])
    rows = connection.execute(select(*BudgetRow.__table__.columns).where(theirs))
    return {(Holder(row.kind, row.holder_id), row.period): row for row in rows}


def _period(window: str) -> str:
    return "day" if len(window) == DAY_LENGTH else "month"


def _use() -> Use:
    return defaultdict(lambda: dict.fromkeys(COUNTED, 0))


def _reserve(use: Use, reservation: Reservation, amount: Spending, *, sign: int = 1) -> None:
    for counted in _counted(use, reservation):
        counted["reserved_tokens"] += sign * amount.tokens
        counted["reserved_money"] += sign * amount.money


def _spend(use: Use, reservation: Reservation, spent: Spending) -> None:
    for counted in _counted(use, reservation):
        counted["requests"] += 1
        counted["tokens"] += spent.tokens
        counted["money"] += spent.money


def _counted(use: Use, reservation: Reservation) -> Iterable[dict[str, int]]:
    return (use[holder, window] for holder in set(reservation.holders) for window in reservation.windows)


def _in_order(use: Use) -> list[dict[str, Any]]:
    return [
        {"kind": holder.kind, "holder_id": holder.id, "window": window, **use[holder, window]}
        for holder, window in sorted(use)
    ]


def _values(reservation: Reservation) -> dict[str, Any]:
    return {
        "id": reservation.id,
        "holders": reservation.holders,
        "tokens": reservation.amount.tokens,
        "money": reservation.amount.money,
        "at": reservation.at,
    }


def _reservation(row: Row[Any]) -> Reservation:
    return Reservation(id=row.id, holders=row.holders, amount=Spending(tokens=row.tokens, money=row.money), at=row.at)
