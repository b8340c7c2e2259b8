"""Drawing tokens, on the logits of a tiny model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.engine import TokenBatch
from jackfield.contracts.sampling import Sampling
from jackfield.errors import EngineFailure, InvalidRequest
from jackfield_engines.llama_cpp.engine import LlamaCppEngine
from jackfield_engines.llama_cpp.sampler import SeededDraw, likeliest


@pytest.fixture
def engine(open_chat) -> LlamaCppEngine:
    """With one row evaluated, number 2."""
    engine = open_chat()
    batch = TokenBatch()
    for at, token in enumerate(engine.tokenize("the", special=False)[:3]):
        batch.add(token, position=at, sequence=0, logits=at == 2)
    engine.evaluate(batch)
    return engine


ROW = 2


def drawn(engine: LlamaCppEngine, count: int, **sampling: object) -> list[int]:
    """Tokens drawn from the row by one sampler."""
    sampler = engine.sampler(Sampling(**sampling), None)
    tokens = [sampler.sample(ROW) for _ in range(count)]
    sampler.close()
    return tokens


def ranked(engine: LlamaCppEngine) -> list[int]:
    """The row's tokens, likeliest first."""
    return np.argsort(engine.logits(ROW))[::-1].tolist()


def test_temperature_zero_is_the_likeliest(engine: LlamaCppEngine) -> None:
    assert drawn(engine, 3, temperature=0) == ranked(engine)[:1] * 3
    assert drawn(engine, 20, temperature=1e-7) == ranked(engine)[:1] * 20


def test_each_filter_leaves_only_what_it_should(engine: LlamaCppEngine) -> None:
    likely = ranked(engine)
    assert set(drawn(engine, 300, temperature=5, top_k=3, top_p=1, min_p=0, seed=1)) == set(likely[:3])
    assert set(drawn(engine, 50, temperature=5, top_k=0, top_p=1e-6, min_p=0, seed=1)) == set(likely[:1])
    assert set(drawn(engine, 50, temperature=5, top_k=0, top_p=1, min_p=1, seed=1)) == set(likely[:1])
    everything = drawn(engine, 3000, temperature=5, top_k=0, top_p=1, min_p=0, seed=1)
    assert len(set(everything)) > 200


def test_the_filters_come_before_the_temperature(engine: LlamaCppEngine) -> None:
    """As in llama.cpp: a hot draw picks among the same tokens as a cold one."""
    probabilities = np.exp(engine.logits(ROW).astype(np.float64))
    probabilities = np.sort(probabilities / probabilities.sum())[::-1]
    kept = int(np.searchsorted(np.cumsum(probabilities), 0.5)) + 1
    hot = drawn(engine, 2000, temperature=5, top_k=0, top_p=0.5, min_p=0, seed=5)
    assert set(hot) == set(ranked(engine)[:kept])


def test_penalties_hold_at_temperature_zero(engine: LlamaCppEngine) -> None:
    likely = ranked(engine)
    assert drawn(engine, 4, temperature=0, presence_penalty=2, repeat_penalty=10) != likely[:1] * 4
    sampler = engine.sampler(Sampling(temperature=0, repeat_penalty=10, presence_penalty=2), None)
    sampler.accept(likely[0])
    assert sampler.sample(ROW) != likely[0]


def test_penalties_reach_as_far_as_their_window(engine: LlamaCppEngine) -> None:
    first, second = ranked(engine)[:2]
    sampler = engine.sampler(Sampling(temperature=0, repeat_penalty=10, penalty_window=1), None)
    sampler.accept(first)
    sampler.accept(second)
    assert sampler.sample(ROW) == first
    assert drawn(engine, 3, temperature=0, repeat_penalty=10, penalty_window=0) == [first] * 3


def test_a_bias_can_forbid_and_force(engine: LlamaCppEngine) -> None:
    likely = ranked(engine)
    assert drawn(engine, 2, temperature=0, logit_bias={likely[0]: -100.0}) == likely[1:2] * 2
    assert likely[0] not in drawn(engine, 200, temperature=1, seed=2, logit_bias={likely[0]: -100.0})
    assert set(drawn(engine, 20, temperature=1, seed=2, logit_bias={likely[-1]: 100.0})) == {likely[-1]}


@pytest.mark.parametrize("bias", [{298: 1.0}, {-1: 1.0}, {2**40: 1.0}, {1: float("nan")}, {1: 1e300}])
def test_a_bias_that_makes_no_sense_is_refused(engine: LlamaCppEngine, bias: dict[int, float]) -> None:
    with pytest.raises(InvalidRequest, match="logit_bias") as refusal:
        engine.sampler(Sampling(logit_bias=bias), None)
    assert refusal.value.parameter == "logit_bias"


def test_extreme_settings_still_draw(engine: LlamaCppEngine) -> None:
    token = engine.model.vocabulary_size
    assert max(drawn(engine, 9, top_k=2**62, penalty_window=2**62, repeat_penalty=1e-9, seed=1)) < token
    assert max(drawn(engine, 9, temperature=5, frequency_penalty=-2, presence_penalty=-2, seed=1)) < token


def test_a_closed_sampler_draws_no_more(engine: LlamaCppEngine) -> None:
    sampler = engine.sampler(Sampling(), None)
    sampler.close()
    sampler.accept(1)
    with pytest.raises(EngineFailure, match="closed"):
        sampler.sample(ROW)


def test_a_sampler_outlives_its_engine_without_harm(engine: LlamaCppEngine) -> None:
    samplers = [engine.sampler(Sampling(temperature=t), None) for t in (0, 1)]
    engine.close()
    for sampler in samplers:
        with pytest.raises(EngineFailure):
            sampler.sample(ROW)
        sampler.close()


def test_logits_that_are_no_numbers_are_an_error() -> None:
    for broken in ([1.0, np.nan, 2.0], [np.nan] * 3, [-np.inf] * 3, [np.inf, 1.0]):
        with pytest.raises(EngineFailure, match="damaged"):
            likeliest(np.array(broken, dtype=np.float32))
    assert likeliest(np.array([1.0, -np.inf, 2.0, 2.0], dtype=np.float32)) == 2


SEEDS = st.integers(-(2**63), 2**63 - 1)
FOUR = np.arange(4, dtype=np.int32)


def series(seed: int | None, logits: np.ndarray, count: int) -> list[int]:
    """Draws among four tokens."""
    draw = SeededDraw(seed, 4)
    return [draw.among(FOUR, logits) for _ in range(count)]


@given(seed=SEEDS)
def test_a_seed_gives_its_own_series_whatever_its_size(seed: int) -> None:
    even = np.zeros(4, dtype=np.float32)
    assert series(seed, even, 40) == series(seed, even, 40) != series(seed ^ 1, even, 40)
    assert series(None, even, 40) != series(None, even, 40)


def test_draws_are_as_frequent_as_they_are_likely() -> None:
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    counts = np.bincount(series(3, np.log(shares).astype(np.float32), 20_000), minlength=4)
    assert np.allclose(counts / 20_000, shares, atol=0.015)


def test_what_is_next_to_impossible_is_not_drawn_out_of_a_large_vocabulary() -> None:
    size, likely = 49_152, 7
    logits = np.full(size, -30, dtype=np.float32)
    logits[likely] = 0
    draw, everything = SeededDraw(0, size), np.arange(size, dtype=np.int32)
    assert {draw.among(everything, logits) for _ in range(100)} == {likely}


def test_rounding_errors_and_the_order_of_tokens_hardly_change_a_draw() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=4000).astype(np.float32)
    noisy = logits + generator.normal(scale=0.002, size=4000).astype(np.float32)
    order = generator.permutation(4000).astype(np.int32)
    plain, other = SeededDraw(5, 4000), SeededDraw(5, 4000)
    everything = np.arange(4000, dtype=np.int32)
    pairs = [(plain.among(everything, logits), other.among(order, noisy[order])) for _ in range(1000)]
    assert sum(one != two for one, two in pairs) <= 5


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_a_sampler_draws_as_the_row_says(engine: LlamaCppEngine, bias: float) -> None:
    likely = ranked(engine)[0]
    logits = engine.logits(ROW).astype(np.float64)
    logits[likely] += bias
    share = np.exp(logits[likely]) / np.exp(logits).sum()
    settings = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 4, "logit_bias": {likely: bias}}
    assert abs(drawn(engine, 3000, **settings).count(likely) / 3000 - share) < 0.04
