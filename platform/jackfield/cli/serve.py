"""`jackfield serve`: the API on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
import structlog

from jackfield.cli.output import say
from jackfield.cli.running_server import server_address
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.doors import Listen
from jackfield.errors import ModelNotFound
from jackfield.identity.local_mode import refuse_open_door
from jackfield.logs import configure_logs
from jackfield.telemetry.spans import traces_sent

if TYPE_CHECKING:
    from jackfield.settings import Settings
    from jackfield.workbench import Workbench

log = structlog.get_logger()


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="The address to listen on; 127.0.0.1 unless set.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port to listen on; 5225 unless set, 0 for any free one.",
)
@click.option("-m", "--model", default="", metavar="NAME", help="Load this model at once; the default model otherwise.")
@click.option("--executor", metavar="NAME", help="Where runs execute: inline (unless set), or celery for workers.")
@pass_session
def command(session: Session, host: str | None, port: int | None, model: str, executor: str | None) -> None:
    """Serve the OpenAI-shaped API until Ctrl+C."""
    settings = session.settings
    if executor is not None:
        settings = settings.model_copy(update={"runs": settings.runs.model_copy(update={"executor": executor})})
    configure_logs(settings.log_level, settings.telemetry.log_format)
    for report in session.plugins.reports():
        if report.state == "failed":
            log.warning("a plugin failed and is left out", plugin=report.name, reason=report.error)
    door = session.plugins.registry.doors.get("web")
    listen = Listen(
        host=settings.server.host if host is None else host,
        port=settings.server.port if port is None else port,
    )

    refuse_open_door(listen.host, identity=settings.identity.enabled)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Workbench]:
        from jackfield.wiring import open_workbench

        async with open_workbench(settings, session.plugins) as workbench:
            if settings.runs.executor == "inline":
                await _preload(workbench, model)
            yield workbench

    sent = settings.telemetry
    with traces_sent(sent.otlp_endpoint, service=f"{sent.service_name}-api", sample=sent.sample):
        door.serve(opened, listen, on_ready=_greeting(settings))


async def _preload(workbench: Workbench, name: str) -> None:
    try:
        workbench.residency.preload(await workbench.models.get(name))
    except ModelNotFound as error:
        if name:
            raise
        say(error.message)


def _greeting(settings: Settings) -> Callable[[Listen], None]:
    """What to say once the server is there; one line among others where programs read them."""
    if settings.telemetry.log_format == "json":
        return lambda listen: log.info("serving", address=server_address(listen.host, listen.port))
    return partial(_greet, identity=settings.identity.enabled)


def _greet(listen: Listen, *, identity: bool) -> None:
    address = server_address(listen.host, listen.port)
    key = "sk-jf-…   (jackfield keys create USER makes one)" if identity else "anything"
    header = " -H 'Authorization: Bearer sk-jf-…'" if identity else ""
    say(
        f"""
Jackfield serves on {click.style(address, bold=True)}   (Ctrl+C stops it)

  Try it          curl {address}/v1/chat/completions -H 'Content-Type: application/json'{header} \\
                    -d '{{"model": "default", "messages": [{{"role": "user", "content": "Hello!"}}]}}'
  OpenAI clients  base_url={address}/v1  api_key={key}
  In a terminal   jackfield chat      jackfield ask "Why is the sky blue?"
  API document    {address}/openapi.json
"""
    )
