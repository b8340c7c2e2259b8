"""Writes a program of instructions, carries them out one by one over a store of files, and says what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jackfield.contracts.agents import AgentHost
from jackfield.errors import LimitReached
from jackfield.events import FinishReason
from jackfield.messages import Message, Span
from jackfield_plugins.agents.conversation import instructed
from jackfield_plugins.agents.stored_program.checks import RUNNER
from jackfield_plugins.agents.stored_program.file_store import FileStore
from jackfield_plugins.agents.stored_program.instructions import (
    Registry,
    listed,
    read_registry,
    registry_constraint,
)
from jackfield_plugins.agents.stored_program.prompts import planning_instructions
from jackfield_plugins.agents.stored_program.step import Step

LONGEST_PLAN = 1536
"""Tokens."""
PLANS = 2
"""A program that cannot be read is asked for once more."""
AGAIN = "These steps cannot be read. {reason} Write them all once more, fewer and shorter."


class StoredProgram:
    """L2MAC: what it keeps between steps are files and names, so that no task outgrows the model's context."""

    name = "stored-program"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        """Plan, then write and check step by step; files that have no folder to go to are told in the answer."""
        may_call = host.choice.mode != "none"
        program = await _program(task, host)
        store = FileStore(host, calls=may_call)
        tests = may_call and RUNNER in host.tools
        for number, step in enumerate(program.steps, 1):
            place = f"Step {number} of {len(program.steps)}"
            await host.note(f"{place}: {step.instruction} ({listed(step.files)})")
            await Step(number, program, task=task, store=store, host=host, tests=tests).done()
            await host.note(f"{place} is done.")
        await host.say("\n".join(_report(program, store)))
        return "stop"


async def _program(task: Sequence[Message], host: AgentHost) -> Registry:
    """The planner's instructions; raises LimitReached where it writes none that can be read."""
    messages, reason = instructed(task, planning_instructions()), ""
    constraint = registry_constraint()
    for _ in range(PLANS):
        turn = await host.answer(messages, tools=(), constraint=constraint, max_tokens=LONGEST_PLAN, shown=False)
        try:
            return read_registry(turn.text)
        except ValueError as error:
            reason = (
                f"They were not at their end after {LONGEST_PLAN} tokens." if turn.reason == "length" else f"{error}."
            )
        again = Span(AGAIN.format(reason=reason), "system")
        messages = [*messages, *turn.messages, Message(role="user", spans=(again,))]
    raise LimitReached(f"The model wrote no steps that could be carried out, in {PLANS} tries. {reason}")


def _report(program: Registry, store: FileStore) -> Iterator[str]:
    """What was done; with the files themselves where they are nowhere else."""
    steps = f"{len(program.steps)} step{'s' if len(program.steps) > 1 else ''}"
    yield f"Wrote {len(store.files)} file{'s' if len(store.files) > 1 else ''} in {steps}:"
    for path, file in store.files.items():
        yield f"- {path} ({len(file.content.splitlines())} lines)"
    for path, file in store.files.items() if not store.writes_through else ():
        yield f"\nFILE {path}\n```\n{file.content}```"
