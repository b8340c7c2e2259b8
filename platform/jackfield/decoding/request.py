"""What the decode loop is asked, and what it delivers."""

from __future__ import annotations

import msgspec

from jackfield.contracts.engine import Adapter
from jackfield.contracts.runs import Priority
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.safe_points import Block
from jackfield.errors import JackfieldError
from jackfield.events import FinishReason, TokenScore, Usage

PRIORITIES: tuple[Priority, ...] = ("interactive", "normal", "background")
"""The classes of requests, most urgent first."""


class DecodeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tokenized prompt and how to go on from it; `max_tokens` is never more than the context has room for.

    One that `slides` drops old tokens where the context ends, its first few kept as attention sinks. `references` are
    texts that the answer may copy from, such as attached files, to look drafts up in. With `ignore_end` an end token
    ends nothing, and every token is delivered as it is drawn, even one without text. Nothing is injected between the
    texts of a pair of `blocks`; after a text of `parks_at` the sequence waits for an injection, or to be resumed.
    An answer that was interrupted goes on behind the tokens `written` of it, as if it never had been; of its text the
    first `told` characters are not delivered again. `max_tokens` and the usage count all of it.
    """

    prompt: tuple[int, ...]
    sampling: Sampling
    max_tokens: int
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    constraint: Constraint | None = None
    client: str = "local"
    priority: Priority = "normal"
    slides: bool = False
    lookahead: bool = True
    references: tuple[tuple[int, ...], ...] = ()
    adapter: Adapter | None = None
    ignore_end: bool = False
    blocks: tuple[Block, ...] = ()
    parks_at: tuple[str, ...] = ()
    written: tuple[int, ...] = ()
    told: int = 0


class Admitted(msgspec.Struct, frozen=True):
    """The sequence has a place in the batch; its prefill begins."""


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """Text that became certain: whole characters that no stop string can still claim.

    `ids` are the tokens it took, by which the answer can be `written` on; the end token too if it ended there, which
    `tokens` does not count.
    """

    text: str
    tokens: int
    scores: tuple[TokenScore, ...] = ()
    ids: tuple[int, ...] = ()


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens from outside stand in the sequence now, after `written` tokens of its own."""

    tokens: int
    written: int


class Parked(msgspec.Struct, frozen=True):
    """The sequence writes nothing until it is injected into, resumed or cancelled."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The last delivery of a sequence that came to its end; `stop` is the stop string that ended it, if one did."""

    reason: FinishReason
    usage: Usage
    stop: str | None = None


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """The last delivery of a sequence that was cancelled."""

    usage: Usage


class Broken(msgspec.Struct, frozen=True):
    """The last delivery of a sequence that an error ended."""

    error: JackfieldError


Delivery = Admitted | Delta | Injected | Parked | Ended | Stopped | Broken
LAST_DELIVERIES = (Ended, Stopped, Broken)
