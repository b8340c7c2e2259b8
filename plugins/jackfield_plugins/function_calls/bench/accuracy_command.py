"""`jackfield bench calls accuracy`: the calls that a model writes itself, judged."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from jackfield.cli.machine import machine_line
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.version import __version__
from jackfield_plugins.function_calls.bench.accuracy import Accuracy, Judge, accuracy, answered
from jackfield_plugins.function_calls.bench.accuracy_pages import ACCURACY_COLUMNS, accuracy_rows, accuracy_sentences
from jackfield_plugins.function_calls.bench.answers import KeptAnswers
from jackfield_plugins.function_calls.bench.cases import Case, sample
from jackfield_plugins.function_calls.bench.checker import BfclChecker
from jackfield_plugins.function_calls.bench.options import chosen_cases, data_option, json_option, model_option

if TYPE_CHECKING:
    from jackfield_plugins.function_calls.bench.answers import Answerer

PROTOCOLS = ("constrained", "cautious", "native", "interrupts")


class AccuracyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bench of accuracy."""

    jackfield: str
    machine: str
    model: str | None
    protocol: str
    peer: str | None
    max_tokens: int
    sampled: int
    answered: int
    accuracy: Accuracy


class AccuracyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of whom; an empty `peer` is none, and without `ours` only the peer is asked."""

    model: str
    protocol: str
    max_tokens: int
    ours: bool
    peer: str | None
    peer_model: str
    keep: Path | None
    seconds: float


@click.command("accuracy")
@model_option
@data_option
@click.option(
    "--category", "categories", multiple=True, metavar="NAME", help="One to measure, instead of all; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many cases of each category, evenly spaced.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="constrained", show_default=True, help="How to call.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=512, show_default=True, help="The longest answer.")
@click.option("--peer", metavar="URL", help="Another server to ask the same, in turns, over /v1/chat/completions.")
@click.option("--peer-model", default="default", metavar="NAME", help="What the peer calls its model.")
@click.option("--only-peer", is_flag=True, help="Ask nobody but the peer.")
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep answers here; those that are there under the same conditions are not asked for again.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=math.inf,
    metavar="N",
    help="Begin no case after that long, and judge those that are answered.",
)
@json_option
@pass_session
def command(
    session: Session,
    model: str,
    files: tuple[Path, ...],
    categories: tuple[str, ...],
    limit: int | None,
    protocol: str,
    max_tokens: int,
    peer: str | None,
    peer_model: str,
    only_peer: bool,
    keep: Path | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Judge the calls that a model writes itself, by BFCL's checker.

    CALLS FIT is the share of answers with calls in which all are of tools that are there, with arguments that fit the
    schema. A peer is judged for the calls that it gives as such, and apart from that for those its text holds as well.
    """
    if only_peer and not peer:
        raise click.UsageError("--only-peer needs a --peer to ask.")
    cases = sample(_chosen(chosen_cases(files), categories), limit)
    plan = AccuracyPlan(
        model=model,
        protocol=protocol,
        max_tokens=max_tokens,
        ours=not only_peer,
        peer=peer,
        peer_model=peer_model,
        keep=keep,
        seconds=seconds,
    )
    report = asyncio.run(_accuracy(session, plan, cases))
    if as_json:
        print_json(report)
        return
    print_table(ACCURACY_COLUMNS, accuracy_rows(report.accuracy))
    for sentence in (*accuracy_sentences(report.accuracy), report.machine):
        say(sentence)
    if report.answered < report.sampled:
        say(f"{report.answered} of {report.sampled} cases are answered; the same command with --keep goes on.")


def _chosen(cases: list[Case], categories: tuple[str, ...]) -> list[Case]:
    known = dict.fromkeys(case.category for case in cases)
    for name in categories:
        if name not in known:
            raise click.BadParameter(f"no case is of category '{name}' (there are: {', '.join(known)}).")
    return [case for case in cases if not categories or case.category in categories]


async def _accuracy(session: Session, plan: AccuracyPlan, cases: list[Case]) -> AccuracyReport:
    from jackfield.wiring import open_workbench
    from jackfield_plugins.function_calls.bench.chat_peer import open_chat_peer
    from jackfield_plugins.function_calls.bench.runs_of_ours import OurRuns

    checker = BfclChecker()
    kept = KeptAnswers(plan.keep)
    protocols = session.plugins.registry.call_protocols
    async with AsyncExitStack() as stack:
        ours: Answerer | None = None
        peer: Answerer | None = None
        model = None
        if plan.peer:
            peer = await stack.enter_async_context(open_chat_peer(plan.peer, plan.peer_model, plan.max_tokens))
        if plan.ours:
            workbench = await stack.enter_async_context(open_workbench(session.settings, session.plugins))
            model = (await workbench.models.get(plan.model)).name
            ours = OurRuns(workbench, model, plan.protocol, plan.max_tokens)
        everybody = [each for each in (ours, peer) if each]
        done = await answered(cases, everybody, kept, say, seconds=plan.seconds)
    return AccuracyReport(
        jackfield=__version__,
        machine=machine_line(),
        model=model,
        protocol=plan.protocol,
        peer=plan.peer,
        max_tokens=plan.max_tokens,
        sampled=len(cases),
        answered=len(done),
        accuracy=accuracy(done, ours, peer, kept, Judge(checker, protocols.get("native") if plan.peer else None)),
    )
