"""/api/budgets and /api/usage."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RequestBody
from msgspec import Meta

from jackfield.contracts.budgets import Budget, Period
from jackfield.contracts.identity import Holder, HolderKind, Principal
from jackfield.errors import InvalidRequest
from jackfield.identity.audit import Actor
from jackfield.identity.spending_limits import HolderUsage, period_of
from jackfield.workbench import Workbench
from jackfield_web.documentation import BAD_BODY, BAD_PARAMETER, NOT_FOUND
from jackfield_web.identity.recognise import address_of
from jackfield_web.identity.rights import needs

MOST = 2**53 - 1
"""The largest whole number that every JSON reader keeps."""

KINDS = ["key", "user", "team"]
Kind = Annotated[
    str | None,
    QueryParameter(description="Whose use, beside `id`; one's own if left out.", schema_extra={"enum": [*KINDS, None]}),
]
Identifier = Annotated[str | None, QueryParameter(name="id", description="The key's, user's or team's identifier.")]
Window = Annotated[
    str | None,
    QueryParameter(
        description="A day or month in UTC, such as 2026-11-21 or 2026-11; today and this month if left out."
    ),
]


class BudgetLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that may be spent in a period; at least one of the two."""

    tokens: Annotated[int, Meta(ge=0, le=MOST, description="Read and written together.")] | None = None
    money: (
        Annotated[int, Meta(ge=0, le=MOST, description="In millionths of the currency of `models.prices`.")] | None
    ) = None


class BudgetController(Controller):
    """What may be spent."""

    path = "/api/budgets"
    tags = ("Budgets",)
    opt = needs("manage")

    @get(operation_id="listBudgets", response_description="All of them", summary="List the budgets")
    async def all(self, workbench: NamedDependency[Workbench]) -> list[Budget]:
        """In the order of holders and periods; money is in millionths."""
        return list(await workbench.spending_limits.all())

    @put(
        "/{kind:str}/{holder_id:str}/{period:str}",
        operation_id="setBudget",
        response_description="The budget",
        summary="Set the budget of a key, user or team",
        description="It replaces the one there was, and counts what was spent of the day or month already.",
        responses=NOT_FOUND | BAD_BODY,
    )
    async def put(
        self,
        kind: FromPath[HolderKind],
        holder_id: FromPath[str],
        period: FromPath[Period],
        data: RequestBody[BudgetLimits],
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        workbench: NamedDependency[Workbench],
    ) -> Budget:
        """It holds from the next request on."""
        budget = Budget(holder=Holder(kind, holder_id), period=period, tokens=data.tokens, money=data.money)
        await workbench.spending_limits.put(Actor.of(principal, address_of(request)), budget)
        return budget

    @delete(
        "/{kind:str}/{holder_id:str}/{period:str}",
        operation_id="removeBudget",
        response_description="It is gone",
        summary="Lift a budget",
        responses=NOT_FOUND,
    )
    async def remove(
        self,
        kind: FromPath[HolderKind],
        holder_id: FromPath[str],
        period: FromPath[Period],
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        workbench: NamedDependency[Workbench],
    ) -> None:
        """What was used stays on record."""
        await workbench.spending_limits.remove(
            Actor.of(principal, address_of(request)), Holder(kind, holder_id), period
        )


class UsageController(Controller):
    """What was spent."""

    path = "/api/usage"
    tags = ("Budgets",)
    opt = needs("read")

    @get(
        operation_id="getUsage",
        response_description="A line for each holder and window",
        summary="Look at what was used",
        description="One's own use, of the key that asks, its user and their team, or that of one holder: everybody "
        "may name their own keys, an admin anybody.",
        responses=BAD_PARAMETER | NOT_FOUND,
    )
    async def usage(
        self,
        principal: NamedDependency[Principal],
        workbench: NamedDependency[Workbench],
        kind: Kind = None,
        identifier: Identifier = None,
        window: Window = None,
    ) -> list[HolderUsage]:
        """Requests, tokens and money, spent and set aside, beside the limits."""
        if window is not None:
            period_of(window)
        limits, holder = workbench.spending_limits, _holder(kind, identifier)
        holders = [await limits.seen_holder(principal, holder)] if holder else principal.account.holders
        return list(await limits.usage(holders, [window] if window else None))


def _holder(kind: str | None, identifier: str | None) -> Holder | None:
    if kind is None and identifier is None:
        return None
    if kind is None or identifier is None:
        raise InvalidRequest("Give both 'kind' and 'id', or neither.", parameter="id" if kind else "kind")
    match kind:
        case "key" | "user" | "team":
            return Holder(kind, identifier)
    raise InvalidRequest(f"'kind' is '{kind}'; expected one of {', '.join(KINDS)}.", parameter="kind")
