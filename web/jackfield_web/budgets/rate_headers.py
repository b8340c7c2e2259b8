"""What is left of a minute's rates, in the headers that OpenAI's clients know."""

from __future__ import annotations

from collections.abc import Iterator

from litestar.types import Message, Scope

from jackfield.contracts.identity import Principal
from jackfield.identity.rates import RateLimits, Standing
from jackfield.runs.admission import limits_of
from jackfield.workbench import Workbench


async def add_rate_headers(message: Message, scope: Scope) -> None:
    """Litestar's hook before something is sent: tells those with limits how their last request left them."""
    principal: Principal | None = scope.get("user")
    if message["type"] != "http.response.start" or principal is None:
        return
    limits = limits_of(principal)
    if not limits:
        return
    workbench: Workbench = scope["litestar_app"].state.workbench
    if standing := workbench.admission.standing(principal):
        message["headers"] = [*message.get("headers", ()), *rate_headers(limits, standing)]


def rate_headers(limits: RateLimits, standing: Standing) -> Iterator[tuple[bytes, bytes]]:
    """The limit, what is left of it, and when all of it will be there again, of requests and of tokens."""
    reset = f"{standing.reset:.3f}s"
    for unit, limit, taken in (
        ("requests", limits.requests, standing.requests),
        ("tokens", limits.tokens, standing.tokens),
    ):
        if limit is None:
            continue
        values = {"limit": str(limit), "remaining": str(max(0, limit - taken)), "reset": reset}
        for what, value in values.items():
            yield f"x-ratelimit-{what}-{unit}".encode(), value.encode()
