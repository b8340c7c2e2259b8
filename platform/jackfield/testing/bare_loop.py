"""Decoding without the decode loop: a few sequences, one step after the other, drafts verified if any are made.

What the decode loop writes can be compared with it, and drafters can be measured with nothing else in the way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from jackfield.contracts.engine import Sampler, TokenBatch, TokenEngine
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.decoding.lookahead.verification import drawn_tokens

GREEDY = Sampling(temperature=0)


class Guessing(Protocol):
    """Where drafts come from."""

    def drafts(
        self, rooms: Mapping[int, int], texts: Mapping[int, list[int]], spare_rows: int
    ) -> Mapping[int, list[int]]:
        """For sequences that may hold `rooms` tokens beyond their next: `spare_rows` tokens in all at most."""
        ...

    def stepped(self, rows: int, seconds: float, verified: Sequence[tuple[int, int]]) -> None:
        """A step took that long; tokens drafted and accepted for each draft."""
        ...


class NoGuessing:
    """One token a step."""

    def drafts(
        self, rooms: Mapping[int, int], texts: Mapping[int, list[int]], spare_rows: int
    ) -> Mapping[int, list[int]]:
        """None."""
        return {}

    def stepped(self, rows: int, seconds: float, verified: Sequence[tuple[int, int]]) -> None:
        """Nothing is learned."""


class LookaheadGuessing:
    """What a `Lookahead` plans; it follows sequences while they decode."""

    def __init__(self, lookahead: Lookahead, references: Sequence[Sequence[int]] = ()) -> None:
        self._lookahead = lookahead
        self._references = references
        self._followed: set[int] = set()

    def drafts(
        self, rooms: Mapping[int, int], texts: Mapping[int, list[int]], spare_rows: int
    ) -> Mapping[int, list[int]]:
        """Planned for this step."""
        for key in self._followed.difference(rooms):
            self._lookahead.forget(key)
        for key in set(rooms).difference(self._followed):
            self._lookahead.follow(key, texts[key], self._references)
        self._followed = set(rooms)
        return self._lookahead.plan(rooms, spare_rows=spare_rows)

    def stepped(self, rows: int, seconds: float, verified: Sequence[tuple[int, int]]) -> None:
        """Tell the planner."""
        self._lookahead.timed(rows, seconds)
        for drafted, accepted in verified:
            self._lookahead.verified(drafted, accepted)


class _Writing(msgspec.Struct):
    """A sequence under way."""

    text: list[int]
    sampler: Sampler
    room: int


class BareLoop:
    """Greedy or sampled decoding of several prompts at once; `timed` has rows and seconds of its steps."""

    def __init__(self, engine: TokenEngine, *, most: int, sampling: Sampling = GREEDY) -> None:
        self._engine = engine
        self._most = most
        self._sampling = sampling
        self.timed: list[tuple[int, float]] = []

    def answers(self, prompts: Sequence[Sequence[int]], guessing: Guessing | None = None) -> list[list[int]]:
        """What follows each prompt, `most` tokens or to an end token, which is included."""
        guessing = guessing or NoGuessing()
        writing = {
            key: _Writing(list(prompt), self._engine.sampler(self._sampling, None), self._most)
            for key, prompt in enumerate(prompts)
        }
        texts = {key: each.text for key, each in writing.items()}
        for key, text in texts.items():
            self._prefill(key, text)
        running = dict(writing)
        while running:
            self._step(running, texts, guessing)
        for each in writing.values():
            each.sampler.close()
        return [texts[key][len(prompt) :] for key, prompt in enumerate(prompts)]

    def _prefill(self, key: int, text: Sequence[int]) -> None:
        """Evaluate all but the newest token."""
        rows = self._engine.limits.batch_tokens
        for start in range(0, len(text) - 1, rows):
            batch = TokenBatch()
            for position in range(start, min(start + rows, len(text) - 1)):
                batch.add(text[position], position=position, sequence=key, logits=False)
            self._engine.evaluate(batch)

    def _step(self, running: dict[int, _Writing], texts: Mapping[int, list[int]], guessing: Guessing) -> None:
        began = time.perf_counter()
        rooms = {key: each.room - 1 for key, each in running.items()}
        drafts = guessing.drafts(rooms, texts, self._engine.limits.batch_tokens - len(running))
        batch, rows = _batch(running, drafts)
        evaluating = time.perf_counter()
        self._engine.evaluate(batch)
        evaluated = time.perf_counter() - evaluating
        verified = []
        for key, each in list(running.items()):
            draft = drafts.get(key, [])
            kept = self._draw(each, rows[key], draft)
            if draft:
                verified.append((len(draft), kept - 1))
            if each.room == 0:
                del running[key]
            self._cut(key, len(each.text) - 1 if each.room else 0)
        guessing.stepped(len(batch), evaluated, verified)
        self.timed.append((len(batch), time.perf_counter() - began))

    def _draw(self, each: _Writing, rows: Sequence[int], draft: Sequence[int]) -> int:
        """Keep what is drawn; how many tokens that are. At an end token there is no more room."""
        kept = 0
        for token in drawn_tokens(each.sampler.sample, rows, draft):
            each.text.append(token)
            each.room -= 1
            kept += 1
            if token in self._engine.model.end_tokens:
                each.room = 0
            if each.room == 0:
                break
        return kept

    def _cut(self, key: int, length: int) -> None:
        if not self._engine.truncate(key, length):
            raise AssertionError(f"{self._engine.model.name} cannot take back what was drafted")


def _batch(
    running: Mapping[int, _Writing], drafts: Mapping[int, Sequence[int]]
) -> tuple[TokenBatch, dict[int, list[int]]]:
    """Each sequence's newest token and draft, and their rows."""
    batch = TokenBatch()
    rows = {}
    for key, each in running.items():
        newest = len(each.text) - 1
        rows[key] = [
            batch.add(token, position=newest + offset, sequence=key, logits=True)
            for offset, token in enumerate([each.text[-1], *drafts.get(key, ())])
        ]
    return batch, rows
