"""Which drafted tokens a sequence keeps, once one batch has evaluated them all.

A sequence's rows are its newest token and its draft, every one flagged for logits: row i holds the model's choice
after the first i drafted tokens. Its own sampler draws row by row, and stops at the first token that differs from the
draft, which is kept: a step with `a` drafted tokens accepted yields a + 1. The sampler never draws from a row behind
a token that was not drawn, so its penalties, constraints and random series stand as they would without a draft.

This is exact for any sampling and any draft, good or bad: each token is drawn from the model's distribution after the
tokens that are really before it. With a temperature fewer drafts are accepted, and the distribution stays the same.
Greedy output is the same as without drafts but where the two best logits are so close that a batch's other order of
additions swaps them (see `near_tie`).

Afterwards the slot holds the newest token and the whole draft: truncate it to the sequence's tokens without the
newest, which is not evaluated yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence


def drawn_tokens(draw: Callable[[int], int], rows: Sequence[int], draft: Sequence[int]) -> Iterator[int]:
    """The tokens to keep, drawn one at a time; who stops asking (at an end token, a limit) stops the drawing.

    `rows` are those of the newest token and of the draft, one more than `draft` has; `draw` is `Sampler.sample`.
    """
    if len(rows) != len(draft) + 1:
        raise ValueError(f"a draft of {len(draft)} tokens is verified by {len(draft) + 1} rows, not {len(rows)}")
    for place, row in enumerate(rows):
        token = draw(row)
        yield token
        if place == len(draft) or token != draft[place]:
            return
