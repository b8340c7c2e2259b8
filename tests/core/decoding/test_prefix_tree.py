"""The prefix tree against the plainest model of it: every sequence a list of numbered cells."""

from __future__ import annotations

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jackfield.decoding.prefix_tree import PrefixTree, common_length

Cell = tuple[int, int]
"""A cell's number and the token in it."""

TOKENS = st.lists(st.integers(0, 2), max_size=12)


class TreeAgainstCells(RuleBasedStateMachine):
    """Random sharing, growing, cutting and locking; the tree says what the cells say."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = PrefixTree()
        self.cells: dict[int, list[Cell]] = {}
        self.locked: set[int] = set()
        self.numbers = itertools.count()
        self.names = itertools.count()

    @rule(locked=st.booleans())
    def add(self, locked: bool) -> None:
        name = next(self.names)
        self.tree.add(name, locked=locked)
        self.cells[name] = []
        if locked:
            self.locked.add(name)

    @precondition(lambda self: self.cells)
    @rule(data=st.data(), tokens=TOKENS)
    def extend(self, data: st.DataObject, tokens: list[int]) -> None:
        name = self._any(data)
        self.tree.extend(name, tokens)
        self.cells[name] += [(next(self.numbers), token) for token in tokens]

    @precondition(lambda self: len(self.cells) > 1)
    @rule(data=st.data())
    def share(self, data: st.DataObject) -> None:
        source, target = self._any(data), self._any(data)
        if source == target or self.cells[target]:
            return
        length = data.draw(st.integers(0, len(self.cells[source])))
        self.tree.share(source, target, length)
        self.cells[target] = self.cells[source][:length]

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        name = self._any(data)
        length = data.draw(st.integers(0, len(self.cells[name])))
        self.tree.truncate(name, length)
        del self.cells[name][length:]

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = self._any(data)
        self.tree.remove(name)
        del self.cells[name]
        self.locked.discard(name)

    @precondition(lambda self: self.cells)
    @rule(data=st.data(), locked=st.booleans())
    def lock_or_unlock(self, data: st.DataObject, locked: bool) -> None:
        name = self._any(data)
        (self.tree.lock if locked else self.tree.unlock)(name)
        (self.locked.add if locked else self.locked.discard)(name)

    @rule(tokens=TOKENS)
    def match(self, tokens: list[int]) -> None:
        match = self.tree.match(tokens)
        common = {name: common_length(self._tokens(name), tokens) for name in self.cells}
        assert match.length == max(common.values(), default=0)
        assert all(common[name] == match.length for name in match.holders)
        assert bool(match.holders) == bool(match.length)
        assert match.locked <= match.length

    @invariant()
    def holds_the_same(self) -> None:
        assert set(self.tree) == set(self.cells)
        for name, cells in self.cells.items():
            assert self.tree.tokens(name) == self._tokens(name)
            assert self.tree.length(name) == len(cells)
            others = {cell for other, held in self.cells.items() if other != name for cell in held}
            assert self.tree.own_cells(name) == len(set(cells) - others)

    @invariant()
    def counts_the_same(self) -> None:
        assert self.tree.cells == len({cell for cells in self.cells.values() for cell in cells})
        assert self.tree.locked_cells == len({cell for name in self.locked for cell in self.cells[name]})

    def _any(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.cells)))

    def _tokens(self, name: int) -> list[int]:
        return [token for _, token in self.cells[name]]


TestTreeAgainstCells = TreeAgainstCells.TestCase
TestTreeAgainstCells.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
