"""HTTP to addresses that were looked at: a name is resolved once, and what was checked is what is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import httpx

from jackfield.errors import InvalidRequest, ToolFailure

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""A name and a port to addresses in digits."""

PORTS = {"http": 80, "https": 443}
MOST_TRIED = 3
"""Addresses of one name that are tried one after the other."""


class CheckedTransport(httpx.AsyncBaseTransport):
    """Sends each request, so each redirect too, to a checked address; the name stays in `Host` and in TLS.

    A name is refused where any of its addresses is: one that has a public and a private one is up to something.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, allowed: Callable[[str], bool], resolve: Resolve) -> None:
        self._inner = inner
        self._allowed = allowed
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in PORTS or not url.host:
            raise InvalidRequest(f"'{url}' is no web address; give one that begins with https:// or http://.")
        addresses = await self._addresses(url.host, url.port or PORTS[url.scheme])
        for address in addresses[: MOST_TRIED - 1]:
            try:
                return await self._inner.handle_async_request(_to(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        return await self._inner.handle_async_request(_to(addresses[:MOST_TRIED][-1], request))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Where a host is, in the order to try; raises InvalidRequest or ToolFailure."""
        addresses = list(dict.fromkeys(await self._resolve(host, port)))
        if not addresses:
            raise ToolFailure(f"'{host}' is not known; check the spelling of the address.")
        for address in addresses:
            if not self._allowed(address):
                raise InvalidRequest(
                    f"'{host}' is this machine, its network or its cloud ({address}); only public addresses are "
                    "fetched, unless the setting tools.private_addresses is true."
                )
        return addresses


async def system_addresses(host: str, port: int) -> list[str]:
    """What the system's resolver knows of a name; none where it knows nothing."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def _to(address: str, request: httpx.Request) -> httpx.Request:
    """The same request, to an address in digits."""
    plain = str(ipaddress.ip_address(address))
    return httpx.Request(
        request.method,
        request.url.copy_with(host=plain),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
