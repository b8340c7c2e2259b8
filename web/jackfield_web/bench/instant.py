"""An engine that gives one answer at once, so that what a request takes is the gateway's own doing.

It registers itself where the bench starts a server; it is not among the built-in plugins.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.engine import (
    EmbeddingEngine,
    EngineFactory,
    EngineLimits,
    EngineSettings,
    Fit,
    TokenBatch,
    ToolSchema,
)
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.registration import Provided
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.errors import ConstraintUnsupported, EngineFailure, InvalidRequest, ModelFileInvalid
from jackfield.hookspecs import hookimpl
from jackfield.messages import Message

MARK = b"jackfield instant model\n"
"""What its model files hold."""

PIECES = (b"Fine, thank you.",)
END = 256
ANSWER: tuple[int, ...] = (*range(END + 1, END + 1 + len(PIECES)), END)
VOCABULARY = END + 1 + len(PIECES)

DESCRIPTION = ModelDescription(
    name="instant",
    architecture="instant",
    format="none",
    parameters=1,
    bytes=len(MARK),
    vocabulary_size=VOCABULARY,
    context_length=4096,
    embedding_size=1,
    layers=1,
    end_tokens=frozenset({END}),
)


class InstantEngine:
    """Bytes in, the answer out; only lengths are kept."""

    model = DESCRIPTION
    limits = EngineLimits(context_length=4096, cells=1 << 20, sequences=256, batch_tokens=8192)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        return list(text.encode())

    def piece(self, token: int) -> bytes:
        if token < END:
            return bytes([token])
        return b"" if token == END else PIECES[token - END - 1]

    def render_chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        return "\n".join(f"{message.role}: {message.text}" for message in messages) + "\nassistant: " * reply_starts

    def evaluate(self, batch: TokenBatch) -> None:
        """Nothing to do."""

    def logits(self, row: int) -> NDArray[np.float32]:
        return np.zeros(VOCABULARY, dtype=np.float32)

    def compile_constraint(self, constraint: Constraint) -> None:
        raise ConstraintUnsupported("The instant engine holds no constraint.", parameter=constraint.parameter)

    def sampler(self, sampling: Sampling, constraint: Constraint | None) -> InstantSampler:
        if constraint is not None:
            self.compile_constraint(constraint)
        return InstantSampler()

    def share_prefix(self, source: int, target: int, length: int) -> None:
        """Nothing to do."""

    def truncate(self, sequence: int, length: int) -> bool:
        return True

    def slide(self, sequence: int, keep: int, discard: int) -> None:
        """Nothing to do."""

    def save(self, sequence: int) -> bytes:
        return MARK

    def restore(self, sequence: int, state: bytes) -> None:
        if state != MARK:
            raise EngineFailure("This is no state of the instant engine.")

    def close(self) -> None:
        """Nothing is held."""


class InstantSampler:
    """Says the answer, a token a draw."""

    complete = False

    def __init__(self) -> None:
        self._drawn = 0

    def sample(self, row: int) -> int:
        token = ANSWER[self._drawn % len(ANSWER)]
        self._drawn += 1
        return token

    def accept(self, token: int) -> None:
        """The answer does not depend on it."""

    def repeat(self, token: int) -> None:
        self._drawn += 1

    def close(self) -> None:
        """Nothing is held."""


class InstantFactory:
    """Opens files that hold the engine's mark."""

    name = "instant"

    def inspect(self, path: Path) -> ModelDescription:
        with path.open("rb") as file:
            if file.read(len(MARK)) != MARK:
                raise ModelFileInvalid(f"{path} is no model of the instant engine.")
        return DESCRIPTION

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        return Fit(fits=True, bytes_needed=1, bytes_available=2)

    def open(self, model: InstalledModel, settings: EngineSettings) -> InstantEngine:
        self.inspect(model.path)
        return InstantEngine()

    def open_embedding(self, model: InstalledModel, settings: EngineSettings) -> EmbeddingEngine:
        raise InvalidRequest("The instant engine embeds nothing.", parameter="model")


@hookimpl
def jackfield_engines() -> list[Provided[EngineFactory]]:
    """The engine that answers at once."""
    return [Provided("instant", InstantFactory, "one answer, at once")]
