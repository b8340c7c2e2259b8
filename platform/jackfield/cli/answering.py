"""Showing one answer as it is written: to a terminal, a pipe, or as one JSON object."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import click
import msgspec

from jackfield.cli.output import say
from jackfield.contracts.runs import RunRequest
from jackfield.errors import JackfieldError, error_from_code
from jackfield.events import Cancelled, Failed, Finished, FinishReason, Started, TextDelta, Usage
from jackfield.workbench import Workbench


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, as `--json` prints it."""

    run_id: str
    model: str
    answer: str
    finish_reason: FinishReason | None
    usage: Usage | None


async def shown_answer(workbench: Workbench, request: RunRequest, *, quiet: bool = False) -> Answer:
    """Run a request, write its text to stdout as it comes unless `quiet`, and give the whole.

    Ctrl+C cancels the run and gives what was written until then, without a finish reason.
    Raises the error that ended the run.
    """
    run = await workbench.start(request)
    following = asyncio.create_task(_followed(workbench, run.id, quiet=quiet))
    try:
        return await asyncio.shield(following)
    except asyncio.CancelledError:
        await workbench.cancel(run.id)
        return await following


async def _followed(workbench: Workbench, run_id: str, *, quiet: bool) -> Answer:
    parts: list[str] = []
    model = ""
    async with aclosing(workbench.watch(run_id)) as events:
        async for event in events:
            match event.body:
                case Started():
                    model = event.body.model
                case TextDelta(text=text):
                    parts.append(text)
                    if not quiet:
                        click.echo(text, nl=False)
                case Finished(reason=reason, usage=usage):
                    _end_line(parts, quiet)
                    return Answer(run_id=run_id, model=model, answer="".join(parts), finish_reason=reason, usage=usage)
                case Cancelled(usage=stopped_at):
                    _end_line(parts, quiet)
                    return Answer(
                        run_id=run_id,
                        model=model,
                        answer="".join(parts),
                        finish_reason=None,
                        usage=stopped_at,
                    )
                case Failed(code=code, message=message):
                    _end_line(parts, quiet)
                    raise error_from_code(code, message)
    raise JackfieldError(f"Run {run_id} ended without a last event; `jackfield doctor` may tell why.")


def remark_on_end(answer: Answer) -> None:
    """Say so when an answer was stopped, or cut by the token limit or the end of the context."""
    if answer.finish_reason is None:
        say("(stopped)")
    if answer.finish_reason == "length" and answer.usage:
        say(f"(cut after {answer.usage.completion_tokens} tokens: the limit of --max-tokens or of the context)")


def _end_line(parts: list[str], quiet: bool) -> None:
    if parts and not quiet and not parts[-1].endswith("\n"):
        click.echo()
