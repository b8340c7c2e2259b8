"""Engines: what evaluates tokens and so gets the decode loop, what only takes text, what embeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import msgspec

from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.messages import Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ToolSchema = dict[str, Any]
CacheFormatName = Literal["f16", "q8_0", "q4_0"]


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to open a model; 0 leaves the choice to the engine, from the model and the machine.

    The keys and values that a model caches while it writes are of the `cache_type` that is set, each of its own; an
    engine that cannot have them so raises SettingsInvalid.
    """

    context_length: int = 0
    cells: int = 0
    sequences: int = 0
    batch_tokens: int = 0
    threads: int = 0
    gpu_layers: int = -1
    cache_type_k: CacheFormatName = "f16"
    cache_type_v: CacheFormatName = "f16"


class EngineLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What an open model holds: `cells` tokens in all, `context_length` in one sequence, `batch_tokens` in one call.

    Of its `sequences`, `running` are for requests under way (0: any), the others to keep prefixes in. A model whose
    memory is one state for a whole sequence cannot share or cut parts of it; nor does every model's memory slide.
    """

    context_length: int
    cells: int
    sequences: int
    batch_tokens: int
    running: int = 0
    shares_parts: bool = True
    slides: bool = True


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a model can be opened here; `reason` is a sentence when it cannot."""

    fits: bool
    bytes_needed: int
    bytes_available: int
    reason: str = ""


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """A LoRA adapter, which changes how a model writes; `key` stands for its file's content."""

    name: str
    key: str
    path: Path


class TokenBatch:
    """Rows for one forward pass: a token, its position, its sequence, and whether its logits are wanted.

    All go through the loaded adapter whose key is `adapter`, or through none.
    """

    __slots__ = ("adapter", "positions", "sequences", "tokens", "wants_logits")

    def __init__(self, *, adapter: str | None = None) -> None:
        self.adapter = adapter
        self.tokens: list[int] = []
        self.positions: list[int] = []
        self.sequences: list[int] = []
        self.wants_logits: list[bool] = []

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, token: int, *, position: int, sequence: int, logits: bool) -> int:
        """Append one row and give its index, by which its logits are asked for after `evaluate`."""
        self.tokens.append(token)
        self.positions.append(position)
        self.sequences.append(sequence)
        self.wants_logits.append(logits)
        return len(self.tokens) - 1


class Sampler(Protocol):
    """Draws the next token of one sequence and remembers what it drew. Not shared between sequences."""

    @property
    def complete(self) -> bool:
        """Whether a constraint allows nothing more, so that only an end token could be drawn."""
        ...

    def sample(self, row: int) -> int:
        """The token drawn from a row's logits; counts towards penalties and constraints."""
        ...

    def accept(self, token: int) -> None:
        """Count a token that was not drawn here: the prompt's, or one that was injected. No constraint counts it."""
        ...

    def repeat(self, token: int) -> None:
        """Count a token that another sampler of equal settings drew in this place: go on as if it was drawn here.

        Raises EngineFailure where the constraint does not allow it.
        """
        ...

    def close(self) -> None:
        """Free what it holds; a second call does nothing."""
        ...


@runtime_checkable
class TokenEngine(Protocol):
    """One loaded model that evaluates tokens of several sequences in one call.

    Used by one thread at a time, the decode loop's once that has it; only `tokenize`, `piece`, `render_chat` and
    `compile_constraint` may be called by any thread at any time.
    It does not schedule, batch, retry or stop: that is the decode loop's.
    """

    @property
    def model(self) -> ModelDescription: ...

    @property
    def limits(self) -> EngineLimits: ...

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text, without a begin token; control tokens are recognised only with `special`."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes a token writes, which may be part of a character; control tokens write nothing."""
        ...

    def render_chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        """A conversation in the model's own template; ends where the reply starts if so asked."""
        ...

    def evaluate(self, batch: TokenBatch) -> None:
        """One forward pass; flagged rows have logits until the next call. Raises EngineFailure."""
        ...

    def logits(self, row: int) -> NDArray[np.float32]:
        """Logits of a flagged row, (n_vocab,), valid until the next `evaluate`."""
        ...

    def compile_constraint(self, constraint: Constraint) -> None:
        """Have a constraint ready for `sampler`, which may take a while; `jackfield.decoding.constraints` helps.

        Raises InvalidRequest with the reason where it makes no sense, ConstraintUnsupported where it cannot be held.
        """
        ...

    def sampler(self, sampling: Sampling, constraint: Constraint | None) -> Sampler:
        """A fresh sampler; raises what `compile_constraint` raises rather than ignore a constraint."""
        ...

    def share_prefix(self, source: int, target: int, length: int) -> None:
        """Let an empty sequence have another's first `length` tokens: metadata only, never a copy."""
        ...

    def truncate(self, sequence: int, length: int) -> bool:
        """Keep a sequence's first `length` tokens; False where the model cannot, and then nothing changed."""
        ...

    def slide(self, sequence: int, keep: int, discard: int) -> None:
        """Drop `discard` tokens after the first `keep`, and move the rest down (StreamingLLM)."""
        ...

    def save(self, sequence: int) -> bytes:
        """A sequence's state, readable by `restore` on the same model."""
        ...

    def restore(self, sequence: int, state: bytes) -> None:
        """Fill an empty sequence from `save`'s bytes; raises EngineFailure if they are not of this model."""
        ...

    def close(self) -> None:
        """Free the model; a second call does nothing."""
        ...


@runtime_checkable
class AdaptableEngine(Protocol):
    """What a TokenEngine has besides where requests may bring LoRA adapters.

    A sequence is evaluated under one adapter from its first token on; prefixes are shared and states restored only
    under the same one, for which the caller answers.
    """

    def check_adapter(self, adapter: Adapter) -> None:
        """Raise InvalidRequest with the reason where an adapter is not for this model. Any thread, at any time."""
        ...

    def load_adapter(self, adapter: Adapter) -> None:
        """Have an adapter ready for batches; one that is loaded stays. Raises InvalidRequest or ModelFileInvalid."""
        ...

    def unload_adapter(self, key: str) -> None:
        """Free an adapter; an unknown key does nothing."""
        ...


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a text-only engine is asked."""

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


class CompletionEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a text-only engine's answer; the last one carries the reason and the counts."""

    text: str = ""
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


@runtime_checkable
class CompletionEngine(Protocol):
    """A remote endpoint, or any runtime that only takes text."""

    def complete(self, request: CompletionRequest) -> AsyncIterator[CompletionEvent]: ...


@runtime_checkable
class EmbeddingEngine(Protocol):
    """Turns texts into vectors. Owned by exactly one thread, except `count_tokens`."""

    @property
    def model(self) -> ModelDescription: ...

    @property
    def max_tokens(self) -> int:
        """The longest text it takes; a longer one is a ContextOverflow, never cut."""
        ...

    def count_tokens(self, text: str) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimensions), unit length, in the order of the texts; raises ContextOverflow, or InvalidRequest for ""."""
        ...

    def close(self) -> None: ...


class EngineFactory(Protocol):
    """Opens models of the formats it knows; one that is a `Quantizer` too can write them in others."""

    name: str

    def inspect(self, path: Path) -> ModelDescription:
        """What a model's or an adapter's file says of itself, without loading its weights; raises ModelFileInvalid."""
        ...

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        """Whether this machine has the memory that the model needs, now."""
        ...

    def open(self, model: InstalledModel, settings: EngineSettings) -> TokenEngine | CompletionEngine:
        """Load the model; slow, call it off the event loop. Raises ModelFileInvalid or ModelTooLarge."""
        ...

    def open_embedding(self, model: InstalledModel, settings: EngineSettings) -> EmbeddingEngine:
        """Load the model for embeddings; weights that are loaded already are shared."""
        ...
