"""Budgets, their use, and what is set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.budgets import PERIODS, Budget, BudgetUse, Period, Reservation, Spending
from jackfield.contracts.identity import Holder
from jackfield.errors import NameTaken
from jackfield_storage.budget_ledger import BudgetLedger
from jackfield_storage.engine import Database
from jackfield_storage.grouped_writes import GroupedWrites
from jackfield_storage.tables import BudgetRow, BudgetUseRow


class SqlBudgetRecords:
    """Implements `jackfield.contracts.budgets.BudgetRecords`."""

    def __init__(self, database: Database, ledger: BudgetLedger) -> None:
        self._database = database
        self._ledger = ledger
        self._reserving = GroupedWrites(self._reserve_all)

    async def put(self, budget: Budget) -> None:
        limits = {"tokens": budget.tokens, "money": budget.money}
        key = {"kind": budget.holder.kind, "holder_id": budget.holder.id, "period": budget.period}
        new = self._database.insert(BudgetRow).values(**key, **limits)
        replacing = new.on_conflict_do_update(index_elements=list(key), set_=limits)
        await self._database.changed(replacing.returning(BudgetRow.holder_id))

    async def remove(self, holder: Holder, period: Period) -> bool:
        this = delete(BudgetRow).where(
            BudgetRow.kind == holder.kind, BudgetRow.holder_id == holder.id, BudgetRow.period == period
        )
        return await self._database.changed(this.returning(BudgetRow.holder_id)) > 0

    async def all(self, holders: Sequence[Holder] | None = None) -> tuple[Budget, ...]:
        chosen = select(BudgetRow)
        if holders is not None:
            chosen = chosen.where(tuple_(BudgetRow.kind, BudgetRow.holder_id).in_(_pairs(holders)))
        budgets = map(_budget, await self._database.rows(chosen))
        return tuple(sorted(budgets, key=lambda budget: (budget.holder, PERIODS.index(budget.period))))

    async def use(self, holders: Sequence[Holder], windows: Sequence[str]) -> tuple[BudgetUse, ...]:
        chosen = select(BudgetUseRow).where(
            tuple_(BudgetUseRow.kind, BudgetUseRow.holder_id).in_(_pairs(holders)), BudgetUseRow.window.in_(windows)
        )
        used = map(_budget_use, await self._database.rows(chosen))
        return tuple(sorted(used, key=lambda use: (use.holder, use.window)))

    async def reserve(self, reservation: Reservation) -> None:
        await self._reserving.put(reservation)

    async def extend(self, reservation_id: str, amount: Spending) -> None:
        await self._database.commit(lambda connection: self._ledger.enlarge(connection, reservation_id, amount))

    async def settle(self, reservation_id: str, spent: Spending) -> bool:
        settled = [(reservation_id, spent)]
        return await self._database.commit(lambda connection: self._ledger.settle(connection, settled)) > 0

    async def expire(self, *, before: datetime) -> int:
        return await self._database.commit(lambda connection: self._ledger.expire(connection, before))

    async def close(self) -> None:
        """Wait for what is being written."""
        await self._reserving.close()

    async def _reserve_all(self, reservations: Sequence[Reservation]) -> None:
        try:
            await self._database.commit(lambda connection: self._ledger.set_aside(connection, reservations))
        except IntegrityError as error:
            raise NameTaken(f"There is a reservation '{reservations[0].id}' already.") from error


def _pairs(holders: Sequence[Holder]) -> list[tuple[str, str]]:
    return [(holder.kind, holder.id) for holder in holders]


def _budget(row: BudgetRow) -> Budget:
    return Budget(holder=Holder(row.kind, row.holder_id), period=row.period, tokens=row.tokens, money=row.money)


def _budget_use(row: BudgetUseRow) -> BudgetUse:
    return BudgetUse(
        holder=Holder(row.kind, row.holder_id),
        window=row.window,
        requests=row.requests,
        spent=Spending(tokens=row.tokens, money=row.money),
        reserved=Spending(tokens=row.reserved_tokens, money=row.reserved_money),
    )
