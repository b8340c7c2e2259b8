"""Showing a run as it goes on: to a terminal, a pipe, or as one JSON object."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import click
import msgspec

from jackfield.cli.approval_question import Decision, asked_decision
from jackfield.cli.call_lines import called
from jackfield.cli.file_options import show_sources
from jackfield.cli.output import print_json, say
from jackfield.cli.run_account import EndedCall, RunAccount
from jackfield.cli.run_display import RunDisplay
from jackfield.cli.terminal_question import can_ask
from jackfield.contracts.runs import RunRequest
from jackfield.contracts.tools import Permission
from jackfield.errors import CallDenied, JackfieldError, RunInterrupted
from jackfield.events import FinishReason, Paused, PendingCall, RunEvent, SourcesFound, Usage
from jackfield.runs.agent_work import calls_tools
from jackfield.runs.citations import cited_numbers
from jackfield.workbench import Workbench


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole answer, as `--json` prints it; where calls are `waiting`, what there is of it so far.

    `found` are the sources that it was given, where some were looked for, and `cited` the numbers of those it cites.
    """

    run_id: str
    model: str
    answer: str
    finish_reason: FinishReason | None
    usage: Usage | None
    calls: tuple[EndedCall, ...] = ()
    notes: tuple[str, ...] = ()
    waiting: tuple[PendingCall, ...] = ()
    found: SourcesFound | None = None
    cited: tuple[int, ...] = ()


async def shown_answer(workbench: Workbench, request: RunRequest, *, quiet: bool = False) -> Answer:
    """Run a request, write its text to stdout as it comes unless `quiet`, and give the whole.

    Ctrl+C cancels the run and gives what was written until then, without a finish reason. Calls that need approval
    are asked about where somebody can be. Raises the error that ended the run.
    """
    run = await workbench.start(request)
    return await ShownRun(workbench, run.id, quiet=quiet, in_steps=calls_tools(request)).answer()


class ShownRun:
    """One run that executes in this process, shown here."""

    def __init__(self, workbench: Workbench, run_id: str, *, quiet: bool = False, in_steps: bool = True) -> None:
        self._workbench = workbench
        self._run_id = run_id
        self._in_steps = in_steps
        self._account = RunAccount()
        self._display = RunDisplay(self._account, quiet=quiet, in_steps=in_steps)
        self._always: set[Permission] = set()

    def recall(self, history: tuple[RunEvent, ...]) -> None:
        """Take what is on record of a run that goes on from there; its text is shown with what follows."""
        self._display.recall(history)

    async def decide(self, *, approved: bool, call: str | None = None, reason: str = "") -> None:
        """Approve or deny a call that waits, or all of them; raises Conflict where none does."""
        await self._workbench.decide(self._run_id, approved=approved, call=call, reason=reason)
        for decided in [call] if call else list(self._account.waiting):
            self._account.waiting.pop(decided, None)

    async def answer(self) -> Answer:
        """What came of it, once it has ended or waits for somebody who cannot be asked here."""
        try:
            await self._followed()
        except asyncio.CancelledError:
            await self._workbench.cancel(self._run_id)
            while not (await self._shown_until_pause()).final:
                continue
        finally:
            self._display.end()
        if self._account.error:
            if self._in_steps:
                say(f"`jackfield runs show {self._run_id}` tells how far it came.")
            raise self._account.error
        return self._so_far()

    async def _followed(self) -> None:
        while await self._decided():
            if (await self._shown_until_pause()).final:
                return

    async def _shown_until_pause(self) -> RunEvent:
        async with aclosing(self._workbench.watch(self._run_id, after=self._account.number)) as events:
            async for event in events:
                self._display.show(event)
                if event.final:
                    return event
                if isinstance(event.body, Paused):
                    _check_pause(event.body, self._run_id)
                    return event
        raise JackfieldError(f"Run {self._run_id} ended without a last event; `jackfield doctor` may tell why.")

    async def _decided(self) -> bool:
        """Whether all that waits was decided on, so that the run goes on."""
        for pending in tuple(self._account.waiting.values()):
            decision = await self._decision(pending)
            if decision is None:
                return False
            await self.decide(approved=decision.approved, call=pending.call.identifier, reason=decision.reason)
        return True

    async def _decision(self, pending: PendingCall) -> Decision | None:
        if not can_ask():
            return None
        permission = await self._permission(pending.call.tool)
        if permission in self._always and not pending.guarded:
            return Decision(approved=True)
        self._display.end()
        decision = await asked_decision(pending, permission)
        if decision and decision.always and permission:
            self._always.add(permission)
        return decision

    async def _permission(self, tool: str) -> Permission | None:
        """What calls of a tool need; None where it is not there any more."""
        try:
            return (await self._workbench.tool_catalog.chosen([tool]))[tool].description.permission
        except JackfieldError:
            return None

    def _so_far(self) -> Answer:
        account = self._account
        return Answer(
            run_id=self._run_id,
            model=account.model,
            answer=account.text,
            finish_reason=account.reason,
            usage=account.usage,
            calls=tuple(account.calls),
            notes=tuple(account.notes),
            waiting=tuple(account.waiting.values()),
            found=account.found,
            cited=tuple(sorted(cited_numbers(account.text, account.found.sources))) if account.found else (),
        )


def conclude(answer: Answer, *, as_json: bool) -> None:
    """Print what is still to be printed of an answer; raises CallDenied where it waits, Abort where it was stopped."""
    if as_json:
        print_json(answer)
    elif not answer.waiting:
        remark_on_end(answer)
    if answer.waiting:
        raise unasked(answer)
    if answer.finish_reason is None:
        raise click.Abort


def remark_on_end(answer: Answer) -> None:
    """Say so when an answer was stopped, or cut by the token limit or the end of the context; then its sources."""
    if answer.finish_reason is None:
        say("(stopped)")
    if answer.finish_reason == "length" and answer.usage:
        say(f"(cut after {answer.usage.completion_tokens} tokens: the limit of --max-tokens or of the context)")
    if answer.found:
        show_sources(answer.found, answer.answer)


def unasked(answer: Answer) -> CallDenied:
    """That a run waits for approval, which calls, why, and how it goes on."""
    calls = "".join(f"\n  {called(pending.call)}\n    {pending.reason}" for pending in answer.waiting)
    which = "a call" if len(answer.waiting) == 1 else f"{len(answer.waiting)} calls"
    permit = "" if any(pending.guarded for pending in answer.waiting) else " --yes permits such calls from the start."
    return CallDenied(
        f"Run {answer.run_id} waits for approval of {which}:{calls}\n"
        f"`jackfield runs approve {answer.run_id}` goes on with it, `jackfield runs deny {answer.run_id}` does so "
        f"without the call{'' if len(answer.waiting) == 1 else 's'}.{permit}"
    )


def _check_pause(paused: Paused, run_id: str) -> None:
    if paused.reason == "interrupted":
        raise RunInterrupted(f"Run {run_id} was interrupted; `jackfield runs resume {run_id}` goes on with it.")
