"""Prompt lookup for several sequences, long prompts read a chunk at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jackfield.decoding.lookahead.drafter import Draft
from jackfield.decoding.lookahead.hit_rates import HitRates
from jackfield.decoding.lookahead.prompt_lookup import PromptLookup, match_hit_rates

CHUNK = 2048
"""Tokens indexed in one go: about a millisecond and a half."""


class PromptLookupDrafter:
    """A `PromptLookup` for each sequence; what their guesses were worth is what is believed of the next one's."""

    def __init__(self) -> None:
        self._rates = match_hit_rates()
        self._followed: dict[int, _Followed] = {}

    def follow(self, key: int, tokens: Sequence[int], references: Sequence[Sequence[int]] = ()) -> None:
        """Look a sequence's continuations up in itself and in these references."""
        self._followed[key] = _Followed(tokens, references, match_hit_rates(self._rates))

    def catch_up(self) -> None:
        """Index a chunk of the first sequence that is far behind."""
        for followed in self._followed.values():
            if followed.read_chunk():
                return

    def seconds(self, sequences: int) -> float:
        """Microseconds, which are not counted."""
        return 0.0

    def expected_chance(self, key: int) -> float:
        """That of its next guess; 0 without one."""
        lookup = self._followed[key].lookup
        return lookup.chances(1)[0] if lookup.draft(1) else 0.0

    def drafts(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Continuations of the sequences that stand in an earlier text's course."""
        drafts = {}
        for key, most in wanted.items():
            followed = self._followed[key]
            if not followed.caught_up():
                continue
            tokens = followed.lookup.draft(most)
            if tokens:
                drafts[key] = Draft(tokens, followed.lookup.chances(len(tokens)))
        return drafts

    def forget(self, key: int) -> None:
        """Free a sequence's index."""
        self._followed.pop(key, None)

    def close(self) -> None:
        """Free every index."""
        self._followed.clear()


class _Followed:
    """A sequence's live tokens, and how far they and the references before them are indexed."""

    def __init__(self, tokens: Sequence[int], references: Sequence[Sequence[int]], rates: HitRates) -> None:
        self.lookup = PromptLookup(hit_rates=rates)
        self._tokens = tokens
        self._unread = [reference for reference in references if reference]
        self._place = 0
        self._prompt_length = len(tokens)
        self._read = 0

    def read_chunk(self) -> bool:
        """Index a chunk of what stood there from the beginning; False if that is done."""
        if self._unread:
            reference = self._unread[0]
            self.lookup.read_reference(reference[self._place : self._place + CHUNK])
            self._place += CHUNK
            if self._place >= len(reference):
                self.lookup.end_reference()
                self._place = 0
                del self._unread[0]
            return True
        if self._read >= self._prompt_length:
            return False
        end = min(self._read + CHUNK, self._prompt_length)
        self.lookup.read(self._tokens[self._read : end])
        self._read = end
        return True

    def caught_up(self) -> bool:
        """Follow what was written since; False while what stood there from the beginning is not indexed."""
        if self._unread or self._read < self._prompt_length:
            return False
        if self._read < len(self._tokens):
            self.lookup.extend(self._tokens[self._read :])
            self._read = len(self._tokens)
        return True
