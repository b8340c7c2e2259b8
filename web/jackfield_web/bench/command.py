"""`jackfield bench gateway`: what the API itself costs a request, beside LiteLLM's proxy in the same run."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from jackfield.cli.machine import machine_line
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.records import sqlite_url
from jackfield.plugin_host import PluginHost
from jackfield.version import __version__
from jackfield_web.bench.gateway import FEW, MANY, GatewayPlan, Serving, measured
from jackfield_web.bench.readers import Readers, Soak, readers, soak
from jackfield_web.bench.servers import jackfield, litellm, upstream

COLUMNS = ("SERVER", "ANSWERS", "CONNECTIONS", "PER SECOND", "PER CORE AND SECOND", "P50 MS", "P99 MS", "CPU MS")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Us beside the peer: how many times its answers a second, and our added p50 as a share of its."""

    streamed: bool
    rate_ratio: float
    added_p50: float
    peer_added_p50: float
    added_ratio: float


class GatewayReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bench; parts that were left out are None."""

    jackfield: str
    machine: str
    database: str
    plan: GatewayPlan
    servings: tuple[Serving, ...]
    comparisons: tuple[Comparison, ...]
    readers: Readers | None
    soak: Soak | None


@click.command("gateway")
@click.option("--litellm", "peer", metavar="PROGRAM", help="LiteLLM's `litellm` program, in an environment of its own.")
@click.option("--database", default="", metavar="URL", help="Where Jackfield keeps its records; SQLite otherwise.")
@click.option("--seconds", type=click.FloatRange(min=0.5), default=5.0, show_default=True, help="Each load's length.")
@click.option("--rounds", type=click.IntRange(min=0), default=3, show_default=True, help="How often each is measured.")
@click.option("--readers", "clients", type=click.IntRange(min=0), default=0, help="Then read so many streams at once.")
@click.option(
    "--soak", "requests", type=click.IntRange(min=0), default=0, help="Then look at memory over so many requests."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@pass_session
def command(
    session: Session,
    peer: str | None,
    database: str,
    seconds: float,
    rounds: int,
    clients: int,
    requests: int,
    as_json: bool,
) -> None:
    """Measure what the API adds to a request, with an engine that answers at once.

    Jackfield is a whole server process: it checks the key, counts rates, sets a budget aside, keeps the run and its
    events on record, and settles what was used. With --litellm, LiteLLM's proxy is asked the same in turns; before it
    stands a server that answers at once, which is measured alone too, and taken off what LiteLLM takes.
    """
    plan = GatewayPlan(seconds=seconds, rounds=rounds)
    report = asyncio.run(_report(session.plugins, peer, database, plan, clients, requests))
    if as_json:
        print_json(report)
        return
    print_table(COLUMNS, [_row(serving) for serving in report.servings])
    for sentence in _sentences(report):
        say(sentence)


async def _report(
    plugins: PluginHost, peer: str | None, database: str, plan: GatewayPlan, clients: int, requests: int
) -> GatewayReport:
    with TemporaryDirectory(prefix="jackfield-bench-") as name, ExitStack() as others:
        folder = Path(name)
        url = database or sqlite_url(folder)
        async with jackfield(plugins, folder, url) as ours:
            servers = [ours]
            if peer:
                behind = others.enter_context(upstream(folder))
                servers += [behind, others.enter_context(litellm(peer, behind, folder))]
            servings = await measured(servers, plan) if plan.rounds else ()
            return GatewayReport(
                jackfield=__version__,
                machine=machine_line(),
                database=url.partition(":")[0].partition("+")[0],
                plan=plan,
                servings=servings,
                comparisons=tuple(_compared(servings, streamed) for streamed in (False, True)) if peer else (),
                readers=await readers(ours, clients) if clients else None,
                soak=await soak(ours, requests) if requests else None,
            )


def _compared(servings: tuple[Serving, ...], streamed: bool) -> Comparison:
    """Our engine is within the process, so that all our time is added; the peer's is what the upstream did not take."""
    found = {(each.server, each.connections): each for each in servings if each.streamed == streamed}
    ours, theirs = found["jackfield", FEW].p50, found["litellm", FEW].p50 - found["upstream", FEW].p50
    return Comparison(
        streamed=streamed,
        rate_ratio=found["jackfield", MANY].rate / found["litellm", MANY].rate,
        added_p50=ours,
        peer_added_p50=theirs,
        added_ratio=ours / theirs,
    )


def _row(serving: Serving) -> tuple[str, ...]:
    return (
        serving.server,
        "streamed" if serving.streamed else "whole",
        str(serving.connections),
        f"{serving.rate:.0f}",
        f"{serving.rate_per_core:.0f}",
        f"{serving.p50:.2f}",
        f"{serving.p99:.2f}",
        f"{serving.cpu:.2f}",
    )


def _sentences(report: GatewayReport) -> list[str]:
    told = [
        f"{'Streamed' if each.streamed else 'Whole'} answers: {each.rate_ratio:.1f} times LiteLLM's rate; "
        f"{each.added_p50:.2f} ms added, LiteLLM {each.peer_added_p50:.2f} ms (a share of {each.added_ratio:.3f})."
        for each in report.comparisons
    ]
    if report.readers:
        each = report.readers
        told.append(
            f"{each.whole} of {each.clients} streams at once were read to their end, the slowest in "
            f"{each.slowest:.1f} s; {each.refused} were refused."
        )
    if report.soak:
        first, last = report.soak.memory[0] / 2**20, report.soak.memory[-1] / 2**20
        told.append(f"Memory over {report.soak.requests} requests: {first:.1f} MiB at first, {last:.1f} MiB at last.")
    return told
