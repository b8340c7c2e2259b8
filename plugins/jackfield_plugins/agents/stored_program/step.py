"""The control unit at one instruction: act, check, tell what is wrong, and begin afresh where there is no room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from jackfield.contracts.agents import AgentHost, Turn
from jackfield.errors import LimitReached, LoopDetected
from jackfield.messages import Message, Span
from jackfield.tools.provenance import tainted_spans
from jackfield_plugins.agents.conversation import continued, instructed
from jackfield_plugins.agents.stored_program.actions import (
    CutAction,
    ReadAction,
    WriteAction,
    actions_constraint,
    read_actions,
)
from jackfield_plugins.agents.stored_program.checks import RUNNER, faults_of, shortened, tested
from jackfield_plugins.agents.stored_program.file_store import FileStore
from jackfield_plugins.agents.stored_program.instructions import Instruction, Registry
from jackfield_plugins.agents.stored_program.prompts import (
    NOT_DONE,
    SUMMARISE,
    WRITE_AGAIN,
    acting_instructions,
    file_spans,
    step_spans,
)

ROOM = 700
"""Tokens that must be free for an answer."""
MOST_TURNS = 30
"""Answers and fresh starts of one step."""
SAME_TOO_OFTEN = 4
"""So often may a step's model write the same while its checks fail."""
LONGEST_ANSWER = 2048
"""Tokens; a small model that repeats itself would otherwise do so up to the end of its context."""
LONGEST_SUMMARY = 256


class Step:
    """One instruction, until its checks pass."""

    def __init__(
        self, number: int, program: Registry, *, task: Sequence[Message], store: FileStore, host: AgentHost, tests: bool
    ) -> None:
        """With `tests`, those among its files are run."""
        self._number = number
        self._program = program
        self._instruction: Instruction = program.steps[number - 1]
        self._task = task
        self._store = store
        self._host = host
        self._tests = self._instruction.tests if tests else ()
        self._causes: dict[Span, None] = {}
        self._written: list[str] = []
        self._begin(self._operands(), Span("", "assistant"))

    async def done(self) -> None:
        """Work until the checks pass; raises LimitReached or LoopDetected where they will not."""
        faults: list[Span] = []
        for _ in range(MOST_TURNS):
            messages = [*self._head, *self._turns]
            self._causes.update(dict.fromkeys(tainted_spans(messages)))
            room = await self._host.context_length() - await self._host.count_tokens(messages)
            if room < ROOM and (self._turns or self._shown):
                await self._begin_afresh()
                continue
            turn = await self._answer(messages, room)
            read, faults = await self._acted(turn)
            if not read and not faults:
                return
            self._check_loop(turn)
            self._turns += [*turn.messages, Message(role="user", spans=(*read, *_told(faults)))]
        why = " ".join(fault.text for fault in faults) or "The context overflowed again and again."
        raise LimitReached(f"Step {self._number} did not pass its checks in {MOST_TURNS} turns. {why}")

    def _begin(self, shown: Sequence[str], summary: Span) -> None:
        """A fresh context: the task, the step, what is there by name, the last summary, and these files in full."""
        self._shown = list(shown)
        self._turns: list[Message] = []
        self._answers: Counter[str] = Counter()
        files, steps = self._store.files, len(self._program.steps)
        spans = step_spans(self._number, steps, self._instruction, files, shown=shown, summary=summary)
        acting = acting_instructions(self._instruction, reads=self._readable() != [])
        self._head = continued(instructed(self._task, acting), spans)

    def _operands(self) -> list[str]:
        """The files that the model will need to see: those that the instruction speaks of, and those it changes."""
        step = self._instruction
        return [path for path in self._store.files if path in step.files or path in step.instruction]

    def _readable(self) -> list[str] | None:
        """The files that can be asked for; None for any."""
        return None if self._store.reads_folder else [path for path in self._store.files if path not in self._shown]

    async def _answer(self, messages: Sequence[Message], room: int) -> Turn:
        """An answer in actions: at first on the step's own files, and once something is wrong with them on any."""
        may_end = all(path in self._store.files for path in self._instruction.files)
        writes = self._program.files if self._turns else self._instruction.files
        constraint = actions_constraint(writes=writes, reads=self._readable(), may_end=may_end)
        longest = max(1, min(LONGEST_ANSWER, room))
        return await self._host.answer(messages, tools=(), constraint=constraint, max_tokens=longest, shown=False)

    async def _acted(self, turn: Turn) -> tuple[list[Span], list[Span]]:
        """Do what an answer says: what was read, and where nothing was, what is wrong with the step as it stands."""
        read: list[Span] = []
        faults: list[Span] = []
        for action in read_actions(turn.text):
            match action:
                case WriteAction():
                    faults += await self._write(action)
                case ReadAction():
                    read += file_spans(action.path, await self._store.read(action.path, caused_by=tuple(self._causes)))
                    self._shown.append(action.path)
                case CutAction():
                    faults.append(self._own(f"{action.path} was cut off and is not written: make it shorter."))
        return read, faults or ([] if read else await self._failed_checks())

    async def _write(self, action: WriteAction) -> list[Span]:
        self._written.append(action.path)
        fault = await self._store.write(action.path, action.content, caused_by=tuple(self._causes))
        return [fault] if fault else []

    async def _failed_checks(self) -> list[Span]:
        paths = (*self._instruction.files, *self._written)
        faults = [self._own(fault) for fault in faults_of(self._store.files, paths)]
        return faults or [fault for test in self._tests for fault in await self._failed_test(test)]

    async def _failed_test(self, test: str) -> list[Span]:
        """What a test says of the files; nothing where it passes.

        The program sees nothing but the run's files, so what it prints is no more tainted than they are.
        """
        causes = (*self._causes, *self._store.causes())
        code = tested(self._store.files, test)
        result = await self._host.call(RUNNER, {"code": code}, caused_by=tuple(dict.fromkeys(causes)))
        if not result.error:
            return []
        return [Span(f"The test {test} fails.\n{shortened(result.text)}", result.provenance if causes else "assistant")]

    def _own(self, text: str) -> Span:
        """A sentence that quotes what the model wrote."""
        return Span(text, "file" if self._causes else "assistant")

    def _check_loop(self, turn: Turn) -> None:
        self._answers[turn.text] += 1
        if self._answers[turn.text] >= SAME_TOO_OFTEN:
            raise LoopDetected(
                f"Step {self._number} was stopped: its model gave the same answer {SAME_TOO_OFTEN} times, and the "
                "step's checks did not pass."
            )

    async def _begin_afresh(self) -> None:
        """Have what there is summarised and forget the rest; files that left no room are not shown again."""
        shown = self._operands() if self._turns else []
        summary = await self._summary() if self._turns else ""
        await self._host.note(f"Step {self._number} begins afresh: its context is full.")
        self._begin(shown, self._own(summary))

    async def _summary(self) -> str:
        """What the model makes of the step, the oldest turns dropped until there is room for it; nothing without."""
        context, turns = await self._host.context_length(), list(self._turns)
        while turns:
            messages = continued([*self._head, *turns], [Span(SUMMARISE, "system")])
            if await self._host.count_tokens(messages) <= context - ROOM:
                turn = await self._host.answer(messages, tools=(), max_tokens=LONGEST_SUMMARY, shown=False)
                return turn.text.strip()
            del turns[:2]
        return ""


def _told(faults: Sequence[Span]) -> list[Span]:
    """What is wrong, as the model is told."""
    if not faults:
        return []
    lines = [span for fault in faults for span in (fault, Span("\n", "system"))]
    return [Span(NOT_DONE, "system"), *lines, Span(WRITE_AGAIN, "system")]
