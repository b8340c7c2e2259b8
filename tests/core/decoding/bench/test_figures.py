"""The figures of a serving whose every moment is known."""

from __future__ import annotations

import pytest

from jackfield.decoding.bench.figures import figures_of, median_figures, percentile
from jackfield.decoding.bench.serving import Answer, Serving
from jackfield.events import Usage


def answer(
    *arrivals: tuple[float, int], asked: float = 10.0, prompt: int = 100, cached: int = 0, late: bool = False
) -> Answer:
    """An answer whose tokens came at these moments."""
    written = sum(tokens for _, tokens in arrivals)
    usage = Usage(prompt_tokens=prompt, completion_tokens=written, cached_tokens=cached)
    return Answer(asked=asked, arrivals=arrivals, text="", usage=usage, late=late)


def served(*answers: Answer) -> Serving:
    """A serving that began at 10 seconds."""
    return Serving(began=10.0, answers=answers, counters={})


def test_times_rates_and_hits_of_one_answer() -> None:
    figures = figures_of(served(answer((12.0, 1), (12.5, 1), (14.0, 1), (14.5, 1), (15.0, 1), cached=25)))
    assert figures.seconds == 5.0
    assert figures.tokens_per_second == 1.0
    assert (figures.first_token_p50, figures.first_token_p95) == (2.0, 2.0)
    assert figures.per_token_p50 == 0.75
    assert figures.pause == 1.5
    assert figures.pause_ratio == 3.0
    assert (figures.prompt_tokens, figures.prefilled_tokens, figures.hit_rate) == (100, 75, 0.25)


def test_several_tokens_that_come_at_once_make_the_time_per_token_shorter() -> None:
    figures = figures_of(served(answer((11.0, 1), (12.0, 4), (13.0, 4))))
    assert figures.per_token_p50 == 0.25
    assert figures.pause == 1.0


def test_a_draft_that_is_delivered_token_by_token_is_one_arrival() -> None:
    figures = figures_of(served(answer((11.0, 1), (12.0, 1), (12.00001, 1), (12.00002, 1), (13.0, 1), (14.0, 1))))
    assert figures.pause == pytest.approx(1.0)
    assert figures.pause_ratio == pytest.approx(1.0)
    assert figures.per_token_p50 == pytest.approx(0.6)


def test_the_decoding_rate_counts_only_while_every_answer_is_being_written() -> None:
    early = answer((11.0, 1), (12.0, 1), (13.0, 1), (14.0, 1))
    late = answer((12.0, 1), (13.0, 1), (14.0, 1), (15.0, 1))
    assert figures_of(served(early, late)).decoding_rate == 2.0


def test_answers_that_are_never_written_together_have_no_decoding_rate() -> None:
    assert figures_of(served(answer((11.0, 1), (12.0, 1)), answer((13.0, 1), (14.0, 1)))).decoding_rate is None


def test_who_comes_late_is_not_asked_about_pauses() -> None:
    running, late = answer((11.0, 1), (12.0, 1), (13.0, 1)), answer((12.0, 1), (20.0, 1), late=True)
    figures = figures_of(served(running, late))
    assert figures.pause == 1.0
    assert figures.seconds == 10.0


def test_one_token_tells_nothing_of_the_time_between_tokens() -> None:
    figures = figures_of(served(answer((11.0, 1))))
    assert (figures.per_token_p50, figures.pause, figures.pause_ratio) == (None, None, None)


def test_a_median_over_rounds_leaves_out_what_a_round_could_not_tell() -> None:
    rounds = [figures_of(served(answer((10.0 + end, 1), (10.0 + 2 * end, 1)))) for end in (1.0, 2.0, 4.0)]
    rounds.append(figures_of(served(answer((13.0, 1)))))
    figures = median_figures(rounds)
    assert figures.seconds == 3.5
    assert figures.per_token_p50 == 2.0


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.5), (0.95, 3.85), (1.0, 4.0)])
def test_percentiles_lie_between_the_values(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == pytest.approx(value)
