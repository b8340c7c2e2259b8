"""`jackfield bench`: how fast things are on this machine; plugins add theirs under names such as `bench routing`."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click
import msgspec

from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.decoding.bench.measuring import Field, Plan, batch_gains, measured
from jackfield.decoding.bench.plain import PlainServer
from jackfield.decoding.bench.report import COLUMNS, Report, prefix_figures, rows, sentences
from jackfield.decoding.bench.serving import LoopServer
from jackfield.decoding.bench.workloads import WORKLOADS
from jackfield.errors import ModelFileInvalid
from jackfield.version import __version__

if TYPE_CHECKING:
    from jackfield.contracts.engine import EngineLimits
    from jackfield.contracts.models import InstalledModel
    from jackfield.settings import Settings
    from jackfield.workbench import Workbench

PREFIX = "bench "
"""What a plugin's subcommand is named with to stand under `jackfield bench`."""

ALONE = frozenset({"single", "copy"})
"""Workloads of one client, which the model alone serves too."""
SHORTER = "The peer's answers may be shorter: it does not go on past an end token."


class Benches(click.Group):
    """Jackfield's own benches, and those that plugins offer."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own, then the plugins'."""
        names = ctx.ensure_object(Session).plugins.registry.commands.names()
        return [*super().list_commands(ctx), *sorted(n.removeprefix(PREFIX) for n in names if n.startswith(PREFIX))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of ours, or a plugin's."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        commands = ctx.ensure_object(Session).plugins.registry.commands
        name = PREFIX + cmd_name
        return commands.get(name) if name in commands else None


@click.group("bench", cls=Benches)
def group() -> None:
    """Measure on this machine."""


@group.command("decode")
@click.option(
    "-m", "--model", default="", metavar="NAME", help="The model to measure with; the default model otherwise."
)
@click.option("--peer", metavar="URL", help="A llama-server, or another server, to ask the same in turns.")
@click.option(
    "--workload",
    "workloads",
    multiple=True,
    type=click.Choice(tuple(WORKLOADS)),
    metavar="NAME",
    help=f"One to measure, instead of all; may be given again. {', '.join(WORKLOADS)}.",
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each is measured.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine; its own choice otherwise.")
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True, max=4),
    default=1.0,
    show_default=True,
    help="Multiplies all lengths.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Texts to measure with; fresh ones otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@pass_session
def decode(
    session: Session,
    model: str,
    peer: str | None,
    workloads: tuple[str, ...],
    rounds: int,
    threads: int | None,
    scale: float,
    seed: int | None,
    as_json: bool,
) -> None:
    """Measure the decode loop under bursts, agents and long prompts.

    With --peer the same requests go to another server in the same run, and RATIO is our time to its. TTFT is the time
    to the first token, TPOT that of each token after it; PAUSE is a reader's longest wait, PAUSE/GAP the same in terms
    of that answer's median wait.
    """
    plan = Plan(
        workloads=tuple(dict.fromkeys(workloads)) or tuple(WORKLOADS),
        rounds=rounds,
        scale=scale,
        seed=secrets.randbelow(2**32) if seed is None else seed,
    )
    settings = _with_threads(session, threads)
    report = asyncio.run(_report(session, settings, model, peer, plan))
    if as_json:
        print_json(report)
        return
    print_table(COLUMNS, rows(report.workloads))
    for sentence in sentences(report):
        say(sentence)


def _with_threads(session: Session, threads: int | None) -> Settings:
    if threads is None:
        return session.settings
    from jackfield.settings import load_settings

    return load_settings(engine={"threads": threads})


async def _report(session: Session, settings: Settings, model: str, peer: str | None, plan: Plan) -> Report:
    from jackfield.decoding.bench.peer import open_peer
    from jackfield.wiring import open_workbench

    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(open_peer(peer)) if peer else None
        workbench = await stack.enter_async_context(open_workbench(settings, session.plugins))
        installed = await workbench.models.get(model)
        loop = await stack.enter_async_context(workbench.residency.decoder_held(installed))
        if other:
            await other.settle(loop.engine)
        plain = await _plain(workbench, installed, loop.engine.limits) if ALONE.intersection(plan.workloads) else None
        if plain:
            stack.push_async_callback(plain.close)
        field = Field(ours=LoopServer(loop), engine=loop.engine, plain=plain, peer=other)
        results = await measured(plan, field, say)
        return Report(
            jackfield=__version__,
            model=installed.name,
            format=installed.description.format,
            threads=settings.engine.threads,
            peer=peer,
            plan=plan,
            workloads=tuple(results),
            prefix=prefix_figures(results),
            batch_gains=await batch_gains(plan, field),
            remarks=(SHORTER,) if other and not other.exact_lengths else (),
        )


async def _plain(workbench: Workbench, model: InstalledModel, limits: EngineLimits) -> PlainServer | None:
    """The model opened a second time, with room for one sequence; its weights are shared where the engine can."""
    from jackfield.contracts.engine import EngineSettings, TokenEngine
    from jackfield.models.installing import usable_engines

    length = limits.context_length
    settings = EngineSettings(**workbench.settings.engine.model_dump())
    settings = msgspec.structs.replace(settings, context_length=length, cells=length, sequences=1)
    for factory in usable_engines(workbench.plugins.registry.engines):
        try:
            engine = await asyncio.to_thread(factory.open, model, settings)
        except ModelFileInvalid:
            continue
        if isinstance(engine, TokenEngine):
            return PlainServer(engine)
    return None
