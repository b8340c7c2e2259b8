"""The automaton of a regular expression whose states are its characters (Glushkov's), and what its texts begin with."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Sequence as Items

import msgspec

from jackfield.decoding.constraints.gbnf import LAST_CHARACTER, Characters, Choice, Node, Repeated, Sequence

Ranges = tuple[tuple[int, int], ...]


class Ends(msgspec.Struct, frozen=True):
    """Whether a node may be nothing, and the positions that its texts may begin and end with."""

    nothing: bool
    first: frozenset[int]
    last: frozenset[int]


NOTHING = Ends(nothing=True, first=frozenset(), last=frozenset())


def size(node: Node) -> int:
    """How many positions a node has, each repetition counted."""
    match node:
        case Characters():
            return 1
        case Repeated(inner, least, most):
            return size(inner) * max(1, least if most is None else most)
        case Sequence(nodes) | Choice(nodes):
            return sum(map(size, nodes))
    raise AssertionError("a name has no size of its own")


class Positions:
    """The automaton of one node out of several, none of which names a rule."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._ranges: list[Ranges] = []
        self._next: list[set[int]] = []
        self._ends = self._choice(nodes)
        self._letters = _letters(self._ranges)

    def may_begin_like(self, others: Iterable[Characters]) -> bool:
        """Whether some text begins with a character that is one of others."""
        taken = [ranges_of(other) for other in others]
        return any(_meet(self._ranges[position], ranges) for position in self._ends.first for ranges in taken)

    def none_goes_on(self) -> bool:
        """Whether no text is the beginning of another: of two walks that read the same, none ends while one goes on."""
        if self._ends.nothing:
            return not self._ends.first
        if any(self._next[position] for position in self._ends.last):
            return False
        waiting = self._side_by_side(self._ends.first, self._ends.first)
        seen = set(waiting)
        while waiting:
            one, other = waiting.pop()
            if (one in self._ends.last and self._next[other]) or (other in self._ends.last and self._next[one]):
                return False
            fresh = self._side_by_side(self._next[one], self._next[other]) - seen
            seen |= fresh
            waiting |= fresh
        return True

    def _side_by_side(self, some: Iterable[int], others: Collection[int]) -> set[tuple[int, int]]:
        """The pairs of positions that can read one character both, the lower first."""
        letters = self._letters
        return {
            (one, other) if one <= other else (other, one)
            for one in some
            for other in others
            if letters[one] & letters[other]
        }

    def _of(self, node: Node) -> Ends:
        match node:
            case Characters():
                position = len(self._ranges)
                self._ranges.append(ranges_of(node))
                self._next.append(set())
                return Ends(nothing=False, first=frozenset({position}), last=frozenset({position}))
            case Sequence(nodes):
                return self._sequence([self._of(inner) for inner in nodes])
            case Choice(nodes):
                return self._choice(nodes)
            case Repeated(inner, least, None):
                return self._sequence([*(self._of(inner) for _ in range(least - 1)), self._loop(inner, least)])
            case Repeated(inner, least, int(most)):
                return self._sequence([self._optional(inner, number >= least) for number in range(most)])
        raise AssertionError("a name has no positions of its own")

    def _choice(self, nodes: Iterable[Node]) -> Ends:
        options = [self._of(node) for node in nodes]
        return Ends(
            nothing=any(option.nothing for option in options),
            first=frozenset[int]().union(*(option.first for option in options)),
            last=frozenset[int]().union(*(option.last for option in options)),
        )

    def _sequence(self, parts: Items[Ends]) -> Ends:
        whole = NOTHING
        for part in parts:
            self._link(whole.last, part.first)
            whole = Ends(
                nothing=whole.nothing and part.nothing,
                first=whole.first | part.first if whole.nothing else whole.first,
                last=whole.last | part.last if part.nothing else part.last,
            )
        return whole

    def _loop(self, inner: Node, least: int) -> Ends:
        once = self._of(inner)
        self._link(once.last, once.first)
        return Ends(nothing=once.nothing or least == 0, first=once.first, last=once.last)

    def _optional(self, inner: Node, optional: bool) -> Ends:
        once = self._of(inner)
        return Ends(nothing=once.nothing or optional, first=once.first, last=once.last)

    def _link(self, last: Iterable[int], first: Iterable[int]) -> None:
        for position in last:
            self._next[position].update(first)


def ranges_of(characters: Characters) -> Ranges:
    """The code points, as ranges that follow on each other."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(characters.ranges):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    if not characters.negated:
        return tuple(merged)
    starts = [0, *(end + 1 for _, end in merged)]
    ends = [*(start - 1 for start, _ in merged), LAST_CHARACTER]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start <= end)


def _letters(classes: Items[Ranges]) -> list[int]:
    """Each class as a set of bits, one for each stretch of characters that all classes treat alike."""
    stretches = sorted({start for ranges in classes for start, _ in ranges} | {0})
    return [
        sum(1 << bit for bit, first in enumerate(stretches) if any(start <= first <= end for start, end in ranges))
        for ranges in classes
    ]


def _meet(one: Ranges, other: Ranges) -> bool:
    return any(start <= last and first <= end for start, end in one for first, last in other)
