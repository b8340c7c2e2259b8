"""Calls as the model's own template teaches them, or as Hermes and Qwen models learned them where it teaches none."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.protocols import CallRecogniser, Presentation
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.errors import InvalidRequest
from jackfield.messages import Call, Message
from jackfield_plugins.function_calls.conversation import (
    compact,
    results_as_users_turns,
    signature,
    tool_turn,
    with_instructions,
    with_written_calls,
)
from jackfield_plugins.function_calls.native_recogniser import TOOL_CALL, TOOL_CALL_END, NativeRecogniser

INSTRUCTIONS = """\
# Tools

You may call {number} to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""
"""As in Qwen 2.5's template, which many models were trained with."""

MARKERS = (
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<tools>",
    "</tools>",
    "<function=",
    "</function>",
    "<parameter=",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[AVAILABLE_TOOLS]",
    "<|python_tag|>",
    "<think>",
    "</think>",
)
"""What begins and ends calls, results and thoughts in the templates of the common families.

They are to be found whatever their case and with white space between their signs. A fenced block or bare JSON is no
marker: it is everyday text, and only what a model itself writes is read for calls.
"""


class NativeProtocol:
    """Recognises the common shapes, whichever of them a model prefers; nothing keeps it from writing a broken call."""

    name = "native"
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
        """Tools by the template where it shows them, else in a system message."""
        read = as_read(messages, template_shows_tools=template_shows_tools)
        if choice.mode == "none" or not tools:
            return Presentation(messages=read)
        check_choice(tools, choice)
        if not template_shows_tools:
            read = with_instructions(read, instructions(tools, several=several))
        return Presentation(messages=read, in_template=template_shows_tools, reply_starts=reply_starts(tools, choice))

    def recogniser(self, tools: Sequence[ToolDescription], *, choice: ToolChoice) -> CallRecogniser:
        """One that knows where a forced answer began."""
        if choice.mode == "none":
            return NativeRecogniser(())
        return NativeRecogniser(tools, begins=reply_starts(tools, choice))

    def result(self, call: Call, result: ToolResult) -> Message:
        """A turn of the tool's."""
        return tool_turn(call, result)


def as_read(messages: Sequence[Message], *, template_shows_tools: bool) -> tuple[Message, ...]:
    """Earlier calls and results in the form that the tools are shown in."""
    written = with_written_calls(messages, written_calls)
    if template_shows_tools:
        return tuple(written)
    return tuple(results_as_users_turns(tuple(written), "<tool_response>\n", "\n</tool_response>"))


def written_calls(calls: Sequence[Call]) -> str:
    """Calls in their tags."""
    objects = (compact({"name": call.tool, "arguments": call.arguments}) for call in calls)
    return "\n".join(f"{TOOL_CALL}\n{each}\n{TOOL_CALL_END}" for each in objects)


def instructions(tools: Sequence[ToolDescription], *, several: bool) -> str:
    """What a system message says of tools."""
    listed = "\n".join(compact(signature(tool)) for tool in tools)
    return INSTRUCTIONS.format(tools=listed, number="one or more functions" if several else "one function")


def check_choice(tools: Sequence[ToolDescription], choice: ToolChoice) -> None:
    """Raise InvalidRequest where the chosen tool is not among those that can be called."""
    names = [tool.name for tool in tools]
    if choice.name is not None and choice.name not in names:
        raise InvalidRequest(
            f"The tool {choice.name!r:.80} must be called but is not among the tools: {', '.join(names)}.",
            parameter="tool_choice",
        )


def reply_starts(tools: Sequence[ToolDescription], choice: ToolChoice) -> str:
    """What an answer must begin with, where it must call."""
    if not tools or (choice.mode != "required" and choice.name is None):
        return ""
    if choice.name is None:
        return f"{TOOL_CALL}\n"
    return f'{TOOL_CALL}\n{{"name": {compact(choice.name)}, "arguments":'
