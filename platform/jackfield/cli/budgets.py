"""`jackfield budgets`: what keys, users and teams may spend, and what they did."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, cast, get_args

import click

from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.budgets import Budget, Period
from jackfield.contracts.identity import Holder, HolderKind
from jackfield.identity.spending_limits import HolderUsage, SpendingLimits

T = TypeVar("T")

BUDGET_COLUMNS = ("HOLDER", "PERIOD", "TOKENS", "MONEY")
USAGE_COLUMNS = ("HOLDER", "WINDOW", "REQUESTS", "TOKENS", "MONEY", "SET ASIDE", "LEFT")
MILLION = 1_000_000


class HolderName(click.ParamType[Holder]):
    """`key:ID`, `user:ID` or `team:ID`."""

    name = "holder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Holder:
        """The holder that is named so."""
        kind, _, identifier = str(value).partition(":")
        if kind not in get_args(HolderKind) or not identifier:
            self.fail(f"'{value}' names nobody; give key:ID, user:ID (or user:E-MAIL) or team:ID", param, ctx)
        return Holder(cast("HolderKind", kind), identifier)


class Money(click.ParamType[int]):
    """An amount in the currency of `models.prices`, as millionths."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Whole millionths; more places than six are an error."""
        try:
            millionths = Decimal(str(value)) * MILLION
            whole = int(millionths)
        except (InvalidOperation, OverflowError, ValueError):
            self.fail(f"'{value}' is no amount, such as 12.50", param, ctx)
        if whole != millionths or not 0 <= whole < 2**53:
            self.fail(f"'{value}' is no amount from 0 on with at most six decimal places", param, ctx)
        return whole


holder_argument = click.argument("holder", metavar="HOLDER", type=HolderName())
period_option = click.option(
    "--period", type=click.Choice(get_args(Period)), default="month", show_default=True, help="For each of which."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON; money is in millionths.")


@click.group("budgets")
def group() -> None:
    """Set and lift budgets of keys, users and teams, and look at what was used.

    A HOLDER is key:ID, user:ID (or user:E-MAIL) or team:ID.
    """


@group.command("list")
@json_option
@pass_session
def list_budgets(session: Session, as_json: bool) -> None:
    """List all budgets."""
    budgets = _with_limits(session, lambda limits: limits.all())
    if as_json:
        print_json(budgets)
    elif budgets or not sys.stdout.isatty():
        print_table(BUDGET_COLUMNS, map(_budget_row, budgets))
    else:
        say("Nobody has a budget: everybody may spend what they like.")


@group.command("set")
@holder_argument
@period_option
@click.option("--tokens", type=click.IntRange(0, 2**53 - 1), help="The most tokens, read and written together.")
@click.option("--money", type=Money(), help="The most money, in the currency of models.prices.")
@json_option
@pass_session
def set_budget(
    session: Session, holder: Holder, period: Period, tokens: int | None, money: int | None, as_json: bool
) -> None:
    """Set a budget, or replace it."""
    from jackfield.identity.audit import COMMAND_LINE

    async def put(limits: SpendingLimits) -> Budget:
        budget = Budget(holder=await limits.named(holder), period=period, tokens=tokens, money=money)
        await limits.put(COMMAND_LINE, budget)
        return budget

    budget = _with_limits(session, put)
    if as_json:
        print_json(budget)
    else:
        say(f"{_name(budget.holder)} may spend {_limits(budget)} a {period}.")


@group.command("remove")
@holder_argument
@period_option
@pass_session
def remove_budget(session: Session, holder: Holder, period: Period) -> None:
    """Lift a budget; what was used stays on record."""
    from jackfield.identity.audit import COMMAND_LINE

    async def remove(limits: SpendingLimits) -> Holder:
        found = await limits.named(holder)
        await limits.remove(COMMAND_LINE, found, period)
        return found

    say(f"{_name(_with_limits(session, remove))} has no budget for a {period} any more.")


@group.command("usage")
@click.argument("holder", metavar="[HOLDER]", type=HolderName(), required=False)
@click.option("--window", metavar="WINDOW", help="A day or month in UTC, such as 2026-11-21 or 2026-11.")
@json_option
@pass_session
def show_usage(session: Session, holder: Holder | None, window: str | None, as_json: bool) -> None:
    """Show what was used today and this month, by one holder or by everybody with a budget."""

    async def usage(limits: SpendingLimits) -> tuple[HolderUsage, ...]:
        limited = {budget.holder for budget in await limits.all()} if holder is None else set()
        holders = [await limits.named(holder)] if holder else sorted(limited)
        return await limits.usage(holders, [window] if window else None)

    used = _with_limits(session, usage)
    if as_json:
        print_json(used)
    elif used or not sys.stdout.isatty():
        print_table(USAGE_COLUMNS, map(_usage_row, used))
    else:
        say("Nobody has a budget; name somebody to see what they used.")


def _with_limits(session: Session, work: Callable[[SpendingLimits], Awaitable[T]]) -> T:
    """Open the store, do something with its budgets, close it."""
    from jackfield.wiring import open_store

    async def done() -> T:
        async with open_store(session.settings, session.plugins) as store:
            return await work(SpendingLimits(store.budgets, store.identity, lambda: None))

    return asyncio.run(done())


def _budget_row(budget: Budget) -> tuple[str, ...]:
    return (_name(budget.holder), budget.period, _tokens(budget.tokens), _money(budget.money))


def _usage_row(use: HolderUsage) -> tuple[str, ...]:
    tokens_left = _left(use.most_tokens, use.spent.tokens + use.reserved.tokens)
    money_left = _left(use.most_money, use.spent.money + use.reserved.money)
    return (
        _name(use.holder),
        use.window,
        f"{use.requests:,}",
        _tokens(use.spent.tokens),
        _money(use.spent.money),
        _amounts(use.reserved.tokens, use.reserved.money),
        _amounts(tokens_left, money_left),
    )


def _left(most: int | None, taken: int) -> int | None:
    return None if most is None else max(0, most - taken)


def _limits(budget: Budget) -> str:
    limits = [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    return " and ".join([*limits, *([_money(budget.money)] if budget.money is not None else [])])


def _amounts(tokens: int | None, money: int | None) -> str:
    """Tokens and money in one cell; what has no limit is left out."""
    parts = [f"{tokens:,} tokens"] if tokens is not None else []
    return ", ".join([*parts, *([_money(money)] if money is not None else [])]) or "any"


def _tokens(tokens: int | None) -> str:
    return "any" if tokens is None else f"{tokens:,}"


def _money(millionths: int | None) -> str:
    """In the currency's own unit, with two decimal places or as many as it takes."""
    if millionths is None:
        return "any"
    units, rest = divmod(millionths, MILLION)
    places = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{units:,}.{places}"


def _name(holder: Holder) -> str:
    return f"{holder.kind}:{holder.id}"
