"""What happens in a run, numbered, stored and replayable."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from jackfield.messages import Call, Message, Provenance

FinishReason = Literal["stop", "length", "tool_calls"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens read and written; `cached_tokens` of the prompt were not evaluated again."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


class TokenChance(msgspec.Struct, frozen=True):
    """A token's bytes and its natural log-probability before sampling, -9999 where it could not be drawn at all."""

    piece: bytes
    logprob: float


class TokenScore(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of a token that was written, and of the likeliest ones in its place."""

    chosen: TokenChance
    likeliest: tuple[TokenChance, ...] = ()


class Queued(msgspec.Struct, frozen=True, kw_only=True, tag="queued"):
    """The request was accepted and waits for its model or its turn."""

    model: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A text that an answer was given and may cite as [number]: a passage of a file's version, or a memory.

    `id` is the file's or the memory's; `start` and `end` are bytes of the version's text. Where it comes from says
    whether it may command.
    """

    number: int
    kind: Literal["file", "memory"]
    id: str
    version: int
    text: str
    collection: str = ""
    path: str = ""
    start: int = 0
    end: int = 0
    heading: str = ""
    provenance: Provenance = "file"


class SourcesFound(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sources"):
    """What was looked up for the prompt, the best first, which a resumed run reads again; or what a `call` then gave.

    `left_out` of what was found had no room in the context; `notice` says what the search could not do.
    """

    sources: tuple[Source, ...]
    left_out: int = 0
    notice: str = ""
    call: str = ""

    def behind(self, earlier: SourcesFound | None) -> SourcesFound:
        """All that was found up to here, as if it had been looked up."""
        if earlier is None:
            return SourcesFound(sources=self.sources, left_out=self.left_out, notice=self.notice)
        return SourcesFound(
            sources=(*earlier.sources, *self.sources),
            left_out=earlier.left_out + self.left_out,
            notice=f"{earlier.notice} {self.notice}".strip(),
        )


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The prompt was assembled and its prefill begins."""

    model: str
    prompt_tokens: int


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="text"):
    """Text that the model wrote; deltas join to the whole answer. `tokens` counts what it took to write it.

    `ids` are those tokens, from which another process can go on; empty where nobody needs to.
    """

    text: str
    tokens: int
    scores: tuple[TokenScore, ...] = ()
    ids: tuple[int, ...] = ()


class CallOpened(msgspec.Struct, frozen=True, kw_only=True, tag="call_opened"):
    """The model began to write a call of a known tool."""

    call: str
    tool: str


class CallText(msgspec.Struct, frozen=True, kw_only=True, tag="call_text"):
    """More of a call's arguments, as JSON text; what it says joins to an object."""

    call: str
    text: str


class CallWritten(msgspec.Struct, frozen=True, kw_only=True, tag="call_written"):
    """A call is whole; one that is not `ours` is for the caller to run."""

    call: Call
    ours: bool = True


class CallRefused(msgspec.Struct, frozen=True, kw_only=True, tag="call_refused"):
    """What the model wrote is no call that could be run; the model is told the reason."""

    call: str
    reason: str


class CallStarted(msgspec.Struct, frozen=True, kw_only=True, tag="call_started"):
    """A tool begins to work; where it takes its arguments as they are written, before the call is whole."""

    call: str
    tool: str


class CallEnded(msgspec.Struct, frozen=True, kw_only=True, tag="call_ended"):
    """A tool gave its result after so many seconds, in which the model wrote `tokens_meanwhile`."""

    call: Call
    text: str
    error: bool = False
    provenance: Provenance = "tool"
    seconds: float = 0.0
    tokens_meanwhile: int = 0


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="answered"):
    """A model's turn is on record under the digest of what it was asked; a resumed run takes it from here.

    `message` is all that it wrote, with its calls; `text` the part that is answer, `refused` the part that is no call.
    """

    asked: str
    message: Message
    text: str
    reason: FinishReason
    usage: Usage
    refused: tuple[CallRefused, ...] = ()
    stop: str | None = None


class Noted(msgspec.Struct, frozen=True, kw_only=True, tag="noted"):
    """A remark of an agent on what it does."""

    text: str


class PendingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for somebody's approval, and why it needs that.

    A `guarded` one does so because a guard objects, which no permission given in advance answers.
    """

    call: Call
    reason: str
    guarded: bool = False


class Paused(msgspec.Struct, frozen=True, kw_only=True, tag="paused"):
    """Nothing executes the run until its calls are decided on, or it is resumed."""

    reason: Literal["approval", "interrupted"]
    calls: tuple[PendingCall, ...] = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True, tag="decided"):
    """Somebody approved or denied a call."""

    call: Call
    approved: bool
    reason: str = ""


class Rewritten(msgspec.Struct, frozen=True, kw_only=True, tag="rewritten"):
    """A resumed run writes on differently: of the text told so far, only the first `keeps` characters stand."""

    keeps: int


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag="resumed"):
    """A paused run goes on."""


class Finished(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="finished"):
    """The answer is whole, or as long as was allowed; `stop` is the request's stop string that ended it, if one did."""

    reason: FinishReason
    usage: Usage
    stop: str | None = None


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The run ended with an error; `code` is the error's, `message` its sentence.

    `usage` is what it took until then, where the events before it do not tell.
    """

    code: str
    message: str
    parameter: str | None = None
    retry_after: int | None = None
    usage: Usage | None = None


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag="cancelled"):
    """Somebody stopped the run; what was written before stands."""

    usage: Usage | None = None


RunEventBody = (
    Queued
    | SourcesFound
    | Started
    | TextDelta
    | CallOpened
    | CallText
    | CallWritten
    | CallRefused
    | CallStarted
    | CallEnded
    | Answered
    | Noted
    | Paused
    | Decided
    | Rewritten
    | Resumed
    | Finished
    | Failed
    | Cancelled
)
FINAL_EVENTS = (Finished, Failed, Cancelled)


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its run's order; numbers start at 1 and have no gaps."""

    run_id: str
    number: int
    at: datetime
    body: RunEventBody

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return isinstance(self.body, FINAL_EVENTS)
