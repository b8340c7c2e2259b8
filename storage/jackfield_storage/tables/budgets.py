"""Budgets, their use, and what is set aside. Holders are no foreign keys: what they spent outlives them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from jackfield.contracts.budgets import Period
from jackfield.contracts.identity import Holder, HolderKind
from jackfield_storage.tables.columns import Base, Json, UtcTime


class BudgetRow(Base):
    """The most that a holder may spend in a period."""

    __tablename__ = "budgets"

    kind: Mapped[HolderKind] = mapped_column(String, primary_key=True)
    holder_id: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[Period] = mapped_column(String, primary_key=True)
    tokens: Mapped[int | None] = mapped_column(BigInteger)
    money: Mapped[int | None] = mapped_column(BigInteger)


class BudgetUseRow(Base):
    """What a holder spent in a day or month, and what is set aside there."""

    __tablename__ = "budget_use"

    kind: Mapped[HolderKind] = mapped_column(String, primary_key=True)
    holder_id: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    money: Mapped[int] = mapped_column(BigInteger)
    reserved_tokens: Mapped[int] = mapped_column(BigInteger)
    reserved_money: Mapped[int] = mapped_column(BigInteger)


class ReservationRow(Base):
    """What is set aside for one run or request; the row goes when it is settled."""

    __tablename__ = "reservations"

    id: Mapped[str] = mapped_column(primary_key=True)
    holders: Mapped[tuple[Holder, ...]] = mapped_column(Json(tuple[Holder, ...]))
    tokens: Mapped[int] = mapped_column(BigInteger)
    money: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
