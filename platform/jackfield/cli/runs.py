"""`jackfield runs`: what was asked, how it went, and what waits for somebody."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, get_args

import click

from jackfield.cli.answering import Answer, ShownRun, conclude
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.run_account import RunAccount
from jackfield.cli.run_pages import EVENT_COLUMNS, LIST_COLUMNS, as_object, event_row, list_row, page
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_workbench import with_workbench
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import InvalidRequest, RunNotFound
from jackfield.events import RunEvent
from jackfield.workbench import Workbench

LOOKED_THROUGH = 500
"""The newest runs, among which the beginning of an identifier is looked for."""


@click.group("runs")
def group() -> None:
    """List and show runs; approve, deny, resume and cancel them."""


@group.command("list")
@click.option("--state", type=click.Choice(get_args(RunState)), help="Only runs that stand so.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@pass_session
def list_runs(session: Session, state: RunState | None, limit: int, as_json: bool) -> None:
    """List the newest runs."""
    runs = with_workbench(session, lambda workbench: workbench.runs.recent(limit=limit, state=state))
    if as_json:
        print_json(runs)
    elif runs or not sys.stdout.isatty():
        print_table(LIST_COLUMNS, [list_row(run) for run in runs])
    else:
        say(f"No run is {state}." if state else "Nothing was run yet.")


@group.command("show")
@click.argument("run_id", metavar="RUN")
@click.option("--events", is_flag=True, help="Show every event instead.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@pass_session
def show_run(session: Session, run_id: str, events: bool, as_json: bool) -> None:
    """Show what was asked of a run, its calls and their times, what it waits for, and its answer.

    RUN is its identifier, or as much of it as no other has.
    """

    async def found(workbench: Workbench) -> tuple[RunRecord, tuple[RunEvent, ...]]:
        run = await _run(workbench, run_id)
        return run, await workbench.runs.events(run.id)

    run, history = with_workbench(session, found)
    if events and as_json:
        print_json(history)
    elif events:
        print_table(EVENT_COLUMNS, map(event_row, history))
    elif as_json:
        print_json(as_object(run, _account(history)))
    else:
        click.echo(page(run, _account(history)))


def _going_on(function: Callable[..., Any]) -> Callable[..., None]:
    """A command that lets a run go on here: it receives the run as it is shown."""

    @functools.wraps(function)
    def going_on(session: Session, run_id: str, as_json: bool, **options: Any) -> None:
        async def answered(workbench: Workbench) -> Answer:
            run = await _run(workbench, run_id)
            shown = ShownRun(workbench, run.id, quiet=as_json)
            shown.recall(await workbench.runs.events(run.id))
            await function(workbench, run, shown, **options)
            return await shown.answer()

        conclude(with_workbench(session, answered), as_json=as_json)

    with_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the run has ended.")
    command: Callable[..., None] = going_on
    return click.argument("run_id", metavar="RUN")(with_json(pass_session(command)))


_call_option = click.option("--call", metavar="ID", help="Only this call; all that wait otherwise.")


@group.command("approve")
@_going_on
@_call_option
async def approve_run(workbench: Workbench, run: RunRecord, shown: ShownRun, call: str | None) -> None:
    """Let a run make the calls that it waits to make, and go on with it here."""
    await shown.decide(approved=True, call=call)


@group.command("deny")
@_going_on
@_call_option
@click.option("--reason", default="", metavar="TEXT", help="Why; the model is told.")
async def deny_run(workbench: Workbench, run: RunRecord, shown: ShownRun, call: str | None, reason: str) -> None:
    """Keep a run from the calls that it waits to make, and go on with it here."""
    await shown.decide(approved=False, call=call, reason=reason)


@group.command("resume")
@_going_on
async def resume_run(workbench: Workbench, run: RunRecord, shown: ShownRun) -> None:
    """Go on here with a run that was interrupted; what it did is not done again."""
    await workbench.resume(run.id)


@group.command("cancel")
@click.argument("run_id", metavar="RUN")
@pass_session
def cancel_run(session: Session, run_id: str) -> None:
    """Give up a run that waits; what it wrote stands."""

    async def cancelled(workbench: Workbench) -> RunRecord:
        run = await _run(workbench, run_id)
        await workbench.cancel(run.id)
        return run

    run = with_workbench(session, cancelled)
    ended = run.state in ("finished", "failed", "cancelled")
    say(f"Run {run.id} had ended already: it is {run.state}." if ended else f"Run {run.id} is cancelled.")


async def _run(workbench: Workbench, identifier: str) -> RunRecord:
    """A run by its identifier or the beginning of it; raises RunNotFound, or InvalidRequest where several begin so."""
    if run := await workbench.runs.get(identifier):
        return run
    beginning = identifier if identifier.startswith("run_") else f"run_{identifier}"
    recent = await workbench.runs.recent(limit=LOOKED_THROUGH)
    found = [run for run in recent if run.id.startswith(beginning)] if identifier else []
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(run.id for run in found[:5]) + (", …" if len(found) > 5 else "")
        raise InvalidRequest(f"{len(found)} runs begin with '{identifier}': {listed}; give more of it.")
    raise RunNotFound(f"There is no run '{identifier}'; `jackfield runs list` shows the newest.")


def _account(history: tuple[RunEvent, ...]) -> RunAccount:
    account = RunAccount()
    for event in history:
        account.take(event)
    return account
