"""Timing engines on a machine that has other things to do, by a clock that only the engines move."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jackfield.contracts.engine import TokenBatch
from jackfield.models.tuning.speed import ATTEMPTS, ROUNDS, PairedTiming, Speed, best
from jackfield.testing.scripted_engine import ScriptedEngine

TOKENS = list(b"some text " * 60)


class Clock:
    """Seconds that have gone by."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class ClockedEngine(ScriptedEngine):
    """An engine whose passes take a second and a hundredth for each row, by the clock, `slowness` times."""

    def __init__(self, clock: Clock, slowness: float = 1.0) -> None:
        super().__init__()
        self.slowness = slowness
        self._clock = clock

    def evaluate(self, batch: TokenBatch) -> None:
        """Let time go by."""
        super().evaluate(batch)
        self._clock.now += self.slowness * (1 + 0.01 * len(batch))


def unheard() -> None:
    """Nobody counts the passes."""


def test_speeds_are_tokens_a_second() -> None:
    clock = Clock()
    timing = PairedTiming(ClockedEngine(clock, slowness=2), TOKENS, clock)
    speed, busy = timing.of(ClockedEngine(clock), unheard)
    assert speed.prefill == pytest.approx(512 / (8 * 1 + 5.12))
    assert speed.decode == pytest.approx(1 / 1.01)
    assert (timing.original.prefill, timing.original.decode) == pytest.approx((speed.prefill / 2, speed.decode / 2))
    assert not busy


def test_engines_take_turns_and_are_left_empty() -> None:
    clock, passes = Clock(), 0
    original, engine = ClockedEngine(clock), ClockedEngine(clock)

    def ran() -> None:
        nonlocal passes
        passes += 1

    PairedTiming(original, TOKENS, clock).of(engine, ran)
    assert original.passes == engine.passes == passes // 2
    assert original.evaluated_rows == ROUNDS * (512 + 64) + 64
    assert original.used_cells == engine.used_cells == 0


def test_an_engine_is_tried_again_while_the_other_is_slower_than_it_was() -> None:
    clock = Clock()
    original = ClockedEngine(clock)
    timing = PairedTiming(original, TOKENS, clock)
    timing.of(ClockedEngine(clock), unheard)
    calm, original.slowness = original.evaluated_rows, 4
    _, busy = timing.of(ClockedEngine(clock, slowness=4), unheard)
    assert busy
    assert original.evaluated_rows - calm == ATTEMPTS * (calm - 64) + 64
    assert timing.original.decode == pytest.approx(1 / 1.01)


def test_the_best_of_each_counts() -> None:
    found = best([Speed(prefill=1, decode=9), Speed(prefill=5, decode=2)])
    assert found == Speed(prefill=5, decode=9)


@pytest.mark.parametrize("slower", ["prefill", "decode"])
def test_one_kind_of_slowness_is_enough(slower: str) -> None:
    usual = Speed(prefill=100, decode=10)
    assert replace(usual, **{slower: 7}).is_far_below(replace(usual, **{slower: 10}))
    assert not replace(usual, **{slower: 9}).is_far_below(replace(usual, **{slower: 10}))
