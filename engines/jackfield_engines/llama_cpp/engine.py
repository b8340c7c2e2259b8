"""The token engine over llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.engine import Adapter, EngineLimits, Sampler, TokenBatch, ToolSchema
from jackfield.contracts.models import ModelDescription
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import EngineFailure, InvalidRequest
from jackfield.messages import Message
from jackfield_engines.llama_cpp.adapters import Adapters
from jackfield_engines.llama_cpp.chat_template import CHATML_TOKENS, ChatTemplate, chat_template
from jackfield_engines.llama_cpp.native import Weights
from jackfield_engines.llama_cpp.native_context import Context
from jackfield_engines.llama_cpp.prefill_context import Logits, PrefillContext
from jackfield_engines.llama_cpp.sampler import ConstrainedSampler, SampledVocabulary, likeliest, sampler_for
from jackfield_engines.llama_cpp.saved_state import pack, unpack
from jackfield_engines.llama_cpp.sequence_pool import SequencePool


class LlamaCppEngine:
    """A TokenEngine whose sequences share one pool of KV cells, so that prefixes are shared without copying.

    A recurrent or hybrid model keeps one state for a whole sequence: there `truncate` to anything but nothing gives
    False, and `share_prefix` takes whole sequences only.
    """

    def __init__(
        self,
        weights: Weights,
        context: Context,
        *,
        prefill: PrefillContext | None = None,
        model: ModelDescription,
        limits: EngineLimits,
        identity: str,
        adapters: Adapters,
    ) -> None:
        """`prefill` is where prompts are read apart; `identity` tells this model's saved sequences from others'."""
        self.model = model
        self.limits = limits
        self._identity = identity
        self._adapters = adapters
        self._weights: Weights | None = weights
        self._context = context
        self._pool = SequencePool(context, prefill, sequences=limits.sequences)
        self._remembers_whole = weights.remembers_whole
        self._vocabulary = SampledVocabulary(
            size=model.vocabulary_size,
            suppressed=weights.suppressed_tokens(),
            longest_sequence=limits.context_length,
        )
        self._constraints = ConstraintCompiler(
            MatchedVocabulary(
                size=model.vocabulary_size,
                piece=self.piece,
                end_tokens=model.end_tokens,
                suppressed=frozenset(self._vocabulary.suppressed),
            )
        )
        self._template = _template_of(weights)
        self._begin_text = _text_of(weights, model.begin_token)
        self._pieces: list[bytes | None] = [None] * model.vocabulary_size
        self._logits: Logits = {}

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids without a begin token; control tokens are recognised only with `special`."""
        try:
            return self._live_weights().tokenize(text, add_special=False, parse_special=special)
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                f"The text is not valid Unicode: half of a surrogate pair stands at character {error.start}."
            ) from error

    def piece(self, token: int) -> bytes:
        """The bytes a token writes, looked up once for each token; control tokens write nothing."""
        if not 0 <= token < len(self._pieces):
            raise EngineFailure(f"There is no token {token}; this model's are 0 to {len(self._pieces) - 1}.")
        piece = self._pieces[token]
        if piece is None:
            piece = self._pieces[token] = self._live_weights().piece(token)
        return piece

    def render_chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        """The conversation in the model's template, without a begin token where the caller is to add one."""
        text = self._template.render(messages, tools, reply_starts=reply_starts)
        return text.removeprefix(self._begin_text)

    def evaluate(self, batch: TokenBatch) -> None:
        """One forward pass; raises CellsExhausted or EngineFailure, and then every sequence is as it was."""
        self._check(batch)
        self._logits = {}
        self._pool.adapt(self._adapters.loaded(batch.adapter))
        self._logits = self._pool.evaluate(batch)

    def check_adapter(self, adapter: Adapter) -> None:
        """Raise InvalidRequest with the reason where an adapter is not for this model. Any thread."""
        self._adapters.check(adapter)

    def load_adapter(self, adapter: Adapter) -> None:
        """Have an adapter ready for batches; raises InvalidRequest or ModelFileInvalid."""
        self._adapters.load(adapter)

    def unload_adapter(self, key: str) -> None:
        """Free an adapter; an unknown key does nothing."""
        self._pool.adapt(None)
        self._adapters.unload(key)

    def logits(self, row: int) -> NDArray[np.float32]:
        """Logits of a flagged row, (n_vocab,), read-only and without a copy, valid until the next `evaluate`."""
        logits = self._row(row)
        likeliest(logits)
        return logits

    def compile_constraint(self, constraint: Constraint) -> None:
        """Have a constraint ready for `sampler`; raises InvalidRequest with the reason. Any thread."""
        self._constraints.compile(constraint)

    def sampler(self, sampling: Sampling, constraint: Constraint | None) -> Sampler:
        """A fresh sampler, held to a constraint if there is one; raises InvalidRequest where that makes no sense."""
        matcher = None if constraint is None else self._constraints.matcher(constraint)
        sampler = sampler_for(sampling, logits=self._row, vocabulary=self._vocabulary)
        return sampler if matcher is None else ConstrainedSampler(sampler, matcher)

    def share_prefix(self, source: int, target: int, length: int) -> None:
        """Let an empty sequence have another's first `length` tokens, without a copy."""
        self._check_sequences(source, target)
        held = self._pool.last_position(source) + 1
        if not 0 <= length <= held:
            raise EngineFailure(f"Sequence {source} has {held} tokens, of which {length} cannot be shared.")
        if self._pool.last_position(target) >= 0:
            raise EngineFailure(f"Sequence {target} is not empty.")
        if 0 < length < held and self._remembers_whole:
            raise EngineFailure(f"This model can share all {held} tokens of a sequence, not its first {length}.")
        self._pool.share(source, target, length)

    def truncate(self, sequence: int, length: int) -> bool:
        """Keep a sequence's first `length` tokens; False where the model cannot, and then nothing changed."""
        self._check_sequences(sequence)
        return self._pool.truncate(sequence, length)

    def slide(self, sequence: int, keep: int, discard: int) -> None:
        """Drop `discard` tokens after the first `keep`, move the rest down; raises InvalidRequest where it cannot."""
        self._check_sequences(sequence)
        if not (self._context.can_shift and not self._remembers_whole):
            raise InvalidRequest(
                "This model cannot slide its context; ask with overflow 'error'.", parameter="overflow"
            )
        if keep < 0 or discard < 1 or keep + discard > self._pool.last_position(sequence) + 1:
            raise EngineFailure(f"Sequence {sequence} has no {discard} tokens to drop after its first {keep}.")
        self._pool.slide(sequence, keep, discard)

    def save(self, sequence: int) -> bytes:
        """A sequence's state, readable by `restore` on the same model."""
        self._check_sequences(sequence)
        context = self._pool.bring_home(sequence)
        context.settle()
        return pack(context.state(sequence), self._identity)

    def restore(self, sequence: int, state: bytes) -> None:
        """Fill an empty sequence from `save`'s bytes; raises EngineFailure if they are of another model or damaged."""
        self._check_sequences(sequence)
        if self._pool.last_position(sequence) >= 0:
            raise EngineFailure(f"Sequence {sequence} is not empty.")
        context = self._pool.bring_home(sequence)
        context.set_state(sequence, unpack(state, self._identity))
        held = context.last_position(sequence) + 1
        if held > self.limits.context_length:
            context.remove(sequence, 0)
            raise EngineFailure(f"{held} saved tokens do not fit the context of {self.limits.context_length}.")

    def close(self) -> None:
        """Free the context, and the weights once nobody else has them; a second call does nothing."""
        self._weights = None
        self._logits = {}
        self._pool.close()
        self._adapters.close()

    def _row(self, row: int) -> NDArray[np.float32]:
        logits = self._logits.get(row)
        if logits is None:
            raise EngineFailure(f"Row {row} of the last batch was not flagged for logits.")
        return logits

    def _live_weights(self) -> Weights:
        weights = self._weights
        if weights is None:
            raise EngineFailure("The model was closed.")
        return weights

    def _check(self, batch: TokenBatch) -> None:
        rows = len(batch)
        if not 0 < rows <= self.limits.batch_tokens:
            raise EngineFailure(f"A batch has 1 to {self.limits.batch_tokens} rows, not {rows}.")
        first, last = min(batch.positions), max(batch.positions)
        if first < 0 or last >= self.limits.context_length:
            raise EngineFailure(f"Positions {first} to {last} leave the context of {self.limits.context_length}.")
        self._check_sequences(min(batch.sequences), max(batch.sequences))

    def _check_sequences(self, *sequences: int) -> None:
        for sequence in sequences:
            if not 0 <= sequence < self.limits.sequences:
                raise EngineFailure(f"There is no sequence {sequence}; there are {self.limits.sequences}, from 0.")


def _template_of(weights: Weights) -> ChatTemplate:
    tokens = {name: _text_of(weights, token) for name, token in weights.special_tokens.items()}
    control_tokens = weights.tokenize("".join(CHATML_TOKENS), add_special=False, parse_special=True)
    return chat_template(
        weights.chat_template(),
        tokens,
        with_tools=weights.chat_template("tool_use"),
        speaks_chatml=len(control_tokens) == len(CHATML_TOKENS),
    )


def _text_of(weights: Weights, token: int | None) -> str:
    return "" if token is None else weights.piece(token, special=True).decode("utf-8", errors="replace")
