"""Where the n-grams of a growing text stand, so that its newest tokens are found again further back."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

BREAK = -1
"""Stands between texts that are indexed together; no match and no continuation runs across it."""

LONGEST_MATCH = 64
"""Matches are not measured further: a longer one promises nothing more."""

CANDIDATES = 8
"""Earlier places looked at for each n-gram length; the newest come first."""

TOKEN_BITS = 20
"""Tokens are packed into n-gram keys by this many bits; should two keys collide, the match is measured anyway."""

LONG, SHORT = 4, 2
LONG_MASK = (1 << TOKEN_BITS * LONG) - 1
SHORT_MASK = (1 << TOKEN_BITS * SHORT) - 1


class Match(msgspec.Struct, frozen=True):
    """The newest `length` tokens stand before place `source` too."""

    source: int
    length: int


class NgramIndex:
    """A text and, for each place in it, the place before which the same n-gram stood last (LZ77's hash chains).

    Adding a token takes well under a microsecond, and some 200 bytes.
    """

    def __init__(self) -> None:
        self.text: list[int] = []
        self._key = LONG_MASK
        self._newest_long: dict[int, int] = {}
        self._newest_short: dict[int, int] = {}
        # Entry p is about the n-gram that ends before place p; 0 is none, for no n-gram ends before the first token.
        self._previous_long: list[int] = [0]
        self._previous_short: list[int] = [0]

    def extend(self, tokens: Iterable[int]) -> None:
        """Add tokens at the text's end."""
        text, key = self.text, self._key
        newest_long, newest_short = self._newest_long, self._newest_short
        previous_long, previous_short = self._previous_long, self._previous_short
        end = len(text)
        for token in tokens:
            end += 1
            text.append(token)
            key = (key << TOKEN_BITS | token) & LONG_MASK
            previous_long.append(newest_long.get(key, 0))
            newest_long[key] = end
            short = key & SHORT_MASK
            previous_short.append(newest_short.get(short, 0))
            newest_short[short] = end
        self._key = key

    def longest_match(self) -> Match | None:
        """The longest earlier match of at least two newest tokens, the most recent of equals."""
        return self._longest(self._previous_long) or self._longest(self._previous_short)

    def continuation(self, source: int, most: int) -> list[int]:
        """What follows from a place on, as if the text repeated itself should that run into the text's end."""
        text = self.text
        following = text[source : source + most]
        period = len(following)
        if not period:
            return []
        if BREAK in following:
            return following[: following.index(BREAK)]
        while len(following) < most:
            following.extend(following[-period:])
        return following[:most]

    def _longest(self, previous: list[int]) -> Match | None:
        end = len(self.text)
        place = previous[end]
        best, length = 0, SHORT - 1
        for _ in range(CANDIDATES):
            if not place:
                break
            found = self._length_of_match(place, end)
            if found > length:
                best, length = place, found
                if length == LONGEST_MATCH:
                    break
            place = previous[place]
        return Match(best, length) if best else None

    def _length_of_match(self, place: int, end: int) -> int:
        text = self.text
        longest = min(place, LONGEST_MATCH)
        for length in range(longest):
            token = text[place - 1 - length]
            if token != text[end - 1 - length] or token == BREAK:
                return length
        return longest
