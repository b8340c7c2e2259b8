"""What a door asks for, and the durable record of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from jackfield.contracts.files import SearchMode
from jackfield.contracts.identity import Account
from jackfield.contracts.sampling import Constraint, SamplingOverrides
from jackfield.contracts.tools import CallMode, Permission, ToolChoice, ToolDescription
from jackfield.events import Usage
from jackfield.messages import Message

Priority = Literal["interactive", "normal", "background"]
Overflow = Literal["error", "compress", "slide"]
RunState = Literal["queued", "running", "paused", "finished", "failed", "cancelled"]


class RunLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run that works in steps is stopped: model answers, tokens written, seconds, money; None is no limit."""

    steps: Annotated[int, msgspec.Meta(ge=1)] | None = 32
    tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    spend: Annotated[float, msgspec.Meta(ge=0)] | None = None


class ToolUse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run may call and how.

    `callers` are tools that the caller runs: a call of one ends the run. `names` are tools that are run here. With
    `several` an answer may hold more than one call. An empty `protocol` is the one that settings name. Calls of the
    `allowed` permissions are run unasked, and of all with "grant"; `folder` is what tools for files see.
    """

    callers: tuple[ToolDescription, ...] = ()
    names: tuple[str, ...] = ()
    choice: ToolChoice = ToolChoice()
    several: bool = True
    protocol: str = ""
    mode: CallMode | None = None
    allowed: tuple[Permission, ...] = ()
    approval: Literal["ask", "grant"] = "ask"
    folder: str | None = None


class FileUse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Files to look in for what the last question asks, and how many passages an answer may be given as sources.

    No `collections` are all of whoever asks; `under` is a path that they are below.
    """

    collections: tuple[str, ...] = ()
    under: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 5
    mode: SearchMode = "hybrid"


class RunRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to one prompt: either messages, or a raw prompt as text or token ids.

    `adapter` names an installed LoRA adapter to answer with. `max_tokens` None lets the answer run to the end of the
    context; `logprobs` is how many likeliest tokens to report beside each written one, None for none at all.
    `references` are texts that the answer may copy from, to look drafts up in. `agent` names the policy over the run.
    `files` are looked in for sources that the answer may cite; with `memory`, so is what is remembered of whoever asks,
    and what they say of themselves is remembered.
    `memo` is what a door wants to find on the record again; nothing else reads it.
    """

    model: str
    messages: tuple[Message, ...] = ()
    prompt: str | tuple[int, ...] | None = None
    sampling: SamplingOverrides = {}
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    stop: tuple[str, ...] = ()
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    constraint: Constraint | None = None
    overflow: Overflow = "error"
    client: str = "local"
    priority: Priority = "normal"
    adapter: str | None = None
    references: tuple[str, ...] = ()
    tools: ToolUse | None = None
    files: FileUse | None = None
    memory: bool = False
    agent: str | None = None
    limits: RunLimits = RunLimits()
    conversation_id: str | None = None
    memo: dict[str, Any] = {}


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run as stored: what was asked, how far it came, how it ended.

    `account` is who asked and pays, where identity is switched on. `worker` is the process that executes the run,
    which holds it until `leased_until` and renews that; `trace` is the W3C trace context of the request.
    """

    id: str
    request: RunRequest
    state: RunState
    created_at: datetime
    finished_at: datetime | None = None
    usage: Usage | None = None
    error: str | None = None
    account: Account | None = None
    worker: str | None = None
    leased_until: datetime | None = None
    trace: str | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of messages that is kept."""

    id: str
    title: str
    model: str | None
    created_at: datetime
    updated_at: datetime


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in its conversation; `number` starts at 1, `run_id` is the run that wrote it."""

    id: str
    conversation_id: str
    number: int
    message: Message
    created_at: datetime
    run_id: str | None = None
