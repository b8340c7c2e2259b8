"""What a serving came to: times, rates, pauses, work saved; and medians over rounds."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from jackfield.decoding.bench.serving import Answer, Serving

AT_ONCE = 0.001
"""Seconds between two arrivals that a reader does not notice; no forward pass is as short."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's figures, seconds and tokens; None where a workload or a server does not tell.

    `first_token` is the time to an answer's first token, `per_token` the mean time of each after it, `pause` the
    longest wait of a reader between two arrivals, and `pause_ratio` the greatest such wait in terms of the same
    answer's median one. `decoding_rate` counts while every answer is being written. `prefilled_tokens` are prompt
    tokens that were evaluated, `hit_rate` is the part of prompt tokens that were not.
    """

    seconds: float
    prompt_tokens: float
    prefilled_tokens: float
    answer_tokens: float
    tokens_per_second: float
    decoding_rate: float | None
    first_token_p50: float
    first_token_p95: float
    per_token_p50: float | None
    per_token_p95: float | None
    pause: float | None
    pause_ratio: float | None
    hit_rate: float


def figures_of(serving: Serving) -> Figures:
    """All figures of one serving; late clients count in everything but the pauses, which are what they might cause."""
    answers = serving.answers
    seconds = max(answer.arrivals[-1][0] for answer in answers) - serving.began
    written = sum(answer.usage.completion_tokens for answer in answers)
    read = sum(answer.usage.prompt_tokens for answer in answers)
    cached = sum(answer.usage.cached_tokens for answer in answers)
    firsts = [answer.arrivals[0][0] - answer.asked for answer in answers]
    paces = [pace for answer in answers if (pace := _pace(answer)) is not None]
    waits = [waits for answer in answers if not answer.late and (waits := _waits(answer))]
    return Figures(
        seconds=seconds,
        prompt_tokens=read,
        prefilled_tokens=read - cached,
        answer_tokens=written,
        tokens_per_second=written / seconds,
        decoding_rate=_decoding_rate(answers),
        first_token_p50=percentile(firsts, 0.50),
        first_token_p95=percentile(firsts, 0.95),
        per_token_p50=percentile(paces, 0.50) if paces else None,
        per_token_p95=percentile(paces, 0.95) if paces else None,
        pause=max((max(each) for each in waits), default=None),
        pause_ratio=max((max(each) / statistics.median(each) for each in waits), default=None),
        hit_rate=cached / read,
    )


def median_figures(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median over the rounds."""
    medians = {}
    for name in Figures.__struct_fields__:
        known = [value for figures in rounds if (value := getattr(figures, name)) is not None]
        medians[name] = statistics.median(known) if known else None
    return msgspec.convert(medians, Figures)


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which that share of the values lies, between two where none lies there."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _pace(answer: Answer) -> float | None:
    """Seconds a token after the first arrival, None for an answer that came at once."""
    (first, _), *others = _steps(answer)
    later = sum(tokens for _, tokens in others)
    return (others[-1][0] - first) / later if later else None


def _waits(answer: Answer) -> list[float]:
    return [later - earlier for (earlier, _), (later, _) in itertools.pairwise(_steps(answer))]


def _steps(answer: Answer) -> list[tuple[float, int]]:
    """Arrivals, those of one moment taken together: a verified draft is delivered token by token, but at once."""
    steps: list[tuple[float, int]] = []
    for moment, tokens in answer.arrivals:
        if steps and moment - steps[-1][0] < AT_ONCE:
            steps[-1] = steps[-1][0], steps[-1][1] + tokens
        else:
            steps.append((moment, tokens))
    return steps


def _decoding_rate(answers: Sequence[Answer]) -> float | None:
    """Tokens a second between the moment that the last answer began and the moment that the first one ended."""
    begun = max(answer.arrivals[0][0] for answer in answers)
    ended = min(answer.arrivals[-1][0] for answer in answers)
    if ended <= begun:
        return None
    inside = sum(tokens for answer in answers for moment, tokens in answer.arrivals if begun < moment <= ended)
    return inside / (ended - begun)
