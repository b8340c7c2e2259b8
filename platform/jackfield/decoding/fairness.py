"""Deficit longest-prefix-match fairness (DLPM): clients share the engine evenly, without losing cached prefixes.

Whoever has the longest cached prefix goes first, as long as its client is in credit. A client pays for the prompt
tokens that must be evaluated and for every token written, and is in credit again once everybody who waits is out of
it. The service that two waiting clients have had then differs by no more than 2 (U + Q), U being the most that one
client's running requests can cost and Q the quantum.
"""

from __future__ import annotations

from collections.abc import Collection

QUANTUM = 2048
"""Tokens of credit: large enough that runs of requests with one prefix stay together."""


class Deficits:
    """Every active client's credit in tokens; a client that was not seen before begins with one quantum."""

    def __init__(self, quantum: int = QUANTUM) -> None:
        self._quantum = quantum
        self._credit: dict[str, int] = {}

    def in_credit(self, client: str) -> bool:
        """Whether a client's next request may be admitted."""
        return self._credit.setdefault(client, self._quantum) > 0

    def charge(self, client: str, tokens: int) -> None:
        """Count tokens that were evaluated or written for a client."""
        self._credit[client] = self._credit.get(client, self._quantum) - tokens

    def refill(self, waiting: Collection[str]) -> None:
        """Give every client a quantum, as often as it takes until one of those that wait is in credit."""
        if not waiting or any(self.in_credit(client) for client in waiting):
            return
        nearest = max(self._credit[client] for client in waiting)
        quanta = -nearest // self._quantum + 1
        for client, credit in self._credit.items():
            if credit <= 0:
                self._credit[client] = min(credit + quanta * self._quantum, self._quantum)

    def expire(self, active: Collection[str]) -> None:
        """Forget clients that have nothing under way and owe nothing; debts last until nobody is active."""
        for client in [client for client in self._credit if client not in active]:
            if not active or self._credit[client] > 0:
                del self._credit[client]
