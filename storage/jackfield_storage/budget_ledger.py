"""Setting aside and settling inside a transaction, so that no budget is ever exceeded.

Every transaction takes its locks in one order: runs, reservations, and then the rows of use by holder and window.
Those of use come last, for every request of a holder waits for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from jackfield.contracts.budgets import Reservation, Spending, no_room
from jackfield.contracts.identity import Holder
from jackfield.errors import NotFound
from jackfield_storage.compiled_once import Among, CompiledOnce, ReturningInsert
from jackfield_storage.engine import Database
from jackfield_storage.tables import BudgetRow, BudgetUseRow, ReservationRow, RunRow

COUNTED = ("requests", "tokens", "money", "reserved_tokens", "reserved_money")
UNITS: tuple[Literal["tokens"], Literal["money"]] = ("tokens", "money")
DAY_LENGTH = len("2026-11-21")

SETTING_ASIDE = CompiledOnce(insert(ReservationRow))
SETTLING = CompiledOnce(
    delete(ReservationRow)
    .where(
        ReservationRow.id.in_(
            select(ReservationRow.id)
            .where(Among(ReservationRow.id, "ids"))
            .order_by(ReservationRow.id)
            .with_for_update()
        )
    )
    .returning(ReservationRow.__table__)
)
LIMITS = CompiledOnce(
    select(*BudgetRow.__table__.columns).where(Among(BudgetRow.kind, "kinds"), Among(BudgetRow.holder_id, "ids"))
)
"""The budgets of some holders; also of a holder of another kind with the identifier of one, where there is any."""

Use = dict[tuple[Holder, str], dict[str, int]]
"""What is to be added to the rows of use, by holder and window."""


class BudgetLedger:
    """The statements that change what is used of budgets."""

    def __init__(self, database: Database) -> None:
        new = database.insert(BudgetUseRow)
        added = {name: getattr(BudgetUseRow, name) + new.excluded[name] for name in COUNTED}
        keys = [BudgetUseRow.kind, BudgetUseRow.holder_id, BudgetUseRow.window]
        counting = new.on_conflict_do_update(index_elements=keys, set_=added)
        self._counting = CompiledOnce(counting)
        self._checking = ReturningInsert(
            counting.returning(
                *keys,
                (BudgetUseRow.tokens + BudgetUseRow.reserved_tokens).label("tokens"),
                (BudgetUseRow.money + BudgetUseRow.reserved_money).label("money"),
            )
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
        SETTING_ASIDE.run(connection, [_values(each) for each in reservations])
        for reservation in reservations:
            _reserve(use, reservation, reservation.amount)
            _reserve(asked, reservation, reservation.amount)
        if asked:
            self._add_checked(connection, use, asked, reservations[0].at)
        else:
            self._counting.run(connection, _in_order(use))
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
        gone = delete(ReservationRow).where(ReservationRow.id.in_(these.with_for_update(skip_locked=True)))
        rows = connection.execute(gone.returning(ReservationRow.__table__))
        expired, use = [_reservation(row) for row in rows], _use()
        for reservation in expired:
            _reserve(use, reservation, reservation.amount, sign=-1)
        self._counting.run(connection, _in_order(use))
        return len(expired)

    def _close(self, connection: Connection, use: Use, spent: Sequence[tuple[str, Spending]]) -> int:
        by_id = dict(spent)
        closed = [_reservation(row) for row in SETTLING.rows(connection, {"ids": list(by_id)})]
        for reservation in closed:
            _reserve(use, reservation, reservation.amount, sign=-1)
            _spend(use, reservation, by_id[reservation.id])
        return len(closed)

    def _add_checked(self, connection: Connection, use: Use, asked: Use, at: datetime) -> None:
        """Add to what is used, and raise where a budget has no room for what is asked of it."""
        budgets = _budgets(connection, {holder for holder, _ in asked})
        for row in self._checking.rows(connection, _in_order(use)):
            holder = Holder(row.kind, row.holder_id)
            budget = budgets.get((holder, _period(row.window)))
            for unit in UNITS if budget else ():
                total, most = getattr(row, unit), getattr(budget, unit)
                more = asked[holder, row.window][f"reserved_{unit}"]
                if most is not None and more > 0 and total > most:
                    raise no_room(holder, row.window, unit, more=more, used=total - more, most=most, at=at)


def _budgets(connection: Connection, holders: Iterable[Holder]) -> dict[tuple[Holder, str], Any]:
    kinds, ids = zip(*((holder.kind, holder.id) for holder in holders), strict=True)
    rows = LIMITS.rows(connection, {"kinds": list(set(kinds)), "ids": list(ids)})
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


def _reservation(row: Any) -> Reservation:
    return Reservation(id=row.id, holders=row.holders, amount=Spending(tokens=row.tokens, money=row.money), at=row.at)
