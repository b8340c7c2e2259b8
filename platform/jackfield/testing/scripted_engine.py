"""A token engine without weights: it checks every rule a real one has, and says what its script says."""

from __future__ import annotations

import re
import threading
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from jackfield.contracts.engine import Adapter, EngineLimits, Sampler, TokenBatch, ToolSchema
from jackfield.contracts.models import ModelDescription
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import CellsExhausted, ContextOverflow, EngineFailure, InvalidRequest
from jackfield.messages import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jackfield.decoding.constraints.matcher import ConstraintMatcher

START, END = 256, 257
SPECIAL_TOKENS = {"<|start|>": START, "<|end|>": END}
VOCABULARY_SIZE = 258
REPLY_HEADER = [START, *b"assistant\n"]

Script = Callable[[Sequence[int]], int]
"""The next token after all tokens of a sequence; a pure function, so that a re-evaluated sequence goes on the same."""


def replying(text: str) -> Script:
    """A script that answers every chat with one text, and goes on in the alphabet after a raw prompt."""
    return answering(lambda prompt: text)


def echoing() -> Script:
    """A script that answers a chat with its last user message."""
    return answering(lambda prompt: prompt.rpartition("<|start|>user\n")[2].partition("<|end|>")[0])


def answering(reply_to: Callable[[str], str]) -> Script:
    """A script that answers a chat with what a function makes of the prompt; asked once for each prompt in a row."""

    @lru_cache(maxsize=64)
    def reply_behind(prompt: bytes) -> bytes:
        return reply_to(_spelled(array("H", prompt))).encode()

    def next_token(tokens: Sequence[int]) -> int:
        start = _reply_start(tokens)
        if start is None:
            return ord("a") + len(tokens) % 26
        reply = reply_behind(array("H", tokens[: start - len(REPLY_HEADER)]).tobytes())
        written = len(tokens) - start
        return reply[written] if written < len(reply) else END

    return next_token


def continuing(rest_of: Callable[[str], str]) -> Script:
    """A script that asks a function what is still to be written behind a reply, whatever was put into it meanwhile."""

    def next_token(tokens: Sequence[int]) -> int:
        start = _reply_start(tokens)
        rest = "" if start is None else rest_of(_spelled(tokens[start:]))
        return rest.encode()[0] if rest else END

    return next_token


def endless(tokens: Sequence[int]) -> int:
    """A script that goes through the alphabet by position and never ends."""
    return ord("a") + len(tokens) % 26


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that a forward pass takes: for being called at all, and for each row."""

    per_pass: float = 0.0
    per_row: float = 0.0


class _Cell:
    """One KV cell; sequences that share a prefix hold the same one. `adapter` is what its token was evaluated under."""

    __slots__ = ("adapter", "holders", "token")

    def __init__(self, token: int, adapter: str | None) -> None:
        self.token = token
        self.adapter = adapter
        self.holders = 1


class ScriptedEngine:
    """A TokenEngine over bytes and two control tokens; breaking the contract raises at once."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        timing: Timing | None = None,
        limits: EngineLimits | None = None,
        name: str = "scripted",
        adapters: Mapping[str, Script] | None = None,
    ) -> None:
        """`adapters` are the scripts to follow instead, under adapters of these names; others are refused."""
        self.limits = limits or EngineLimits(context_length=512, cells=2048, sequences=16, batch_tokens=64)
        self.model = ModelDescription(
            name=name,
            architecture="scripted",
            format="none",
            parameters=1,
            bytes=1,
            vocabulary_size=VOCABULARY_SIZE,
            context_length=self.limits.context_length,
            embedding_size=VOCABULARY_SIZE,
            layers=1,
            end_tokens=frozenset({END}),
        )
        self._constraints = ConstraintCompiler(
            MatchedVocabulary(size=VOCABULARY_SIZE, piece=self.piece, end_tokens=self.model.end_tokens)
        )
        self.evaluated_rows = 0
        self.passes = 0
        self.closed = False
        self._script = script or echoing()
        self._adapters = dict(adapters or {})
        self.loaded_adapters: dict[str, Script] = {}
        self._timing = timing or Timing()
        self._sequences: dict[int, list[_Cell]] = {}
        self._used_cells = 0
        self._next_tokens: dict[int, int] = {}
        self._owner: int | None = None

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """UTF-8 bytes; control tokens only when asked for."""
        if not special:
            return list(text.encode())
        tokens: list[int] = []
        for part in re.split(r"(<\|start\|>|<\|end\|>)", text):
            tokens.extend([SPECIAL_TOKENS[part]] if part in SPECIAL_TOKENS else part.encode())
        return tokens

    def piece(self, token: int) -> bytes:
        """The byte itself; nothing for control tokens."""
        return bytes([token]) if token < START else b""

    def render_chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        """`<|start|>role`, a line break, the text, `<|end|>`, for each message."""
        turns = "".join(f"<|start|>{message.role}\n{message.text}<|end|>\n" for message in messages)
        return turns + ("<|start|>assistant\n" if reply_starts else "")

    def evaluate(self, batch: TokenBatch) -> None:
        """Append every row to its sequence, after checking that it may be."""
        self._check_thread()
        self._check_room(batch)
        script = self._script if batch.adapter is None else self.loaded_adapters[batch.adapter]
        self._next_tokens = {}
        for row, (token, position, sequence) in enumerate(
            zip(batch.tokens, batch.positions, batch.sequences, strict=True)
        ):
            cells = self._sequences.setdefault(sequence, [])
            if position != len(cells):
                raise EngineFailure(
                    f"Row {row} is at position {position} of sequence {sequence}, which has {len(cells)} tokens."
                )
            if cells and cells[-1].adapter != batch.adapter:
                raise EngineFailure(f"Sequence {sequence} was begun under another adapter than row {row} is.")
            cells.append(_Cell(token, batch.adapter))
            self._used_cells += 1
            if batch.wants_logits[row]:
                self._next_tokens[row] = script([cell.token for cell in cells])
        self.passes += 1
        self.evaluated_rows += len(batch)
        time.sleep(self._timing.per_pass + self._timing.per_row * len(batch))

    def check_adapter(self, adapter: Adapter) -> None:
        """Those with a script are for this model."""
        if adapter.name not in self._adapters:
            raise InvalidRequest(
                f"Adapter '{adapter.name}' is not for this model: it has no script.", parameter="adapter"
            )

    def load_adapter(self, adapter: Adapter) -> None:
        """Have its script ready."""
        self._check_thread()
        self.check_adapter(adapter)
        self.loaded_adapters[adapter.key] = self._adapters[adapter.name]

    def unload_adapter(self, key: str) -> None:
        """Forget its script."""
        self._check_thread()
        self.loaded_adapters.pop(key, None)

    def logits(self, row: int) -> NDArray[np.float32]:
        """All but certain of the scripted token."""
        if row not in self._next_tokens:
            raise EngineFailure(f"Row {row} was not flagged for logits in the last evaluation.")
        logits = np.zeros(VOCABULARY_SIZE, dtype=np.float32)
        logits[self._next_tokens[row]] = 40.0
        return logits

    def compile_constraint(self, constraint: Constraint) -> None:
        """Have a constraint ready for `sampler`."""
        self._constraints.compile(constraint)

    def sampler(self, sampling: Sampling, constraint: Constraint | None) -> Sampler:
        """A sampler over these logits; a script that leaves its constraint's shape is not followed."""
        matcher = None if constraint is None else self._constraints.matcher(constraint)
        return _ScriptedSampler(self, sampling, matcher)

    def share_prefix(self, source: int, target: int, length: int) -> None:
        """The same cells under another sequence."""
        self._check_thread()
        if self._sequences.get(target):
            raise EngineFailure(f"Sequence {target} is not empty.")
        shared = self._sequences.get(source, [])[:length]
        for cell in shared:
            cell.holders += 1
        self._sequences[target] = list(shared)

    def truncate(self, sequence: int, length: int) -> bool:
        """Free the cells after `length`."""
        self._check_thread()
        cells = self._sequences.get(sequence, [])
        self._release(cells[length:])
        del cells[length:]
        return True

    def slide(self, sequence: int, keep: int, discard: int) -> None:
        """Free `discard` cells after the first `keep`."""
        self._check_thread()
        cells = self._sequences[sequence]
        self._release(cells[keep : keep + discard])
        del cells[keep : keep + discard]

    def save(self, sequence: int) -> bytes:
        """The tokens themselves, and their adapter."""
        cells = self._sequences.get(sequence, [])
        return msgspec.msgpack.encode(([cell.token for cell in cells], cells[0].adapter if cells else None))

    def restore(self, sequence: int, state: bytes) -> None:
        """The tokens, back in place."""
        self._check_thread()
        try:
            tokens, adapter = msgspec.msgpack.decode(state, type=tuple[list[int], str | None])
        except msgspec.MsgspecError as error:
            raise EngineFailure(f"This is not a saved sequence: {error}.") from error
        self._sequences[sequence] = [_Cell(token, adapter) for token in tokens]
        self._used_cells += len(tokens)

    def close(self) -> None:
        """Forget everything."""
        self._sequences.clear()
        self._used_cells = 0
        self.closed = True

    @property
    def used_cells(self) -> int:
        """Cells that some sequence holds; what is shared counts once."""
        return self._used_cells

    def _release(self, cells: Sequence[_Cell]) -> None:
        for cell in cells:
            cell.holders -= 1
            self._used_cells -= cell.holders == 0

    def _check_room(self, batch: TokenBatch) -> None:
        if not 0 < len(batch) <= self.limits.batch_tokens:
            raise EngineFailure(f"A batch holds 1 to {self.limits.batch_tokens} rows, not {len(batch)}.")
        if not 0 <= min(batch.tokens) <= max(batch.tokens) < VOCABULARY_SIZE:
            raise EngineFailure(
                f"Tokens are 0 to {VOCABULARY_SIZE - 1}, not {min(batch.tokens)} to {max(batch.tokens)}."
            )
        if min(batch.sequences) < 0 or max(batch.sequences) >= self.limits.sequences:
            raise EngineFailure(f"There are {self.limits.sequences} sequences; {max(batch.sequences)} is none of them.")
        if max(batch.positions) >= self.limits.context_length:
            raise EngineFailure(
                f"Position {max(batch.positions)} lies past the context of {self.limits.context_length}."
            )
        if self._used_cells + len(batch) > self.limits.cells:
            raise CellsExhausted(
                f"{len(batch)} rows do not fit: {self._used_cells} of {self.limits.cells} cells are used."
            )

    def _check_thread(self) -> None:
        here = threading.get_ident()
        self._owner = self._owner or here
        if here != self._owner:
            raise EngineFailure("This engine belongs to another thread.")


class ScriptedEmbeddingEngine:
    """An EmbeddingEngine whose vectors count letters: texts of the same letters are the same."""

    def __init__(self, max_tokens: int = 512) -> None:
        self.model = msgspec.structs.replace(ScriptedEngine().model, embedding_size=256)
        self.max_tokens = max_tokens

    def count_tokens(self, text: str) -> int:
        """Bytes."""
        return len(text.encode())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 256), unit length."""
        rows = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            if not text:
                raise InvalidRequest("A text to embed is empty.", parameter="input")
            if self.count_tokens(text) > self.max_tokens:
                raise ContextOverflow(
                    prompt_tokens=self.count_tokens(text), context_length=self.max_tokens, reserved=0, parameter="input"
                )
            np.add.at(row, list(text.encode()), 1)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def close(self) -> None:
        """Nothing is held."""


class _ScriptedSampler:
    """Draws by penalties and temperature from the engine's logits."""

    def __init__(self, engine: ScriptedEngine, sampling: Sampling, matcher: ConstraintMatcher | None) -> None:
        self._engine = engine
        self._matcher = matcher
        self._sampling = sampling
        self._random = np.random.default_rng(None if sampling.seed is None else sampling.seed & 0xFFFFFFFF)
        self._recent: deque[int] = deque(maxlen=sampling.penalty_window)

    @property
    def complete(self) -> bool:
        return self._matcher is not None and self._matcher.complete

    def sample(self, row: int) -> int:
        logits = self._engine.logits(row)
        if self._matcher is not None:
            allowed = self._matcher.allowed()
            held = np.full(VOCABULARY_SIZE, -np.inf, dtype=np.float32)
            held[allowed] = logits[allowed]
            logits = held
        token = self._drawn(logits)
        self._count(token)
        return token

    def _count(self, token: int) -> None:
        self._recent.append(token)
        if self._matcher is not None:
            self._matcher.advance(token)

    def _drawn(self, logits: NDArray[np.float32]) -> int:
        for token, times in Counter(self._recent).items():
            logits[token] -= self._sampling.presence_penalty + self._sampling.frequency_penalty * times
        for token, bias in self._sampling.logit_bias.items():
            logits[token] += bias
        if self._sampling.temperature == 0:
            return int(logits.argmax())
        weights = np.exp((logits - logits.max()) / self._sampling.temperature)
        return int(self._random.choice(VOCABULARY_SIZE, p=weights / weights.sum()))

    def accept(self, token: int) -> None:
        """Count a token towards the penalties."""
        self._recent.append(token)

    def repeat(self, token: int) -> None:
        """Count a token as one that was drawn, for which a random number was used unless it was the likeliest."""
        if self._sampling.temperature:
            self._random.random()
        self._count(token)

    def close(self) -> None:
        """Nothing is held."""


def _reply_start(tokens: Sequence[int]) -> int | None:
    """Where the reply under way begins: after the last reply header that no end token closes."""
    for start in range(len(tokens) - len(REPLY_HEADER), -1, -1):
        if tokens[start] == START:
            opened = list(tokens[start : start + len(REPLY_HEADER)]) == REPLY_HEADER
            return start + len(REPLY_HEADER) if opened else None
    return None


def _spelled(tokens: Sequence[int]) -> str:
    names = {token: text.encode() for text, token in SPECIAL_TOKENS.items()}
    return b"".join(names.get(token, bytes([token & 0xFF])) for token in tokens).decode(errors="replace")
