"""Compiles constraints against one model's vocabulary, and keeps what was compiled lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield.decoding.constraints.grammar_text import grammar_text, parts_by_name, texts_before_shape
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.errors import InvalidRequest, MissingDependency

if TYPE_CHECKING:
    from jackfield.decoding.constraints.matcher import ConstraintMatcher, TokenTrie

MOST_KEPT = 128
"""Enough that what a waiting request needs is seldom compiled again while others decode."""

REMEDY = "pip install 'jackfield[local]'"


class ConstraintCompiler:
    """Matchers for one vocabulary. Any thread; what is slow holds up only those who ask for the same."""

    def __init__(self, vocabulary: MatchedVocabulary) -> None:
        self._vocabulary = vocabulary
        self._kept: OrderedDict[Constraint, ConstraintMatcher] = OrderedDict()
        self._lock = threading.Lock()
        self._trie_lock = threading.Lock()

    def compile(self, constraint: Constraint) -> None:
        """Have a constraint ready; raises InvalidRequest with the reason, or MissingDependency."""
        kept = self._found(constraint)
        if kept is None or kept.lexer.worn:
            self._newly_compiled(constraint)

    def matcher(self, constraint: Constraint) -> ConstraintMatcher:
        """A matcher at the beginning of an answer, for one answer; compiled now if need be."""
        kept = self._found(constraint)
        if kept is None or kept.lexer.failed:
            kept = self._newly_compiled(constraint)
        return kept.copy()

    def _found(self, constraint: Constraint) -> ConstraintMatcher | None:
        key = _key(constraint)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _newly_compiled(self, constraint: Constraint) -> ConstraintMatcher:
        grammar = grammar_text(constraint)
        with self._trie_lock:
            trie = self._trie
        from jackfield.decoding.constraints.matcher import compiled_matcher

        for name, part in parts_by_name(constraint):
            try:
                compiled_matcher(trie, part, (), constraint.parameter)
            except InvalidRequest as error:
                raise InvalidRequest(f"For {name}: {error.message}", parameter=constraint.parameter) from error
        compiled = compiled_matcher(trie, grammar, texts_before_shape(constraint), constraint.parameter)
        with self._lock:
            self._kept[_key(constraint)] = compiled
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return compiled

    @cached_property
    def _trie(self) -> TokenTrie:
        try:
            from jackfield.decoding.constraints.matcher import TokenTrie
        except ImportError as error:
            raise MissingDependency(
                f"llguidance, which shapes answers, cannot be loaded ({error}); install it with `{REMEDY}`."
            ) from error
        return TokenTrie(self._vocabulary)


def _key(constraint: Constraint) -> Constraint:
    """The same for constraints that differ only in what the request calls them."""
    return msgspec.structs.replace(constraint, parameter="")
