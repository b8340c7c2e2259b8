"""AsyncLM's markers (asynchronous function calling): results reach the model while it writes.

A call is `[CALL] id [HEAD] name {json arguments} [END]`, a result `[INTR] id [HEAD] value [END]`. The paper has code
between the markers; here it is the JSON that all protocols have: arguments fit the same schemas and stream to tools in
parts, and nothing that a model writes is executed to find out what it calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.contracts.protocols import CallRecogniser, Presentation
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.messages import Call, Message, Span
from jackfield_plugins.function_calls.conversation import (
    compact,
    results_as_users_turns,
    with_instructions,
    with_written_calls,
)
from jackfield_plugins.function_calls.interrupts_recogniser import (
    CALL,
    END,
    HEAD,
    INTERRUPT,
    TRAP,
    InterruptsRecogniser,
)
from jackfield_plugins.function_calls.native import check_choice

INSTRUCTIONS = """\
# Functions

You can call these functions, one JSON object a line:
{tools}

To call one, write on a line of its own: [CALL] id [HEAD] name {{"parameter": value}} [END]
The id is a short name that you give the call. {several}The call runs while you go on writing, and its result is put \
into your text as: [INTR] id [HEAD] result [END]
Never write [INTR] yourself. When you need a result before you can go on, write: [TRAP][END]
Call a function only when it helps to answer; otherwise answer in plain words.

Example:
user: Is it warmer in Oslo or in Rome?
assistant: [CALL] oslo [HEAD] temperature {{"city": "Oslo"}} [END]
[CALL] rome [HEAD] temperature {{"city": "Rome"}} [END]
[TRAP][END]
[INTR] rome [HEAD] 21 [END]
[INTR] oslo [HEAD] 9 [END]
It is warmer in Rome."""

LONGEST_FIRST = '\nWrite independent calls in the order of their "seconds", the longest first.'
ONE_CALL = "Make at most one call. "
MUST_CALL = "\nYou must call {which} now."


class InterruptsProtocol:
    """Small models that were not tuned for the markers do better with the other protocols."""

    name = "interrupts"
    markers: tuple[str, ...] = (CALL, HEAD, END, TRAP, INTERRUPT)
    """To be found whatever their case and with white space within their brackets."""
    injects = True

    def presentation(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolDescription],
        *,
        choice: ToolChoice,
        several: bool,
        mode: CallMode,
        template_shows_tools: bool,
    ) -> Presentation:
        """Tools and markers in a system message; all modes wait at a trap, sync after every call."""
        read = tuple(results_as_users_turns(_worded(messages), "", ""))
        if choice.mode == "none" or not tools:
            return Presentation(messages=read)
        check_choice(tools, choice)
        return Presentation(
            messages=with_instructions(read, _instructions(tools, choice, several=several, mode=mode)),
            reply_starts=_reply_starts(tools, choice),
            blocks=((CALL, END),),
            parks_at=(END,) if mode == "sync" else (TRAP + END,),
        )

    def recogniser(self, tools: Sequence[ToolDescription], *, choice: ToolChoice) -> CallRecogniser:
        """One that knows where a forced answer began."""
        if choice.mode == "none":
            return InterruptsRecogniser(())
        return InterruptsRecogniser(tools, begins=_reply_starts(tools, choice))

    def result(self, call: Call, result: ToolResult) -> Message:
        """The interrupt, under the name that the model gave the call."""
        text = f"error: {result.text}" if result.error else result.text
        return Message(
            role="tool", spans=_interrupt(call.identifier, (Span(text, result.provenance),)), answers=call.identifier
        )


def own_identifier(identifier: str) -> str:
    """What the model called a call: what stands behind `call_` and the part that makes it unique."""
    return identifier.split("_", 2)[-1]


def _interrupt(identifier: str, value: tuple[Span, ...]) -> tuple[Span, ...]:
    opening = f"\n{INTERRUPT} {own_identifier(identifier)} {HEAD} "
    return (Span(opening, "system"), *value, Span(f" {END}\n", "system"))


def _worded(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Calls and results between markers, whoever put them on record."""

    def worded(message: Message) -> Message:
        is_interrupt = message.spans and message.spans[0].provenance == "system"
        if message.role != "tool" or is_interrupt:
            return message
        return msgspec.structs.replace(message, spans=_interrupt(message.answers or "", message.spans))

    return tuple(worded(message) for message in with_written_calls(messages, _written_calls))


def _written_calls(calls: Sequence[Call]) -> str:
    return "\n".join(
        f"{CALL} {own_identifier(call.identifier)} {HEAD} {call.tool} {compact(call.arguments)} {END}" for call in calls
    )


def _instructions(tools: Sequence[ToolDescription], choice: ToolChoice, *, several: bool, mode: CallMode) -> str:
    text = INSTRUCTIONS.format(tools="\n".join(_listed(tool) for tool in tools), several="" if several else ONE_CALL)
    if several and mode != "sync" and any(tool.estimate for tool in tools):
        text += LONGEST_FIRST
    if choice.name or choice.mode == "required":
        text += MUST_CALL.format(which=choice.name or "at least one function")
    return text


def _listed(tool: ToolDescription) -> str:
    shown = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return compact(shown | {"seconds": round(tool.estimate, 2)} if tool.estimate else shown)


def _reply_starts(tools: Sequence[ToolDescription], choice: ToolChoice) -> str:
    """What an answer must begin with, where it must call."""
    if not tools or (choice.mode != "required" and choice.name is None):
        return ""
    return f"{CALL} 1 {HEAD} {choice.name} " if choice.name else f"{CALL} 1 {HEAD}"
