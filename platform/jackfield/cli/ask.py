"""`jackfield ask`: one question, one answer, no server."""

from __future__ import annotations

import asyncio
import sys

import click

from jackfield.cli.answering import Answer, remark_on_end, shown_answer
from jackfield.cli.constraint_options import constraint_options
from jackfield.cli.output import print_json
from jackfield.cli.sampling_options import sampling_options
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Constraint, SamplingOverrides
from jackfield.errors import InvalidRequest
from jackfield.messages import Message, Span


@click.command("ask")
@click.argument("question", nargs=-1)
@click.option("-m", "--model", default="", metavar="NAME", help="The model to ask; the default model otherwise.")
@click.option("--adapter", metavar="NAME", help="A LoRA adapter for the model to answer with.")
@click.option("-s", "--system", default="", metavar="TEXT", help="Instructions that come before the question.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="The longest answer, in tokens.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the answer is whole.")
@constraint_options
@sampling_options
@pass_session
def command(
    session: Session,
    question: tuple[str, ...],
    model: str,
    adapter: str | None,
    system: str,
    max_tokens: int | None,
    as_json: bool,
    constraint: Constraint | None,
    sampling: SamplingOverrides,
) -> None:
    """Ask a model one question.

    What is piped in is read as context:  git diff | jackfield ask "Write a commit message."
    """
    request = RunRequest(
        model=model,
        messages=_messages(" ".join(question), _piped_text(), system),
        sampling=sampling,
        max_tokens=max_tokens,
        constraint=constraint,
        adapter=adapter,
        client="terminal",
    )
    answer = asyncio.run(_answer(session, request, quiet=as_json))
    if as_json:
        print_json(answer)
    else:
        remark_on_end(answer)
    if answer.finish_reason is None:
        raise click.Abort


async def _answer(session: Session, request: RunRequest, *, quiet: bool) -> Answer:
    from jackfield.wiring import open_workbench

    async with open_workbench(session.settings, session.plugins) as workbench:
        return await shown_answer(workbench, request, quiet=quiet)


def _messages(question: str, piped: str, system: str) -> tuple[Message, ...]:
    if not question.strip() and not piped.strip():
        raise InvalidRequest('There is nothing to ask; try: jackfield ask "Why is the sky blue?"')
    spans = [Span(piped.rstrip() + ("\n\n" if question else ""), "file")] if piped.strip() else []
    if question:
        spans.append(Span(question, "user"))
    instructions = [Message.of("system", system)] if system else []
    return (*instructions, Message(role="user", spans=tuple(spans)))


def _piped_text() -> str:
    """All of stdin when it is not a terminal; raises InvalidRequest where it is not UTF-8."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"What is piped in is not UTF-8 text (byte {error.start} is 0x{data[error.start]:02x}); convert it first."
        ) from error
