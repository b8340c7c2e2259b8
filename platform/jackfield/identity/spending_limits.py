"""Budgets as people see them: set, removed, and looked at beside what was used of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from jackfield.contracts.budgets import PERIODS, Budget, BudgetRecords, BudgetUse, Period, Spending, window_of
from jackfield.contracts.identity import Holder, Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import InvalidRequest, KeyNotFound, NotFound, TeamNotFound, UserNotFound
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.roles import sees_all

MISSING: dict[str, type[NotFound]] = {"key": KeyNotFound, "user": UserNotFound, "team": TeamNotFound}


class HolderUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody used in a day or month, and what they may; money is in millionths, None is no limit.

    `reserved` is set aside for what has not ended yet, and counts against the limits too.
    """

    holder: Holder
    period: Period
    window: str
    requests: int
    spent: Spending
    reserved: Spending
    most_tokens: int | None = None
    most_money: int | None = None


class SpendingLimits(msgspec.Struct, frozen=True):
    """Budgets and their use over two stores; `changed` is called whenever there is another budget, or one less."""

    records: BudgetRecords
    identity: IdentityRecords
    changed: Callable[[], None]

    async def put(self, actor: Actor, budget: Budget) -> None:
        """Set a budget or replace it; raises InvalidRequest for one without a limit, NotFound for nobody's."""
        if budget.tokens is None and budget.money is None:
            raise InvalidRequest(
                "A budget limits 'tokens', 'money' or both; to lift it, remove it.", parameter="tokens"
            )
        await self._found(budget.holder)
        await self.records.put(budget)
        self.changed()
        await self._log.note(
            actor, "budget.set", _name(budget.holder), period=budget.period, tokens=budget.tokens, money=budget.money
        )

    async def remove(self, actor: Actor, holder: Holder, period: Period) -> None:
        """Lift a budget; raises NotFound where there is none."""
        if "\0" in holder.id or not await self.records.remove(holder, period):
            raise NotFound(f"There is no budget of {holder.kind} '{holder.id}' for a {period}.")
        self.changed()
        await self._log.note(actor, "budget.remove", _name(holder), period=period)

    async def all(self) -> tuple[Budget, ...]:
        """Every budget, in the order of holders and periods."""
        return await self.records.all()

    async def named(self, holder: Holder) -> Holder:
        """Somebody by their identifier, a user also by their e-mail address; they may have been removed since."""
        if holder.kind == "user" and "@" in holder.id and (user := await self.identity.users.by_email(holder.id)):
            return Holder("user", user.id)
        return holder

    async def seen_holder(self, principal: Principal, holder: Holder) -> Holder:
        """Somebody whose use a principal may see: their own, their keys' and their team's, an admin anybody's.

        Raises KeyNotFound, UserNotFound or TeamNotFound, also for those that are not for them to see.
        """
        if holder in principal.account.holders:
            return holder
        owner = await self._found(holder)
        if not sees_all(principal) and owner != principal.account.user_id:
            raise _missing(holder)
        return holder

    async def usage(self, holders: Sequence[Holder], windows: Sequence[str] | None = None) -> tuple[HolderUsage, ...]:
        """What each used in each window, today and this month if none are named; nothing used is told of too."""
        now = datetime.now(UTC)
        windows = windows or [window_of(period, now) for period in PERIODS]
        limits = {(budget.holder, budget.period): budget for budget in await self.records.all(holders)}
        used = {(use.holder, use.window): use for use in await self.records.use(holders, windows)}
        return tuple(
            _usage(
                used.get((holder, window), BudgetUse(holder=holder, window=window)),
                limits.get((holder, period_of(window))),
            )
            for holder in holders
            for window in windows
        )

    @property
    def _log(self) -> AuditLog:
        return AuditLog(self.identity.audit)

    async def _found(self, holder: Holder) -> str | None:
        """The user whose key it is, or who it is; raises what says that there is nobody."""
        if "\0" in holder.id:
            raise _missing(holder)
        found: object
        owner: str | None = None
        match holder.kind:
            case "key":
                found = key = await self.identity.keys.get(holder.id)
                owner = key.user_id if key else None
            case "user":
                found = user = await self.identity.users.get(holder.id)
                owner = user.id if user else None
            case "team":
                found = await self.identity.teams.get(holder.id)
        if found is None:
            raise _missing(holder)
        return owner


def period_of(window: str) -> Period:
    """Whether a window is a day or a month; raises InvalidRequest for what is neither."""
    for period, form in (("day", "%Y-%m-%d"), ("month", "%Y-%m")):
        try:
            moment = datetime.strptime(window, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if moment.strftime(form) == window:
            return "day" if period == "day" else "month"
    raise InvalidRequest(
        f"'window' is '{window}'; expected a day such as 2026-11-21, or a month such as 2026-11.", parameter="window"
    )


def _usage(use: BudgetUse, budget: Budget | None) -> HolderUsage:
    return HolderUsage(
        holder=use.holder,
        period=period_of(use.window),
        window=use.window,
        requests=use.requests,
        spent=use.spent,
        reserved=use.reserved,
        most_tokens=budget.tokens if budget else None,
        most_money=budget.money if budget else None,
    )


def _missing(holder: Holder) -> NotFound:
    return MISSING[holder.kind](f"There is no {holder.kind} '{holder.id}'.")


def _name(holder: Holder) -> str:
    return f"{holder.kind}:{holder.id}"
