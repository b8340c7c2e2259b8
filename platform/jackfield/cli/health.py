"""`jackfield health`: is the server or the worker on this machine well? Containers ask it of themselves."""

from __future__ import annotations

import asyncio
import socket

import click

from jackfield.cli.session import Session, pass_session
from jackfield.errors import BrokerUnavailable, NoWorker, Unavailable
from jackfield.settings import Settings

PATIENCE = 4.0
"""Seconds until no answer is an answer."""


@click.command("health")
@click.argument("process", type=click.Choice(["api", "worker"]), default="api")
@pass_session
def command(session: Session, process: str) -> None:
    """Exit with 0 if the API (or a worker) of this machine is well.

    That no worker runs is no fault of the API's; GET /readyz tells it.
    """
    asyncio.run(_check_worker(session.settings) if process == "worker" else _check_api(session.settings))


async def _check_api(settings: Settings) -> None:
    import httpx

    address = f"http://127.0.0.1:{settings.server.port}/readyz"
    try:
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            answer = await client.get(address)
    except httpx.HTTPError as error:
        raise Unavailable(f"Nothing answers at {address} ({type(error).__name__}); is `jackfield serve` up?") from error
    if answer.status_code != 200 and _fault(answer.text).get("code") != NoWorker.code:
        raise Unavailable(f"The server is not ready: {_fault(answer.text).get('message', 'it does not say why')}")


async def _check_worker(settings: Settings) -> None:
    """A worker is well as long as others hear of it, which takes its event loop and Redis."""
    from jackfield.jobs.announcements import WorkerBoard
    from jackfield.jobs.redis_connection import REDIS_AWAY, connected, redis_url

    redis = connected(redis_url(settings))
    board = WorkerBoard(redis)
    try:
        async with asyncio.timeout(PATIENCE):
            await board.look()
    except (*REDIS_AWAY, TimeoutError) as error:
        raise BrokerUnavailable(f"Redis cannot be asked for workers ({type(error).__name__}).") from error
    finally:
        await redis.aclose()
    name = socket.gethostname()
    if not any(worker.id.startswith(f"{name}-") for worker in board.workers()):
        raise NoWorker(f"No worker on {name} was heard of lately; is `jackfield worker` up?")


def _fault(body: str) -> dict[str, str]:
    """What an error's body says; nothing where it cannot be read."""
    import json

    try:
        fault = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return fault if isinstance(fault, dict) else {}
