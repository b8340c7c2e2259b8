"""What is set aside for runs before they spend it, and what they came to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

import msgspec

from jackfield.contracts.budgets import BudgetRecords, Reservation, Spending
from jackfield.contracts.identity import Account, Holder
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.events import Usage
from jackfield.identity.prices import Prices
from jackfield.identity.prompt_estimate import most_prompt_tokens

REMEMBERED = 1.0
"""Seconds for which it is remembered whether somebody has a budget at all."""

MOST_REMEMBERED = 4096


class Bookkeeping:
    """Sets aside and counts what runs spend. Usable from one event loop."""

    def __init__(self, records: BudgetRecords, prices: Mapping[str, tuple[float, float]], answer_tokens: int) -> None:
        """`answer_tokens` are what an answer may take that names no `max_tokens`."""
        self.records = records
        self.answer_tokens = answer_tokens
        self._limited: dict[tuple[Holder, ...], tuple[float, bool]] = {}
        self.prices = Prices(prices)

    async def bounded(self, request: RunRequest, account: Account) -> RunRequest:
        """The request with an end to its answers, where somebody's budget pays for them."""
        if request.max_tokens is not None or not await self.limited(account):
            return request
        most = min(self.answer_tokens, request.limits.tokens or self.answer_tokens)
        return msgspec.structs.replace(request, max_tokens=most)

    def reservation(self, run_id: str, request: RunRequest, account: Account, at: datetime) -> Reservation:
        """What is set aside for a run as it begins."""
        return Reservation(id=run_id, holders=account.holders, amount=self.estimate(request), at=at)

    def estimate(self, request: RunRequest) -> Spending:
        """The most that a plain answer takes, and an agent's first; the same for the same request in every process."""
        return self.prices.cost(request.model, read=most_prompt_tokens(request), written=self.most_written(request))

    def most_written(self, request: RunRequest) -> int:
        """How many tokens an answer may take, as far as the request says."""
        return request.max_tokens or request.limits.tokens or self.answer_tokens

    def allowance(self, run: RunRecord) -> Allowance | None:
        """What a run may spend, for who executes it; None where nobody pays."""
        return Allowance(self, run, run.account) if run.account else None

    async def limited(self, account: Account) -> bool:
        """Whether anybody who pays has a budget; a first one may take a second to be seen by other processes."""
        now = time.monotonic()
        known = self._limited.get(account.holders)
        if known and now - known[0] < REMEMBERED:
            return known[1]
        limited = bool(await self.records.all(account.holders))
        if len(self._limited) >= MOST_REMEMBERED:
            self._limited.clear()
        self._limited[account.holders] = (now, limited)
        return limited

    def budgets_changed(self) -> None:
        """Forget who has budgets."""
        self._limited.clear()


class Allowance:
    """What one run has set aside, which grows where an answer may take more than that."""

    def __init__(self, books: Bookkeeping, run: RunRecord, account: Account) -> None:
        self._books = books
        self._run = run
        self._account = account
        self._reserved = books.estimate(run.request)

    async def cover(self, used: Usage) -> None:
        """Have this much set aside for the whole run; raises BudgetExceeded before any of it is spent."""
        needed = self._books.prices.spending(self._run, used)
        within = needed.tokens <= self._reserved.tokens and needed.money <= self._reserved.money
        if within or not await self._books.limited(self._account):
            return
        wanted = Spending(
            tokens=max(needed.tokens, self._reserved.tokens), money=max(needed.money, self._reserved.money)
        )
        await self._books.records.extend(self._run.id, wanted)
        self._reserved = wanted

    async def longest_answer(self) -> int | None:
        """How long an answer may be that nobody set an end to; None where no budget asks for one."""
        return self._books.answer_tokens if await self._books.limited(self._account) else None
