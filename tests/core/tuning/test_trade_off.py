"""Which format is chosen, and which are worth having."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.models.tuning.divergence import Divergence
from jackfield.models.tuning.speed import Speed
from jackfield.models.tuning.trade_off import LEAST_GAIN, Measured, best_within, front, named, nothing


def of(name: str, *, gain: float, kl: float) -> Measured:
    """A format of which only this is known."""
    return Measured(
        name=name,
        summary="",
        bytes=1,
        speed=Speed(prefill=100 * gain, decode=10 * gain),
        gain=gain,
        divergence=Divergence(tokens=1, mean=kl, most=kl, flips=0),
    )


FORMATS = st.lists(st.builds(of, name=st.just("any"), gain=st.floats(0.1, 9), kl=st.floats(0, 1)), max_size=9)


def test_the_fastest_within_the_bound_is_chosen() -> None:
    formats = [of("exact", gain=1.2, kl=0.01), of("close", gain=2, kl=0.1), of("far", gain=3, kl=0.3)]
    assert best_within(0.1)(formats) is formats[1]
    assert best_within(1)(formats) is formats[2]
    assert best_within(0.05)(formats) is formats[0]


def test_of_formats_that_are_about_as_fast_the_closest_is_chosen() -> None:
    formats = [of("closest", gain=1.5, kl=0.01), of("close", gain=1.96, kl=0.1), of("fast", gain=2, kl=0.12)]
    assert best_within(1)(formats) is formats[1]


def test_what_is_hardly_faster_is_not_worth_a_second_file() -> None:
    assert best_within(1)([of("same", gain=LEAST_GAIN - 0.01, kl=0)]) is None
    assert best_within(1)([]) is None


def test_a_named_format_is_chosen_whatever_it_is_like() -> None:
    formats = [of("slow", gain=0.5, kl=0.9), of("fast", gain=3, kl=0)]
    assert named("slow")(formats) is formats[0]
    assert named("SLOW")(formats) is formats[0]
    assert named("other")(formats) is None
    assert nothing(formats) is None


def test_reading_and_writing_count_as_the_usual_request_has_them() -> None:
    format_of_fast_reading = replace(of("any", gain=1, kl=0), speed=Speed(prefill=200, decode=10))
    found = format_of_fast_reading.against(Speed(prefill=100, decode=10))
    assert (found.prefill_gain, found.decode_gain) == (2, 1)
    assert found.gain == pytest.approx((5.12 + 25.6) / (2.56 + 25.6))


@given(FORMATS)
def test_nothing_beats_what_is_on_the_front_and_something_beats_the_rest(formats: list[Measured]) -> None:
    best = front(formats)
    for each in formats:
        beaten = any(
            other.gain >= each.gain and other.divergence.mean <= each.divergence.mean and other is not each
            for other in best
        )
        assert beaten or any(each is other for other in best)
    gains = [each.gain for each in best]
    assert gains == sorted(gains, reverse=True)
    assert all(one.divergence.mean > other.divergence.mean for one, other in pairwise(best))
