"""Whether somebody may have a run now, on whose account, and what is set aside for it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from jackfield.cancellation import carried_through
from jackfield.contracts.budgets import Reservation
from jackfield.contracts.identity import Account, Principal
from jackfield.contracts.runs import RunRequest
from jackfield.errors import InvalidRequest, RateLimited
from jackfield.identifiers import new_identifier
from jackfield.identity.budgets import Bookkeeping
from jackfield.identity.local_mode import account_of
from jackfield.identity.prompt_estimate import likely_prompt_tokens, likely_text_tokens, most_text_tokens
from jackfield.identity.rates import RateLimits, RateWindows, Standing
from jackfield.identity.roles import may

MOST_LOGPROBS = 5
"""Log-probabilities beside each token that keys are told that are not trusted.

With more of them, or with a bias on others, a model's last layer can be read off its answers (Carlini et al. 2024,
Stealing Part of a Production Language Model).
"""

ANYBODY = RunRequest(model="").client
"""The client of a request that names no user."""

MOST_STANDINGS = 4096


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it may be done, who pays for it, and what is to be set aside; without identity, nobody does."""

    request: RunRequest
    account: Account | None = None
    reservation: Reservation | None = None


class TokensRead:
    """How many tokens of texts were read."""

    tokens = 0


class Admission:
    """Stands before every run; each of several choices is one, and counts as a request. Usable from one event loop."""

    def __init__(self, books: Bookkeeping, windows: RateWindows) -> None:
        self._books = books
        self._windows = windows
        self._standings: dict[str, Standing] = {}

    async def admit(self, run_id: str, request: RunRequest, principal: Principal | None) -> Admitted:
        """A request for a model that this principal may ask, as they may have it; nothing is set aside yet.

        Raises InvalidRequest or RateLimited.
        """
        account = account_of(principal) if principal else None
        if principal is None or account is None:
            return Admitted(request=request)
        check_logprobs(principal, request)
        request = await self._books.bounded(request, account)
        request = msgspec.structs.replace(request, client=client_of(request, account))
        likely = likely_prompt_tokens(request) + self._books.most_written(request)
        await self.take(principal, run_id, likely)
        reservation = self._books.reservation(run_id, request, account, datetime.now(UTC))
        return Admitted(request=request, account=account, reservation=reservation)

    async def take(self, principal: Principal, entry: str, tokens: int) -> None:
        """Count a request for its minute; raises RateLimited where that is full."""
        limits = limits_of(principal)
        if not limits:
            return
        standing = await self._windows.take(principal.client, entry, tokens, limits)
        if len(self._standings) >= MOST_STANDINGS:
            self._standings.clear()
        self._standings[principal.client] = standing
        if standing.wait is not None:
            raise _too_fast(standing, limits, tokens)

    async def withdraw(self, account: Account | None, entry: str) -> None:
        """A request of this minute came to nothing: it counts as one, but took no tokens."""
        if account:
            await self._windows.correct(account.client, entry, 0)

    @asynccontextmanager
    async def embedding(
        self, model: str, texts: Sequence[str], principal: Principal | None
    ) -> AsyncIterator[TokensRead]:
        """Sets aside what texts may take, and settles what they took once that is known; raises QuotaReached."""
        account = account_of(principal) if principal else None
        read = TokensRead()
        if principal is None or account is None:
            yield read
            return
        reservation = Reservation(
            id=new_identifier("embed"),
            holders=account.holders,
            amount=self._books.prices.cost(model, read=most_text_tokens(texts)),
            at=datetime.now(UTC),
        )
        await self.take(principal, reservation.id, likely_text_tokens(texts))
        try:
            await self._books.records.reserve(reservation)
            try:
                yield read
            finally:
                spent = self._books.prices.cost(model, read=read.tokens)
                await carried_through(self._books.records.settle(reservation.id, spent))
        finally:
            await self._windows.correct(account.client, reservation.id, read.tokens)

    def standing(self, principal: Principal) -> Standing | None:
        """The minute as the principal's last request here left it; None for those without limits."""
        return self._standings.get(principal.client)


def limits_of(principal: Principal) -> RateLimits:
    """What somebody may ask for in a minute."""
    return RateLimits(requests=principal.requests_per_minute, tokens=principal.tokens_per_minute)


def client_of(request: RunRequest, account: Account) -> str:
    """Whom the scheduler serves evenly: the key, or one of its users where a request names one."""
    return account.client if request.client == ANYBODY else f"{account.client}/{request.client}"


def check_logprobs(principal: Principal, request: RunRequest) -> None:
    """Raises InvalidRequest for what only an admin may be told of a model."""
    if request.logprobs is None or may(principal, "manage"):
        return
    if request.logprobs > MOST_LOGPROBS:
        raise InvalidRequest(
            f"This key may see the {MOST_LOGPROBS} likeliest tokens beside each, and {request.logprobs} are asked for; "
            "ask for fewer, or with an admin's key.",
            parameter="logprobs",
        )
    if request.sampling.get("logit_bias"):
        raise InvalidRequest(
            "Log-probabilities and 'logit_bias' in one request need an admin's key; leave one of the two out.",
            parameter="logit_bias",
        )


def _too_fast(standing: Standing, limits: RateLimits, tokens: int) -> RateLimited:
    wait = max(1, math.ceil(standing.wait or 0))
    advice = f"try again in {wait} s"
    if standing.by == "requests":
        sentence = f"{limits.requests} requests a minute are allowed, and {standing.requests} were made"
    else:
        sentence = (
            f"{limits.tokens} tokens a minute are allowed, {standing.tokens} are taken, "
            f"and this request may take {tokens}"
        )
        if limits.tokens is not None and tokens > limits.tokens:
            sentence += ", more than a whole minute's, for which it needs a minute in which nothing else was taken"
            advice = f"ask for less, with a lower 'max_tokens' or a shorter input, or {advice}"
    return RateLimited(f"{sentence}; {advice}.", retry_after=wait)
