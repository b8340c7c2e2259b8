"""A radix tree over token ids: which sequences hold which prefixes, and how many KV cells that takes in all.

A node is a run of tokens that was evaluated once; the sequences that share it hold it together, so every node's tokens
stand for as many cells. Two sequences that evaluated equal tokens apart from each other have a node each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

COMPARED_AT_ONCE = 64


class Match(msgspec.Struct, frozen=True):
    """The longest prefix that is held and who holds all of it; the first `locked` tokens of it are in use."""

    length: int
    locked: int
    holders: frozenset[int]


NO_MATCH = Match(0, 0, frozenset())


class Node:
    """A run of tokens, those that hold it, and the runs that follow it."""

    __slots__ = ("children", "holders", "locks", "parent", "tokens")

    def __init__(self, parent: Node | None, tokens: list[int]) -> None:
        self.parent = parent
        self.tokens = tokens
        self.holders: set[int] = set()
        self.locks = 0
        self.children: dict[int, list[Node]] = {}

    def adopt(self, child: Node) -> None:
        """Let a run follow this one."""
        child.parent = self
        self.children.setdefault(child.tokens[0], []).append(child)

    def disown(self, child: Node) -> None:
        """Take a run away."""
        siblings = self.children[child.tokens[0]]
        siblings.remove(child)
        if not siblings:
            del self.children[child.tokens[0]]


class PrefixTree:
    """The token runs of all sequences; sequences are numbers that the owner gives. Plain bookkeeping, no engine.

    Each is of a family, one for each adapter. Families share nothing: equal tokens have other keys and values there.
    """

    def __init__(self) -> None:
        self._roots: dict[str, Node] = {}
        self._families: dict[int, str] = {}
        self._ends: dict[int, Node] = {}
        self._lengths: dict[int, int] = {}
        self._locked: set[int] = set()
        self.cells = 0
        self.locked_cells = 0

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._ends

    def __iter__(self) -> Iterator[int]:
        return iter(self._ends)

    def length(self, sequence: int) -> int:
        """How many tokens a sequence holds."""
        return self._lengths[sequence]

    def tokens(self, sequence: int) -> list[int]:
        """What a sequence holds, from its first token."""
        runs = [node.tokens for node in self._path(sequence)]
        return [token for run in reversed(runs) for token in run]

    def is_locked(self, sequence: int) -> bool:
        """Whether a sequence's cells count as in use."""
        return sequence in self._locked

    def own_cells(self, sequence: int) -> int:
        """Cells that would be free again without this sequence."""
        return sum(len(node.tokens) for node in self._path(sequence) if len(node.holders) == 1)

    def family(self, sequence: int) -> str:
        """Whom alone a sequence shares with."""
        return self._families[sequence]

    def add(self, sequence: int, *, family: str = "", locked: bool = False) -> None:
        """Take in a sequence that holds nothing yet."""
        self._families[sequence] = family
        self._ends[sequence] = self._roots.setdefault(family, Node(None, []))
        self._lengths[sequence] = 0
        if locked:
            self._locked.add(sequence)

    def match(self, tokens: Sequence[int], family: str = "") -> Match:
        """The longest prefix of some tokens that a family holds."""
        root = self._roots.get(family)
        if root is None:
            return NO_MATCH
        best, longest, locked = root, 0, 0
        branches = [(root, 0, 0)]
        while branches:
            node, at, in_use = branches.pop()
            for child in node.children.get(tokens[at], ()) if at < len(tokens) else ():
                length = at + common_length(child.tokens, tokens, at)
                locked_here = length if child.locks else in_use
                if length > longest:
                    best, longest, locked = child, length, locked_here
                if length == at + len(child.tokens):
                    branches.append((child, length, locked_here))
        return Match(longest, locked, frozenset(best.holders)) if longest else NO_MATCH

    def share(self, source: int, target: int, length: int) -> None:
        """Let a sequence that holds nothing hold another's first `length` tokens too."""
        if not length:
            return
        end = self._node_ending_at(source, length)
        self._ends[target] = end
        self._lengths[target] = length
        for node in self._path(target):
            node.holders.add(target)
            if target in self._locked:
                self._lock(node)

    def extend(self, sequence: int, tokens: Sequence[int]) -> None:
        """Note tokens that a sequence evaluated after those that it holds."""
        if not tokens:
            return
        end = self._ends[sequence]
        if end.parent is None or end.children or len(end.holders) > 1:
            end = self._follow(end, sequence, list(tokens))
        else:
            end.tokens.extend(tokens)
        self._lengths[sequence] += len(tokens)
        self.cells += len(tokens)
        if end.locks:
            self.locked_cells += len(tokens)

    def truncate(self, sequence: int, length: int) -> None:
        """Keep a sequence's first `length` tokens."""
        if length >= self._lengths[sequence]:
            return
        keep = self._node_ending_at(sequence, length) if length else self._roots[self._families[sequence]]
        for node in list(self._path(sequence)):
            if node is keep:
                break
            self._let_go(node, sequence)
        self._ends[sequence] = keep
        self._lengths[sequence] = length

    def remove(self, sequence: int) -> None:
        """Forget a sequence; what nobody else holds is gone."""
        self.truncate(sequence, 0)
        del self._ends[sequence], self._lengths[sequence]
        self._locked.discard(sequence)
        family = self._families.pop(sequence)
        if family not in self._families.values():
            del self._roots[family]

    def lock(self, sequence: int) -> None:
        """Count a sequence's cells as in use."""
        if sequence not in self._locked:
            self._locked.add(sequence)
            for node in self._path(sequence):
                self._lock(node)

    def unlock(self, sequence: int) -> None:
        """Count a sequence's cells as in use no longer, but for those that another's lock holds."""
        if sequence in self._locked:
            self._locked.discard(sequence)
            for node in self._path(sequence):
                self._unlock(node)

    def _path(self, sequence: int) -> Iterator[Node]:
        """A sequence's nodes, from its end to its beginning."""
        node = self._ends[sequence]
        while node.parent is not None:
            yield node
            node = node.parent

    def _node_ending_at(self, sequence: int, length: int) -> Node:
        """The node on a sequence's path that ends after `length` tokens; one that goes on is split there."""
        end = self._lengths[sequence]
        for node in self._path(sequence):
            begin = end - len(node.tokens)
            if begin < length:
                return node if length == end else self._split(node, length - begin)
            end = begin
        raise ValueError(f"sequence {sequence} does not hold {length} tokens")

    def _split(self, node: Node, at: int) -> Node:
        """Put the first tokens of a node into one of their own before it."""
        if node.parent is None:
            raise ValueError("the root has no tokens to split")
        head = Node(node.parent, node.tokens[:at])
        head.holders, head.locks = set(node.holders), node.locks
        node.parent.disown(node)
        node.parent.adopt(head)
        node.tokens = node.tokens[at:]
        head.adopt(node)
        return head

    def _follow(self, parent: Node, sequence: int, tokens: list[int]) -> Node:
        node = Node(parent, tokens)
        node.holders.add(sequence)
        node.locks = 1 if sequence in self._locked else 0
        parent.adopt(node)
        self._ends[sequence] = node
        return node

    def _let_go(self, node: Node, sequence: int) -> None:
        node.holders.discard(sequence)
        if sequence in self._locked:
            self._unlock(node)
        if not node.holders and node.parent is not None:
            self.cells -= len(node.tokens)
            node.parent.disown(node)

    def _lock(self, node: Node) -> None:
        node.locks += 1
        if node.locks == 1:
            self.locked_cells += len(node.tokens)

    def _unlock(self, node: Node) -> None:
        node.locks -= 1
        if not node.locks:
            self.locked_cells -= len(node.tokens)


def common_length(run: Sequence[int], tokens: Sequence[int], start: int = 0) -> int:
    """How many of a run's tokens stand at `start` of the others too."""
    most = min(len(run), len(tokens) - start)
    at = 0
    while at < most:
        step = min(COMPARED_AT_ONCE, most - at)
        if list(run[at : at + step]) != list(tokens[start + at : start + at + step]):
            break
        at += step
    while at < most and run[at] == tokens[start + at]:
        at += 1
    return at
