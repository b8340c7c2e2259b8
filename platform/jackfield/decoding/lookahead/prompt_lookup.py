"""Drafts looked up in a sequence's own context and in its attached files (prompt lookup; LLMA, arXiv 2304.04487)."""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.decoding.lookahead.hit_rates import HitRates
from jackfield.decoding.lookahead.ngram_index import BREAK, NgramIndex

RESUMING_WINDOW = 24
"""Places after a lost one in which the source of a copy is looked for, by single tokens."""

RESUMING_PATIENCE = 24
"""Tokens after which a lost source is given up."""

REAL_COPY = 4
"""Tokens in a row that make a copy worth going back to."""

SHORT_DRAFT = 3
BORNE_OUT = 2
"""Tokens drafted after any match, and for each token of one that is longer."""

_LOWER_BOUNDS = (0, 1, 2, 3, 4, 6, 9, 17, 33)
_BELIEF = (0.3, 0.4, 0.4, 0.5, 0.6, 0.75, 0.85, 0.92, 0.95)
_KINDS = [sum(bound <= length for bound in _LOWER_BOUNDS) - 1 for length in range(_LOWER_BOUNDS[-1] + 1)]
"""Kind of guess by length of the match before it: what a long copy promises, a chance bigram does not."""


def match_hit_rates(belief: HitRates | None = None) -> HitRates:
    """Hit rates of guesses by the length of the match before them; believed to be like others', if given."""
    return HitRates(belief or _BELIEF)


class PromptLookup:
    """One sequence's place in an earlier text that it seems to copy; it guesses that the copying goes on.

    While guesses come true it keeps to its source. When one fails it takes the longest earlier match, else it tries to
    find its way back into the same source, behind a replaced, added or dropped token. Every token read is a
    guess tried, so that it knows what its guesses are worth without any being verified.
    """

    def __init__(self, references: Iterable[Iterable[int]] = (), hit_rates: HitRates | None = None) -> None:
        self._index = NgramIndex()
        self._rates = hit_rates or match_hit_rates()
        self._source: int | None = None
        self._length = 0
        self._lost: int | None = None
        self._lost_for = 0
        for reference in references:
            self.read_reference(reference)
            self.end_reference()

    def read_reference(self, tokens: Iterable[int]) -> None:
        """Add tokens of another text, before any of the sequence's own; drafts come from it too."""
        self._index.extend(tokens)

    def end_reference(self) -> None:
        """Close another text, so that no draft runs beyond it."""
        self._index.extend((BREAK,))

    def read(self, tokens: Iterable[int]) -> None:
        """Add tokens that the model did not write: nothing is learned from them."""
        self._index.extend(tokens)
        self._lost = None
        self._look_up()

    def extend(self, tokens: Iterable[int]) -> None:
        """Add tokens that the model wrote."""
        for token in tokens:
            self._extend_by(token)

    def draft(self, most: int) -> list[int]:
        """The continuation at the source, `most` tokens at most; empty where no match is known.

        It is no longer than the match before it bears out: a few equal words are no reason to expect a page.
        """
        if self._source is None:
            return []
        borne_out = max(SHORT_DRAFT, BORNE_OUT * self._length)
        return self._index.continuation(self._source, min(most, borne_out))

    def chances(self, count: int) -> list[float]:
        """For each of the next tokens the chance that it comes true if those before it did."""
        by_kind = [self._rates.chance(kind) for kind in range(self._rates.num_kinds)]
        return [by_kind[_kind(self._length + offset)] for offset in range(count)]

    def _extend_by(self, token: int) -> None:
        source = self._source
        hit = source is not None and self._index.text[source] == token
        if source is not None:
            self._rates.observe(_kind(self._length), hit)
        self._index.extend((token,))
        if hit and source is not None:
            self._go_to(source + 1, self._length + 1)
        else:
            self._lose(source)
            self._look_up()

    def _lose(self, source: int | None) -> None:
        """Remember where a copy was left; a guess at how it goes on does not count as one."""
        self._lost_for += 1
        if source is not None and self._length >= REAL_COPY:
            self._lost, self._lost_for = source, 0
        elif self._lost_for > RESUMING_PATIENCE:
            self._lost = None

    def _look_up(self) -> None:
        match = self._index.longest_match()
        if match is not None:
            self._go_to(match.source, match.length)
        else:
            self._resume()

    def _resume(self) -> None:
        """Go back into the lost source behind the newest token, else behind one that it may have replaced."""
        self._source = None
        if self._lost is None:
            return
        text = self._index.text
        window = text[self._lost : min(self._lost + RESUMING_WINDOW, len(text) - 1)]
        if text[-1] in window:
            self._go_to(self._lost + window.index(text[-1]) + 1, 1)
        elif self._lost_for == 0:
            self._go_to(self._lost + 1, 0)

    def _go_to(self, source: int, length: int) -> None:
        self._source, self._length = source, length
        if self._index.text[source] == BREAK:
            self._source = None


def _kind(length: int) -> int:
    return _KINDS[length] if length < len(_KINDS) else _KINDS[-1]
