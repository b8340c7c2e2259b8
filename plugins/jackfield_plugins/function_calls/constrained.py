"""Calls that cannot be broken: an answer is free text, or valid calls of known tools with arguments that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

import msgspec

from jackfield.contracts.protocols import CallRecogniser, Presentation
from jackfield.contracts.sampling import CallForm, CallShape, Constraint, ToolShape
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.messages import Call, Message
from jackfield_plugins.function_calls.conversation import (
    compact,
    results_as_users_turns,
    tool_turn,
    with_instructions,
    with_written_calls,
)
from jackfield_plugins.function_calls.native import MARKERS, check_choice
from jackfield_plugins.function_calls.native_recogniser import (
    SHAPED_LANGUAGES,
    TOOL_CALL,
    TOOL_CALL_END,
    NativeRecogniser,
)

Commitment = Literal["key", "name"]

NAME_KEY = "function"
"""Everyday JSON begins with a "name" more often than calls do, and seldom with a "function"."""

INSTRUCTIONS = """\
You can call these functions, one a line:
{tools}

If they can do what the user asks for, answer with a JSON list of calls and nothing else{several}:
{example}
If none of the functions does what the user asks for, answer in plain words.
What needs a result that is not there yet is called later. Once the results are there, tell the user in plain words \
what they say."""

ONE = """. For example, asked to double 3 with a function "double", answer"""
SEVERAL = """, with one call for each thing that is asked for. For example, asked to double 3 and 8 with a function \
"double", answer"""

READ = "\nThese are the results. Answer from them in plain words, or call what is still missing."
"""Behind results: small models else make the calls of their last turn over and over."""


def _forms() -> Iterator[CallForm]:
    """What is asked for, alone and within a fence, and what models write in spite of that."""
    fences = tuple(f"```{language}" for language in SHAPED_LANGUAGES)
    commitments: tuple[tuple[str, Commitment], ...] = ((NAME_KEY, "key"), ("name", "name"))
    for key, commits in commitments:
        form = partial(CallForm, name_key=key, commits=commits)
        yield form(opens="[", separators=(",",), closes="]")
        yield form(opens="", separators=("", ",", ";"), closes="")
        for fence in fences:
            yield form(opens=f"{fence} [", separators=(",",), closes="] ```")
            yield form(opens=fence, separators=("", ",", f"``` {fence}"), closes="```")
    between = (f"{TOOL_CALL_END} {TOOL_CALL}",)
    yield CallForm(opens=TOOL_CALL, separators=between, closes=TOOL_CALL_END, commits="opening", place="anywhere")


FORMS = tuple(_forms())


class ConstrainedProtocol:
    """What `native` shows, and of what it recognises all that can be held to the tools' names and schemas."""

    name = "constrained"
    markers: tuple[str, ...] = MARKERS
    injects = False

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
        """Tools in a system message, since small models heed one form in plain words better than their template's."""
        written = tuple(with_written_calls(messages, written_calls))
        may_call = choice.mode != "none" and bool(tools)
        remark = READ if may_call else ""
        read = tuple(results_as_users_turns(written, "<tool_response>\n", "\n</tool_response>", remark=remark))
        if not may_call:
            return Presentation(messages=read)
        check_choice(tools, choice)
        return Presentation(
            messages=with_instructions(read, instructions(tools, several=several)),
            constraint=_constraint(tools, choice, several=several),
        )

    def recogniser(self, tools: Sequence[ToolDescription], *, choice: ToolChoice) -> CallRecogniser:
        """One that takes for calls only what was held to the shape."""
        return NativeRecogniser(() if choice.mode == "none" else tools, only_shaped=True)

    def result(self, call: Call, result: ToolResult) -> Message:
        """A turn of the tool's."""
        return tool_turn(call, result)


def written_calls(calls: Sequence[Call]) -> str:
    """Calls as a list."""
    return compact([{NAME_KEY: call.tool, "arguments": call.arguments} for call in calls])


def instructions(tools: Sequence[ToolDescription], *, several: bool) -> str:
    """What a system message says of tools."""
    listed = (
        compact({NAME_KEY: tool.name, "description": tool.description, "parameters": tool.parameters}) for tool in tools
    )
    example = [{NAME_KEY: "double", "arguments": {"number": number}} for number in ((3, 8) if several else (3,))]
    return INSTRUCTIONS.format(tools="\n".join(listed), several=SEVERAL if several else ONE, example=compact(example))


def _constraint(tools: Sequence[ToolDescription], choice: ToolChoice, *, several: bool) -> Constraint:
    callable_tools = [tool for tool in tools if choice.name in (None, tool.name)]
    shape = CallShape(
        tools=tuple(ToolShape(name=tool.name, parameters=tool.parameters) for tool in callable_tools),
        forms=FORMS,
        several=several,
        required=choice.mode == "required" or choice.name is not None,
        arguments_keys=("arguments", "parameters"),
    )
    return Constraint(kind="calls", value=msgspec.json.encode(shape).decode(), parameter="tools")
