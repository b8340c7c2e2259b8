"""Another server that is asked the same as our loop, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.engine import TokenEngine
from jackfield.decoding.bench.peer_routes import CompletionsRoute, LlamaCppRoute, PeerRoute
from jackfield.decoding.bench.workloads import Tokens
from jackfield.decoding.request import Delta, Ended
from jackfield.errors import InvalidRequest, MissingDependency, Unavailable

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 600.0
"""Seconds until the next token: a small machine reads a burst of long prompts for minutes."""
SAMPLE = "The archive kept seven letters; nobody had counted them."


class _Models(msgspec.Struct):
    class Model(msgspec.Struct):
        id: str

    data: list[Model]


class _Tokens(msgspec.Struct):
    tokens: list[int]


class PeerServer:
    """A server as a bench asks it; made by `open_peer`."""

    name = "peer"

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http = http
        self._address = address
        self._route: PeerRoute = LlamaCppRoute()
        self.exact_lengths = True

    async def settle(self, engine: TokenEngine) -> None:
        """Choose the first route that answers, and see that the models agree on tokens; raises Unavailable."""
        await self._check_vocabulary(engine)
        prompt = tuple(engine.tokenize(SAMPLE, special=False))
        if await self._has_route(prompt):
            return
        model = await self._model(engine.model.name)
        self._route = CompletionsRoute(model, engine.piece, ignore_eos=True)
        if await self._has_route(prompt):
            return
        self._route = CompletionsRoute(model, engine.piece, ignore_eos=False)
        self.exact_lengths = False
        await self._has_route(prompt)

    async def answer(self, prompt: Tokens, tokens: int, client: str = "") -> AsyncGenerator[Delta | Ended]:
        """Its answer as it streams, whoever the client is; raises Unavailable with what was wrong."""
        written, usage = 0, None
        request = self._route.body(prompt, tokens)
        with peer_faults(self._address):
            async with self._http.stream("POST", self._route.path, json=request) as response:
                await self._check_status(response)
                async for event in _events(response):
                    delta, counted = self._route.said(event)
                    usage = counted or usage
                    if delta:
                        written += delta.tokens
                        yield delta
        if not written or usage is None:
            raise Unavailable(f"The peer at {self._address} broke off an answer after {written} of {tokens} tokens.")
        counted_prompt = msgspec.structs.replace(usage, prompt_tokens=usage.prompt_tokens or len(prompt))
        yield Ended(reason="length", usage=counted_prompt)

    def counters(self) -> dict[str, float]:
        """Nothing: what it counts comes with its answers."""
        return {}

    async def _has_route(self, prompt: Tokens) -> bool:
        try:
            async for _ in self.answer(prompt, 2):
                pass
        except _RouteMissing:
            return False
        return True

    async def _check_status(self, response: httpx.Response) -> None:
        if response.status_code in self._route.missing:
            raise _RouteMissing
        if response.status_code != 200:
            said = " ".join((await response.aread()).decode("utf-8", errors="replace").split())
            status = response.status_code
            raise Unavailable(f"The peer at {self._address} refused {self._route.path} ({status}): {said:.200}")

    async def _check_vocabulary(self, engine: TokenEngine) -> None:
        """A server that cannot be asked how it cuts a text is believed."""
        with peer_faults(self._address):
            answer = await self._http.post("/tokenize", json={"content": SAMPLE, "add_special": False})
            if answer.status_code != 200:
                return
            theirs = msgspec.json.decode(answer.content, type=_Tokens).tokens
        if theirs != engine.tokenize(SAMPLE, special=False):
            raise Unavailable(
                f"The peer at {self._address} cuts text into other tokens than '{engine.model.name}'; "
                "let both serve the same model file."
            )

    async def _model(self, wanted: str) -> str:
        with peer_faults(self._address):
            answer = await self._http.get("/v1/models")
            if answer.status_code != 200:
                raise Unavailable(f"The peer at {self._address} has neither /completion nor /v1/models.")
            names = [model.id for model in msgspec.json.decode(answer.content, type=_Models).data]
        if not names:
            raise Unavailable(f"The peer at {self._address} serves no model.")
        return wanted if wanted in names else names[0]


@asynccontextmanager
async def open_peer(address: str) -> AsyncIterator[PeerServer]:
    """A server at an http address, not asked anything yet; raises InvalidRequest or MissingDependency."""
    async with open_http(address) as http:
        yield PeerServer(http, address)


@asynccontextmanager
async def open_http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server at an address; raises InvalidRequest or MissingDependency."""
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise MissingDependency("Asking a peer needs httpx: `pip install 'jackfield[local]'`.") from error
    try:
        base = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise InvalidRequest(f"'{address}' is no address ({error}); --peer takes one such as {EXAMPLE}.") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise InvalidRequest(f"'{address}' is no address of a server; --peer takes one such as {EXAMPLE}.")
    timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None)
    # A server may close a connection that was idle while others were measured, just as it is used again.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=base, timeout=timeout, limits=limits, trust_env=False) as http:
        yield http


@contextmanager
def peer_faults(address: str) -> Iterator[None]:
    """Tell what keeps a peer from answering as Unavailable."""
    import httpx

    try:
        yield
    except httpx.ConnectError as error:
        raise Unavailable(f"No server answers at {address}; start one, or leave out --peer.") from error
    except httpx.TimeoutException as error:
        raise Unavailable(f"The peer at {address} took too long: nothing came in time.") from error
    except (httpx.HTTPError, msgspec.MsgspecError) as error:
        raise Unavailable(
            f"What answers at {address} does not speak as a llama-server does ({error!s:.200})."
        ) from error


EXAMPLE = "http://127.0.0.1:8080"


class _RouteMissing(Exception):
    """The server does not have the route that was tried."""


async def _events(response: httpx.Response) -> AsyncIterator[bytes]:
    """The data of a stream's events, up to the one that ends it."""
    async for line in response.aiter_lines():
        kind, _, data = line.partition(":")
        if kind in ("data", "error") and data.strip() != "[DONE]":
            yield data.strip().encode()
