"""Which tokens keep an answer in its shape, by llguidance. Nothing else in Jackfield imports `llguidance`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from numpy.typing import NDArray

from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import ConstraintUnsupported, EngineFailure, InvalidRequest

LIMITS = LLParserLimits(
    initial_lexer_fuel=1_000_000,
    step_lexer_fuel=200_000,
    step_max_items=50_000,
    max_lexer_states=100_000,
    max_grammar_size=500_000,
    precompute_large_lexemes=False,
    verbose_errors=False,
)
"""A step on the decode thread ends after some 15 ms, in an error where it must."""

MOST_STEPS = 10_000
"""Tokens in all that copies of one matcher are followed for: they share a lexer, and its states add up."""

WITHOUT_TEXT = b"\xff[%d]"
"""What is no text, and so in no shape: a byte that UTF-8 does not have comes first."""

_ASIDE = re.compile(
    r"^(?:(?:at )?\d+\(\d+\): )?(?:failed to compile JSON schema: |invalid regex .* \(in regex\): )?| Enable '.*"
)
_REASON = re.compile(r"^error: (.*)$", re.MULTILINE)


class TokenTrie:
    """A vocabulary as the matcher goes through it: by the bytes that tokens write. Half a second's work at worst."""

    def __init__(self, vocabulary: MatchedVocabulary) -> None:
        """Raises ConstraintUnsupported where no answer comes to an end by itself."""
        ends = sorted(vocabulary.end_tokens - vocabulary.suppressed)
        if not ends:
            raise ConstraintUnsupported("This model has no token that ends an answer, so none can be held to a shape.")
        self.size = vocabulary.size
        self.pieces = [vocabulary.piece(token) for token in range(vocabulary.size)]
        self.end_tokens = vocabulary.end_tokens
        silent = [token for token, piece in enumerate(self.pieces) if not piece]
        self.free_tokens = self._mask_of(set(silent) - vocabulary.end_tokens - vocabulary.suppressed)
        self.ends = self._mask_of(ends)
        wordless = vocabulary.suppressed.union(silent)
        words = [WITHOUT_TEXT % token if token in wordless else piece for token, piece in enumerate(self.pieces)]
        self.tokenizer = LLTokenizer(TokenizerWrapper(_Words(words, ends)), n_vocab=self.size, eos_token=ends)

    def _mask_of(self, tokens: Iterable[int]) -> NDArray[np.int32]:
        mask = np.zeros((self.size + 31) // 32, dtype=np.int32)
        bits = mask.view(np.uint8)
        for token in tokens:
            bits[token // 8] |= 1 << token % 8
        return mask


class _Words:
    """What llguidance asks of a tokenizer; it never asks how a text is tokenized, since nothing is forced."""

    bos_token_id = None

    def __init__(self, tokens: list[bytes], ends: Sequence[int]) -> None:
        self.tokens = tokens
        self.eos_token_id = ends[0]

    def __call__(self, text: bytes) -> list[int]:
        return []


class SharedLexer:
    """What copies of a matcher have in common: how long it was in use, and whether it came to its limits."""

    def __init__(self) -> None:
        self.steps = 0
        self.failed = False

    @property
    def worn(self) -> bool:
        """Whether answers that begin now should have another."""
        return self.failed or self.steps >= MOST_STEPS


class ConstraintMatcher:
    """How far one answer is in its shape. `copy` it before use, so that what was compiled serves again."""

    def __init__(
        self, trie: TokenTrie, matcher: LLMatcher, triggers: tuple[bytes, ...] | None, lexer: SharedLexer
    ) -> None:
        """Text is free until one of the triggers is written, or where they are None, wherever the answer may end."""
        self.lexer = lexer
        self._trie = trie
        self._matcher = matcher
        self._triggers = triggers
        self._free = bool(triggers)
        self._recent = b""
        self._mask = np.zeros((trie.size + 31) // 32, dtype=np.int32)
        self._filled = False

    def copy(self) -> ConstraintMatcher:
        """Another one at the same place."""
        return ConstraintMatcher(self._trie, self._matcher.deep_copy(), self._triggers, self.lexer)

    @property
    def complete(self) -> bool:
        """Whether the shape is whole and nothing may follow."""
        return self._matcher.is_stopped() and not self._matcher.is_error()

    def allowed(self) -> NDArray[np.int64]:
        """The tokens that may come next, ascending: end tokens only where the shape may end. Raises EngineFailure.

        Until a trigger is written, any token may come that keeps the text valid, control tokens too; only one that
        writes a trigger and goes on must go on in the shape.
        """
        tokens = np.flatnonzero(np.unpackbits(self._filled_mask(), count=self._trie.size, bitorder="little"))
        if not len(tokens):
            raise EngineFailure("The answer's shape leaves no token to go on with; change the constraint.")
        return tokens

    def allows(self, token: int) -> bool:
        """Whether a token is among those that are allowed, for less than it takes to name them all."""
        return bool(self._filled_mask()[token // 8] >> token % 8 & 1)

    def advance(self, token: int) -> None:
        """Count a token that was written; raises EngineFailure where it was not allowed."""
        if self._triggers is None:
            self._filled_mask()
        if self._free and token not in self._trie.end_tokens:
            piece = self._trie.pieces[token]
            if not piece:
                return
            if self._triggers:
                self._recent += piece
                self._free = not any(trigger in self._recent for trigger in self._triggers)
                self._recent = self._recent[-max(map(len, self._triggers)) :]
        self._filled = False
        if not self._matcher.consume_token(token):
            self._check()

    def _filled_mask(self) -> NDArray[np.uint8]:
        """A bit for each token, lowest first; found once for each place in the answer."""
        mask = self._mask
        if not self._filled:
            self.lexer.steps += 1
            self._matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
            self._check()
            if self._triggers is None:
                self._free = bool(np.any(np.bitwise_and(mask, self._trie.ends)))
            if self._free:
                np.bitwise_or(mask, self._trie.free_tokens, out=mask)
            self._filled = True
        return mask.view(np.uint8)

    def _check(self) -> None:
        """A matcher in error allows what it should not, and must not be followed."""
        if self._matcher.is_error():
            self.lexer.failed = True
            raise EngineFailure(
                f"The answer's shape could not be followed any further ({_reason(self._matcher.get_error())}); "
                "simplify the constraint."
            )


def compiled_matcher(
    trie: TokenTrie, grammar: str, triggers: tuple[str, ...] | None, parameter: str
) -> ConstraintMatcher:
    """A matcher of a grammar in Lark's notation, tried once; raises InvalidRequest with the compiler's reason."""
    compiled = LLMatcher(trie.tokenizer, grammar, log_level=0, limits=LIMITS)
    if compiled.is_error():
        reason = _reason(compiled.get_error())
        raise InvalidRequest(f"The constraint cannot be compiled: {reason}.", parameter=parameter)
    tried = compiled.deep_copy()
    tried.compute_bitmask()
    if tried.get_error().startswith("NoExtension"):
        raise InvalidRequest("No answer can have the shape that the constraint asks for.", parameter=parameter)
    if tried.is_error():
        raise InvalidRequest(f"The constraint is too complex: {_reason(tried.get_error())}.", parameter=parameter)
    texts = None if triggers is None else tuple(trigger.encode() for trigger in triggers)
    return ConstraintMatcher(trie, compiled, texts, SharedLexer())


def _reason(error: str) -> str:
    """The compiler's reason in its own words, without the source that it quotes and its advice on its own options."""
    if found := _REASON.search(error):
        return found[1].rstrip(".")
    lines = [line for line in error.splitlines() if line.strip() and not line.lstrip().startswith("<")]
    return _ASIDE.sub("", lines[0] if lines else "no reason was given").rstrip(". ")
