"""`jackfield bench calls latency`: calls that run while the model writes, against the least that is possible."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from jackfield.cli.machine import machine_line
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.errors import InvalidRequest
from jackfield.version import __version__
from jackfield_plugins.function_calls.bench.cases import Case, sample
from jackfield_plugins.function_calls.bench.equipment import BenchEquipment
from jackfield_plugins.function_calls.bench.latency import Latency, LatencyBench, LatencyPlan
from jackfield_plugins.function_calls.bench.latency_pages import LATENCY_COLUMNS, latency_rows, latency_sentences
from jackfield_plugins.function_calls.bench.options import chosen_cases, data_option, json_option, model_option
from jackfield_plugins.function_calls.bench.overhead import Overhead, overhead
from jackfield_plugins.function_calls.bench.streaming import Streaming, streaming

if TYPE_CHECKING:
    from jackfield.settings import Settings
    from jackfield.workbench import Workbench

CATEGORY = "parallel"
PROTOCOLS = ("interrupts", "native")
WORDED = "interrupts"
"""The protocol that shows its tools in a message of its own, whatever the model's template can do."""
PARTS = ("modes", "overhead", "streaming")
PAIRS_A_ROUND = 5
"""Of chats: what is looked for is a hundredth, and one pair is not that exact."""


class LatencyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bench of latency; parts that were left out are None, or empty."""

    jackfield: str
    machine: str
    model: str
    format: str
    threads: int
    plan: LatencyPlan
    cases: tuple[str, ...]
    latency: Latency | None
    overhead: Overhead | None
    streaming: tuple[Streaming, ...]


@click.command("latency")
@model_option
@data_option
@click.option("--limit", type=click.IntRange(min=1), default=8, show_default=True, help="How many cases.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each is run.")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    type=click.Choice(PROTOCOLS),
    help="One to measure, instead of both.",
)
@click.option(
    "--times-decode",
    multiple=True,
    type=click.FloatRange(min=0, min_open=True),
    default=(5.0,),
    show_default=True,
    metavar="N",
    help="Also with tools whose longest takes N times as long as a call takes to be written.",
)
@click.option("--only", "parts", multiple=True, type=click.Choice(PARTS), help="One part, instead of all.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=math.inf,
    metavar="N",
    help="Begin no more cases of the modes after that long, and report what was timed.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the tools' times.")
@json_option
@pass_session
def command(
    session: Session,
    model: str,
    files: tuple[Path, ...],
    limit: int,
    rounds: int,
    protocols: tuple[str, ...],
    times_decode: tuple[float, ...],
    parts: tuple[str, ...],
    seconds: float,
    seed: int,
    as_json: bool,
) -> None:
    """Time calls that are written while others run.

    The wanted calls of BFCL's `parallel` are written by the decode loop, token by token, with tools that wait. SECONDS
    are from the first token to the last result, AT BEST is what undisturbed decoding and the tools allow, and RATIO the
    latter over the former; OF ITS OWN has what was measured in the same run instead.
    """
    parts = parts or PARTS
    cases = sample([case for case in chosen_cases(files) if case.category == CATEGORY], limit)
    if "modes" in parts and not cases:
        raise InvalidRequest(f"No case is of category '{CATEGORY}', whose calls this bench times.", parameter="data")
    plan = LatencyPlan(
        protocols=protocols or PROTOCOLS,
        times_decode=tuple(times_decode),
        rounds=rounds,
        seed=seed,
        parts=parts,
        seconds=seconds,
    )
    report = asyncio.run(_report(session, model, plan, cases))
    if as_json:
        print_json(report)
        return
    if report.latency:
        print_table(LATENCY_COLUMNS, latency_rows(report.latency))
    for sentence in (*latency_sentences(report.latency, report.overhead, report.streaming), report.machine):
        say(sentence)


async def _report(session: Session, model: str, plan: LatencyPlan, cases: list[Case]) -> LatencyReport:
    from jackfield.wiring import open_workbench

    protocols = session.plugins.registry.call_protocols
    equipment = BenchEquipment([protocols.get(name) for name in PROTOCOLS])
    prepared = [equipment.prepared(case) for case in cases]
    session.plugins.register(equipment, "bench-calls")
    async with open_workbench(_without_lookahead(session.settings), session.plugins) as workbench:
        installed = await workbench.models.get(model)
        bench = LatencyBench(workbench, installed.name, equipment, plan, say)
        return LatencyReport(
            jackfield=__version__,
            machine=machine_line(),
            model=installed.name,
            format=installed.description.format,
            threads=session.settings.engine.threads,
            plan=plan,
            cases=tuple(case.id for case in cases),
            latency=await bench.measured(prepared) if "modes" in plan.parts else None,
            overhead=await _overhead(workbench, installed.name, plan) if "overhead" in plan.parts else None,
            streaming=await _streaming(workbench, installed.name, equipment, plan) if "streaming" in plan.parts else (),
        )


async def _overhead(workbench: Workbench, model: str, plan: LatencyPlan) -> Overhead:
    protocol = workbench.plugins.registry.call_protocols.get(WORDED)
    tools = [workbench.plugins.registry.tools.get(name).description for name in ("run_whole", "run_streamed")]
    return await overhead(workbench, model, protocol, tools, PAIRS_A_ROUND * plan.rounds, say)


async def _streaming(
    workbench: Workbench, model: str, equipment: BenchEquipment, plan: LatencyPlan
) -> tuple[Streaming, ...]:
    return tuple([await streaming(workbench, model, equipment, name, plan.rounds, say) for name in plan.protocols])


def _without_lookahead(settings: Settings) -> Settings:
    """Drafts would guess text that is given beforehand: a call takes as many steps here as it has tokens."""
    from jackfield.settings import LookaheadSettings

    return settings.model_copy(update={"lookahead": LookaheadSettings(enabled=False)})
