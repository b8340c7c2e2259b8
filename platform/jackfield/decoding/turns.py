"""Whose turn it is: a forward pass goes through one adapter, so the sequences of each wait for those of the others.

Turns are one step long. Longer ones would save changes of adapter, and make every stream of the others pause.
"""

from __future__ import annotations

from collections.abc import Iterable


class Turns:
    """Families of sequences in the order in which they had their last turn."""

    def __init__(self) -> None:
        self._order: list[str] = []

    def next(self, families: Iterable[str]) -> str:
        """The one of these that waited longest, those that are new being last; "" where there are none."""
        present = dict.fromkeys(families)
        order = [family for family in self._order if family in present]
        order += [family for family in present if family not in self._order]
        self._order = [*order[1:], *order[:1]]
        return order[0] if order else ""
