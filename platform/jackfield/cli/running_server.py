"""What a running server says, asked over HTTP."""

from __future__ import annotations

import msgspec

from jackfield.errors import MissingDependency, NotAuthenticated, Unavailable
from jackfield.models.residents import LoadedModel

TIMEOUT = 5.0
"""Seconds that a server may take to answer."""


def loaded_models(host: str, port: int) -> tuple[LoadedModel, ...]:
    """The models that the server at an address has in memory; raises Unavailable where none answers."""
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise MissingDependency("Asking a server needs httpx: `pip install 'jackfield[local]'`.") from error

    address = server_address(host, port)
    try:
        answer = httpx.get(f"{address}/api/models/loaded", timeout=TIMEOUT, trust_env=False)
        return msgspec.json.decode(answer.raise_for_status().content, type=tuple[LoadedModel, ...])
    except httpx.ConnectError as error:
        raise Unavailable(
            f"No Jackfield server runs at {address}, so no model is loaded; start one with `jackfield serve`."
        ) from error
    except httpx.HTTPStatusError as error:
        if error.response.status_code == 401:
            raise NotAuthenticated(f"The server at {address} tells this only to whoever shows it a key.") from error
        raise _no_server(address, error) from error
    except httpx.TimeoutException as error:
        raise Unavailable(f"{address} did not answer within {TIMEOUT:.0f} seconds; it may be overloaded.") from error
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise _no_server(address, error) from error


def _no_server(address: str, error: Exception) -> Unavailable:
    return Unavailable(f"What answers at {address} is no Jackfield server of this version ({error}).")


def server_address(host: str, port: int) -> str:
    """Where a client on this machine reaches a server that listens there."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared, not bound
    reachable = everywhere.get(host) or (f"[{host}]" if ":" in host else host)
    return f"http://{reachable}:{port}"
