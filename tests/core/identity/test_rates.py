"""Sliding windows of rates, in this process."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackfield.identity.rates import WINDOW, LocalWindows, RateLimits


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_window_slides_by_the_moment_and_not_by_the_minute() -> None:
    clock, limits = Clock(), RateLimits(requests=2)
    windows = LocalWindows(clock)
    taken = []
    for entry, at in enumerate((0.0, 59.0, 59.5, 60.0, 60.5, 119.0)):
        clock.now = at
        taken.append((await windows.take("key", str(entry), 1, limits)).wait)
    assert taken == [None, None, 0.5, None, 58.5, None]


async def test_names_have_windows_of_their_own() -> None:
    windows, limits = LocalWindows(Clock()), RateLimits(requests=1)
    assert (await windows.take("one", "a", 1, limits)).wait is None
    assert (await windows.take("other", "b", 1, limits)).wait is None
    assert (await windows.take("one", "c", 1, limits)).wait == WINDOW


async def test_tokens_are_given_back_or_charged_once_they_are_known() -> None:
    windows, limits = LocalWindows(Clock()), RateLimits(tokens=100)
    await windows.take("key", "a", 80, limits)
    assert (await windows.take("key", "b", 30, limits)).by == "tokens"
    await windows.correct("key", "a", 20)
    assert (await windows.take("key", "b", 30, limits)).tokens == 50
    await windows.correct("key", "b", 90)
    refused = await windows.take("key", "c", 1, limits)
    assert (refused.wait, refused.tokens, refused.requests) == (WINDOW, 110, 2)


async def test_what_alone_is_larger_than_the_limit_waits_for_an_empty_window() -> None:
    clock, limits = Clock(), RateLimits(tokens=100)
    windows = LocalWindows(clock)
    await windows.take("key", "small", 1, limits)
    clock.now = 10.0
    assert (await windows.take("key", "large", 5000, limits)).wait == 50.0
    clock.now = 60.0
    assert (await windows.take("key", "large", 5000, limits)).wait is None


async def test_what_is_corrected_late_changes_nothing() -> None:
    clock, limits = Clock(), RateLimits(tokens=100)
    windows = LocalWindows(clock)
    await windows.take("key", "a", 60, limits)
    clock.now = 61.0
    await windows.take("key", "b", 60, limits)
    await windows.correct("key", "a", 1000)
    assert (await windows.take("key", "c", 40, limits)).wait is None


asked = st.tuples(st.floats(0, 30), st.integers(0, 60), st.none() | st.integers(0, 90))


@given(st.lists(asked, max_size=40), st.none() | st.integers(1, 6), st.none() | st.integers(1, 90))
async def test_no_minute_ever_holds_more_than_its_limits(
    requests: list[tuple[float, int, int | None]], most_requests: int | None, most_tokens: int | None
) -> None:
    """Whoever is refused is so for a reason, and would be let in after the wait that they are told."""
    clock, limits = Clock(), RateLimits(requests=most_requests, tokens=most_tokens)
    windows = LocalWindows(clock)
    held: list[tuple[float, int]] = []
    for number, (pause, tokens, really) in enumerate(requests):
        clock.now += pause
        cost = tokens if most_tokens is None else min(tokens, most_tokens)
        inside = [(at, taken) for at, taken in held if at > clock.now - WINDOW]
        fits = (most_requests is None or len(inside) < most_requests) and (
            most_tokens is None or sum(taken for _, taken in inside) + cost <= most_tokens
        )
        standing = await windows.take("key", str(number), tokens, limits)
        assert (standing.wait is None) == fits
        if standing.wait is not None:
            later = clock.now + standing.wait + 1e-6
            left = [(at, taken) for at, taken in inside if at > later - WINDOW]
            assert most_requests is None or len(left) < most_requests
            assert most_tokens is None or sum(taken for _, taken in left) + cost <= most_tokens
            continue
        held.append((clock.now, cost))
        if really is not None:
            await windows.correct("key", str(number), really)
            held[-1] = (clock.now, really)
