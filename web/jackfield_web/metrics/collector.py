"""The loaded models' figures, read when they are asked for; nothing here counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jackfield.decoding.loop import DecodeLoop
from jackfield.models.residency import ModelResidency

Family = type[CounterMetricFamily] | type[GaugeMetricFamily]


class Figure(msgspec.Struct, frozen=True):
    """One number of a decode loop, under the name that Prometheus has for it."""

    name: str
    meaning: str
    read: Callable[[DecodeLoop], float]
    family: Family = CounterMetricFamily


def _waiting(loop: DecodeLoop) -> int:
    return max(loop.load - loop.running, 0)


FIGURES = (
    Figure("requests_waiting", "Requests that wait for their place.", _waiting, GaugeMetricFamily),
    Figure("requests_running", "Requests that are in the batches.", lambda loop: loop.running, GaugeMetricFamily),
    Figure("kv_cells", "KV cells in all.", lambda loop: loop.cache_use.cells, GaugeMetricFamily),
    Figure("kv_cells_used", "KV cells that hold something.", lambda loop: loop.cache_use.used_cells, GaugeMetricFamily),
    Figure("prompt_tokens", "Prompt tokens of admitted requests.", lambda loop: loop.statistics.prompt_tokens),
    Figure(
        "cached_prompt_tokens",
        "Of the prompt tokens, those that were cached and not evaluated.",
        lambda loop: loop.statistics.cached_tokens,
    ),
    Figure(
        "prefilled_tokens",
        "Prompt tokens that were evaluated, again after a preemption too.",
        lambda loop: loop.statistics.prefilled_tokens,
    ),
    Figure(
        "restored_tokens",
        "Prompt tokens that came back from memory or disk.",
        lambda loop: loop.statistics.restored_tokens,
    ),
    Figure("written_tokens", "Tokens that were written.", lambda loop: loop.statistics.drawn_tokens),
    Figure("drafted_tokens", "Tokens that lookahead proposed.", lambda loop: loop.statistics.drafted_tokens),
    Figure(
        "accepted_tokens", "Of the drafted tokens, those that were right.", lambda loop: loop.statistics.accepted_tokens
    ),
    Figure("evictions", "Kept prefixes that gave their cells back.", lambda loop: loop.statistics.evictions),
    Figure("preemptions", "Running requests that had to wait again.", lambda loop: loop.statistics.preemptions),
    Figure("steps", "Steps of the decode loop.", lambda loop: loop.statistics.steps),
    Figure("step_seconds", "Seconds spent in steps.", lambda loop: loop.statistics.stepping),
    Figure("evaluation_seconds", "Of those seconds, those in forward passes.", lambda loop: loop.statistics.evaluating),
)


class LoadedModels(Collector):
    """Every figure of every loaded model that writes, labelled with its name.

    A model that is unloaded takes its figures with it; loaded again it counts from 0, as after a restart.
    """

    def __init__(self, residency: ModelResidency) -> None:
        self._residency = residency

    def collect(self) -> Iterator[Metric]:
        """A family a figure; where one name means two files for a while, their figures are added up."""
        loops: dict[str, list[DecodeLoop]] = {}
        for name, loop in self._residency.decoders():
            loops.setdefault(name, []).append(loop)
        for figure in FIGURES:
            family = figure.family(f"jackfield_{figure.name}", figure.meaning, labels=("model",))
            for name, its_loops in loops.items():
                family.add_metric((name,), sum(map(figure.read, its_loops)))
            yield family
