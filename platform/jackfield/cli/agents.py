"""`jackfield agents`: what works in steps, with tools."""

from __future__ import annotations

import asyncio
import difflib
import sys
from typing import TYPE_CHECKING

import click

from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.prompt_input import asked_messages, piped_text
from jackfield.cli.sampling_options import sampling_options
from jackfield.cli.session import Session, pass_session
from jackfield.cli.tool_options import ToolFlags, tool_options
from jackfield.contracts.runs import RunLimits, RunRequest
from jackfield.contracts.sampling import SamplingOverrides
from jackfield.errors import NotFound

if TYPE_CHECKING:
    from jackfield.cli.answering import Answer

DEFAULT = "tool-loop"
COLUMNS = ("NAME", "PLUGIN", "SUMMARY")
EXAMPLE = 'jackfield agents run tool-loop -t calculator "What is 17 * 23?"'


@click.group("agents")
def group() -> None:
    """List agents, and let one work on a task."""


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the agents as JSON.")
@pass_session
def list_agents(session: Session, as_json: bool) -> None:
    """List the agents that can be run."""
    shelf = session.plugins.registry.agents
    rows = [(name, shelf.owner(name), shelf.summary(name)) for name in shelf.names()]
    if as_json:
        print_json([{"name": name, "plugin": plugin, "summary": summary} for name, plugin, summary in rows])
    else:
        print_table(COLUMNS, rows)


@group.command("run")
@click.argument("words", nargs=-1, metavar="[NAME] TASK")
@click.option("-m", "--model", default="", metavar="NAME", help="The model to work with; the default otherwise.")
@tool_options
@click.option("--max-steps", type=click.IntRange(min=1), help="The most answers of a model; 32 otherwise.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="The most tokens that it writes in all.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="The longest time.")
@click.option("--max-spend", type=click.FloatRange(min=0), help="The most money, by the prices in the settings.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the run has ended.")
@sampling_options
@pass_session
def run_agent(
    session: Session,
    words: tuple[str, ...],
    model: str,
    flags: ToolFlags,
    max_steps: int | None,
    max_tokens: int | None,
    max_seconds: float | None,
    max_spend: float | None,
    as_json: bool,
    sampling: SamplingOverrides,
) -> None:
    """Let an agent work on a task.

    NAME is one of `jackfield agents list`; tool-loop where it is left out. What is piped in is read as context. Calls
    that need permission are asked about; where nobody can be, the run waits, and the exit code is 3.
    """
    from jackfield.cli.answering import conclude

    agent, task = _agent_and_task(words, session.plugins.registry.agents.names())
    limits = RunLimits(steps=max_steps or RunLimits().steps, tokens=max_tokens, seconds=max_seconds, spend=max_spend)
    request = RunRequest(
        model=model,
        messages=asked_messages(task, piped_text(), example=EXAMPLE),
        sampling=sampling,
        client="terminal",
        agent=agent,
        limits=limits,
    )
    answer = asyncio.run(_answer(session, request, flags, quiet=as_json))
    if sys.stderr.isatty() and answer.finish_reason:
        say(click.style(f"({_summary(answer)})", dim=True))
    conclude(answer, as_json=as_json)


def _summary(answer: Answer) -> str:
    """What a run took, and where to look it up."""
    from jackfield.cli.call_lines import count

    read = answer.usage.prompt_tokens if answer.usage else 0
    written = answer.usage.completion_tokens if answer.usage else 0
    return f"{count(len(answer.calls), 'call')}, {read:,} tokens read, {written:,} written; {answer.run_id}"


async def _answer(session: Session, request: RunRequest, flags: ToolFlags, *, quiet: bool) -> Answer:
    import msgspec

    from jackfield.cli.answering import shown_answer
    from jackfield.cli.tool_options import chosen_tools
    from jackfield.wiring import open_workbench

    async with open_workbench(session.settings, session.plugins) as workbench:
        use = await chosen_tools(workbench, flags)
        return await shown_answer(workbench, msgspec.structs.replace(request, tools=use), quiet=quiet)


def _agent_and_task(words: tuple[str, ...], agents: tuple[str, ...]) -> tuple[str, str]:
    """The first of several words names the agent; a single one is the task, unless it is an agent's name."""
    first = words[0] if words else ""
    if first in agents:
        return first, " ".join(words[1:])
    near = difflib.get_close_matches(first, agents, n=1)
    if len(words) > 1 or (near and " " not in first):
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(agents) or 'none'}."
        quoting = " A task of several words is written in quotes." if not near else ""
        raise NotFound(f"There is no agent '{first}'; {hint}{quoting}")
    return DEFAULT, first
