"""The bodies of requests about runs: to start one, and to decide on calls that wait."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import Priority, RunRequest, ToolUse
from jackfield.contracts.sampling import SamplingOverrides, layered_sampling
from jackfield.errors import InvalidRequest
from jackfield.messages import Message
from jackfield_web.answers.sources import FileSearch, Remembers, file_use
from jackfield_web.chat.conversation import ChatMessage, conversation
from jackfield_web.steps import AgentName, Allowed, Limits, Mode, Protocol, ServerTools, run_limits
from jackfield_web.tool_specs import check_names

DEFAULT_MODEL = "default"


class RunStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work that goes on whoever watches, given as one task or as a conversation; without tools or agent, one answer."""

    task: Annotated[str, Meta(min_length=1, description="What is to be done.")] | None = None
    messages: Annotated[list[ChatMessage], Meta(min_length=1, description="The same as a conversation.")] | None = None
    agent: AgentName | None = None
    model: Annotated[str, Meta(description="The name of an installed model; `default` if left out.")] | None = None
    tools: ServerTools | None = None
    allow: Allowed | None = None
    approval: (
        Annotated[
            Literal["ask", "grant"],
            Meta(description="Whether other calls that need a permission wait, or are run unless a guard objects."),
        ]
        | None
    ) = None
    limits: Limits | None = None
    call_protocol: Protocol | None = None
    call_mode: Mode | None = None
    files: FileSearch | None = None
    memory: Remembers | None = None
    temperature: Annotated[float, Meta(description="0 always takes the likeliest token.")] | None = None
    seed: Annotated[int, Meta(description="Draws the same tokens again.")] | None = None
    max_tokens: Annotated[int, Meta(ge=1, description="The longest single answer of the model.")] | None = None
    priority: Priority | None = None
    user: Annotated[str, Meta(max_length=256, description="On whose behalf.")] | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On which call, and why."""

    call: Annotated[str, Meta(description="The identifier of one waiting call; all of them if left out.")] | None = None
    reason: Annotated[str, Meta(description="What is put on record, and what the model is told of a denial.")] = ""


def run_asked_for(start: RunStart) -> RunRequest:
    """The run to start; raises InvalidRequest for what makes no sense."""
    check_names({f"tools[{index}]": name for index, name in enumerate(start.tools or ())})
    return RunRequest(
        model=start.model or DEFAULT_MODEL,
        messages=_messages(start),
        sampling=_sampling(start),
        max_tokens=start.max_tokens,
        client=start.user or "local",
        priority=start.priority or "normal",
        tools=_tool_use(start),
        files=file_use(start.files),
        memory=start.memory or False,
        agent=start.agent,
        limits=run_limits(start.limits),
    )


def _tool_use(start: RunStart) -> ToolUse | None:
    """None where nothing is said of steps or calls: such a run is a plain answer, which goes on in mid-sentence."""
    of_steps = (start.agent, start.allow, start.approval, start.limits, start.call_protocol, start.call_mode)
    if not start.tools and all(said is None for said in of_steps):
        return None
    return ToolUse(
        names=tuple(start.tools or ()),
        protocol=start.call_protocol or "",
        mode=start.call_mode,
        allowed=tuple(start.allow or ()),
        approval=start.approval or "ask",
    )


def _messages(start: RunStart) -> tuple[Message, ...]:
    if (start.task is None) == (start.messages is None):
        raise InvalidRequest("Give either 'task', a text, or 'messages', a conversation.", parameter="task")
    return (Message.of("user", start.task),) if start.task is not None else conversation(start.messages or ())


def _sampling(start: RunStart) -> SamplingOverrides:
    chosen = SamplingOverrides()
    if start.temperature is not None:
        chosen["temperature"] = start.temperature
    if start.seed is not None:
        chosen["seed"] = start.seed
    layered_sampling(chosen)
    return chosen
