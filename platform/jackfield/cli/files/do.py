"""`jackfield files do`: what is said in words, as calls, once somebody agreed to them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing

import click

from jackfield.cli.call_lines import without_steering
from jackfield.cli.files.addresses import collection_option, json_option, new_change
from jackfield.cli.files.links import site
from jackfield.cli.files.sentences import undoing
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.terminal_question import can_ask, typed_answer
from jackfield.cli.with_workbench import with_workbench
from jackfield.contracts.identity import Principal
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import CallDenied, JackfieldError
from jackfield.files.asking import ChatModel, Runs
from jackfield.files.library import Library
from jackfield.files.words.commands import Done, outcomes, plan_of
from jackfield.files.words.executing import MadeLink, Outcome
from jackfield.files.words.planning import Plan
from jackfield.files.words.resolving import Ambiguous, Question
from jackfield.files.words.telling import sentence, told
from jackfield.workbench import Workbench

DECLINED = 3
"""The exit code where somebody said no: as where a call was denied."""


@click.command("do")
@click.argument("words", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option(
    "-m", "--model", default="", metavar="NAME", help="Reads what the rules do not; the default model if none."
)
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    words: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    model: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Do what is said in words, once you agreed to the plan.

    WORDS are such as: put last week's versions of the budget back. What only looks is done at once; what changes
    something is shown first, and undone in one step.
    """
    said = " ".join(words)
    done = with_workbench(
        session,
        lambda workbench: _Desk(workbench, session, model, as_json).done(said, collection, yes=yes, dry_run=dry_run),
    )
    if as_json:
        print_json(done)
    if done.failed:
        raise _failure(done)
    if done.plan.writes and not done.change and not dry_run:
        say("Nothing was done.")
        raise SystemExit(DECLINED)


class _Desk:
    """One command, from its words to its outcomes."""

    def __init__(self, workbench: Workbench, session: Session, model: str, quiet: bool) -> None:
        self._library: Library = workbench.library()
        self._chat = ChatModel(workbench if quiet else _Announced(workbench), name=model)
        self._site = site(session.settings)
        self._quiet = quiet

    async def done(self, words: str, collection: str | None, *, yes: bool, dry_run: bool) -> Done:
        """Without a change where somebody said no. Raises CallDenied for a plan that nobody was there to agree to."""
        plan = await self._plan(words, collection)
        if not self._quiet and (plan.writes or dry_run or len(plan.steps) > 1):
            _show(plan)
        if dry_run:
            return Done(plan, "", ())
        if plan.writes and not yes:
            if not await self._agreed(plan):
                return Done(plan, "", ())
        elif plan.guessed:
            raise self._unagreed(
                plan,
                "Nothing was done: a model read these words, or files were taken for what is in them, and somebody has "
                "to look at that. Name the files, or agree at a terminal without --yes.",
            )
        return await self._carried_out(plan)

    async def _plan(self, words: str, collection: str | None) -> Plan:
        """Asks which files are meant as often as that is not clear."""
        choices: dict[str, tuple[str, ...]] = {}
        while True:
            try:
                return await plan_of(self._library, words, collection=collection, chat=self._chat, choices=choices)
            except Ambiguous as error:
                if self._quiet or not can_ask():
                    raise
                choices[error.question.name] = await _chosen(error)

    async def _agreed(self, plan: Plan) -> bool:
        if self._quiet or not can_ask():
            raise self._unagreed(
                plan, "Nothing was done: this changes files, and nobody is here to agree. --yes does it."
            )
        answer = await _answer("Do it? [y]es, [n]o:", ("y", "yes", *_NO))
        return answer in ("y", "yes")

    def _unagreed(self, plan: Plan, why: str) -> CallDenied:
        if self._quiet:
            print_json(Done(plan, "", ()))
        return CallDenied(why)

    async def _carried_out(self, plan: Plan) -> Done:
        change = new_change()
        ended: list[Outcome] = []
        try:
            async with aclosing(outcomes(self._library, plan, change=change, chat=self._chat)) as telling:
                async for outcome in telling:
                    ended.append(outcome)
                    if not self._quiet and not outcome.error:
                        self._tell(outcome)
        except asyncio.CancelledError:
            if plan.writes:
                say(f"Stopped in step {len(ended) + 1}. What was done is undone with: {undoing(change)}")
            raise
        done = Done(plan, change, tuple(ended))
        if not self._quiet and plan.writes and any(_changed(outcome) for outcome in ended):
            say(f"Undo it with: {undoing(change)}")
        return done

    def _tell(self, outcome: Outcome) -> None:
        if outcome.call == "link":
            for link in outcome.result:
                _tell_link(link, self._site)
            return
        for line in told(outcome):
            click.echo(without_steering(line))


class _Announced:
    """Runs that say when one begins: a small model takes seconds for a few words, and nothing else is seen then."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.cancel = runs.cancel
        self.watch = runs.watch

    async def start(self, request: RunRequest, *, principal: Principal | None = None) -> RunRecord:
        run = await self._runs.start(request, principal=principal)
        say("A model is asked; Ctrl+C stops it.")
        return run


def _show(plan: Plan) -> None:
    say("The plan:")
    for number, step in enumerate(plan.steps, 1):
        say(without_steering(f"  {number}. {sentence(step)}"))


_NO = ("n", "no", "")


async def _answer(question: str, known: Collection[str]) -> str:
    """One of the known answers, asked for until it is; the end of the input (Ctrl+D) is as if nothing was typed."""
    try:
        while (answer := (await typed_answer(question) or "").lower()) not in known:
            pass
    except asyncio.CancelledError:
        say("Nothing was done.")
        raise
    return answer


async def _chosen(error: Ambiguous) -> tuple[str, ...]:
    """Which of several files somebody says; raises CallDenied where they say none."""
    question: Question = error.question
    say(without_steering(f"Which one is '{question.name}'?"))
    for number, path in enumerate(question.candidates, 1):
        say(without_steering(f"  {number}. {path}"))
    if question.more:
        say(f"  and {question.more} more")
    numbers = {str(number): (path,) for number, path in enumerate(question.candidates, 1)}
    every = {} if question.more else {"all": question.candidates}
    asked = "Its number, or [n]one:" if question.more else "Its number, [all], or [n]one:"
    chosen = (numbers | every).get(await _answer(asked, (*numbers, *every, "none", *_NO)))
    if chosen is None:
        raise CallDenied("Nothing was done: no file was chosen.")
    return chosen


def _changed(outcome: Outcome) -> bool:
    return not outcome.error and outcome.call in _UNDONE


_UNDONE = ("create", "append", "overwrite", "copy", "delete", "undelete", "rename", "rollback", "join")
"""Calls that `jackfield files undo` takes back."""


def _tell_link(link: MadeLink, address: str) -> None:
    say(without_steering(told(Outcome("link", [link]))[0].replace(link.token, "a link")))
    click.echo(f"{address}/shared/{link.token}")


def _failure(done: Done) -> JackfieldError:
    """The error of the step that failed, and what is left to do about the others."""
    from jackfield.errors import error_from_code

    failed = done.outcomes[-1]
    number = len(done.outcomes)
    before = any(_changed(outcome) for outcome in done.outcomes)
    rest = " The steps after it were not done." if number < len(done.plan.steps) else ""
    undo = f" What was done before it is undone with: jackfield files undo {done.change}" if before else ""
    return error_from_code(failed.code, f"Step {number} ({failed.call}) failed: {failed.error}{rest}{undo}")
