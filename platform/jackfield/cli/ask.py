"""`jackfield ask`: one question, one answer, no server."""

from __future__ import annotations

import asyncio

import click
import msgspec

from jackfield.cli.answering import Answer, conclude, shown_answer
from jackfield.cli.constraint_options import constraint_options
from jackfield.cli.file_options import file_options
from jackfield.cli.memory_options import MemoryFlags, memory_options, tell_remembered, with_memory
from jackfield.cli.prompt_input import asked_messages, piped_text
from jackfield.cli.sampling_options import sampling_options
from jackfield.cli.session import Session, pass_session
from jackfield.cli.tool_options import ToolFlags, chosen_tools, require_tools, tool_options
from jackfield.contracts.runs import FileUse, RunRequest
from jackfield.contracts.sampling import Constraint, SamplingOverrides

EXAMPLE = 'jackfield ask "Why is the sky blue?"'


@click.command("ask")
@click.argument("question", nargs=-1)
@click.option("-m", "--model", default="", metavar="NAME", help="The model to ask; the default model otherwise.")
@click.option("--adapter", metavar="NAME", help="A LoRA adapter for the model to answer with.")
@click.option("-s", "--system", default="", metavar="TEXT", help="Instructions that come before the question.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="The longest answer, in tokens.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the answer is whole.")
@file_options
@memory_options
@tool_options
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
    flags: ToolFlags,
    files: FileUse | None,
    memory: MemoryFlags,
    constraint: Constraint | None,
    sampling: SamplingOverrides,
) -> None:
    """Ask a model one question.

    What is piped in is read as context:  git diff | jackfield ask "Write a commit message."

    With --tool it may call tools; where a call needs permission and nobody can be asked, the run waits, and the exit
    code is 3.

    With --files it is given what your files say of the question, and tells below the answer where that stands.
    """
    require_tools(flags)
    request = RunRequest(
        model=model,
        messages=asked_messages(" ".join(question), piped_text(), system, example=EXAMPLE),
        sampling=sampling,
        max_tokens=max_tokens,
        constraint=constraint,
        files=files,
        adapter=adapter,
        client="terminal",
    )
    conclude(asyncio.run(_answer(session, request, flags, memory, quiet=as_json)), as_json=as_json)


async def _answer(
    session: Session, request: RunRequest, flags: ToolFlags, memory: MemoryFlags, *, quiet: bool
) -> Answer:
    from jackfield.wiring import open_workbench

    async with open_workbench(session.settings, session.plugins) as workbench:
        if flags.names:
            request = msgspec.structs.replace(request, tools=await chosen_tools(workbench, flags))
        request = await with_memory(workbench, request, memory)
        answer = await shown_answer(workbench, request, quiet=quiet)
        if request.memory:
            await workbench.taker.close()
            tell_remembered(workbench)
        return answer
