"""Figures of the requests that this process answers: how many, how long, what was refused and why."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds; a streamed answer takes until its last byte."""

STRAY = "unmatched"
"""The route of requests that no route is for: what strangers try must not become a label each."""


class RequestFigures(Collector):
    """Counts requests by route, which is a template such as `/api/runs/{run_id}`. For one event loop."""

    def __init__(self) -> None:
        self.open = 0
        self._counts: dict[tuple[str, str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str, str], float] = {}
        self._refusals: dict[tuple[str, str], int] = {}

    def answered(self, method: str, route: str, status: int, seconds: float, code: str | None = None) -> None:
        """Count an answer; `code` is the error's, where it is one."""
        key = (method, route, str(status))
        if (counts := self._counts.get(key)) is None:
            counts = self._counts[key] = [0] * (len(BOUNDS) + 1)
            self._seconds[key] = 0.0
        counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[key] += seconds
        if code:
            self._refusals[route, code] = self._refusals.get((route, code), 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Every figure as it is now."""
        yield GaugeMetricFamily("jackfield_http_requests_open", "Requests whose answer is not whole.", value=self.open)
        answers = HistogramMetricFamily(
            "jackfield_http_request_seconds", "Answers, by how long they took.", labels=("method", "route", "status")
        )
        for key, counts in self._counts.items():
            bounds = [*map(str, BOUNDS), "+Inf"]
            answers.add_metric(key, list(zip(bounds, accumulate(counts), strict=True)), self._seconds[key])
        yield answers
        refusals = CounterMetricFamily(
            "jackfield_http_errors",
            "Answers that are errors, by their code; insufficient_quota is a budget, rate_limit_exceeded a rate.",
            labels=("route", "code"),
        )
        for pair, count in self._refusals.items():
            refusals.add_metric(pair, count)
        yield refusals
