"""What a bench found, as a table and as one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from jackfield.decoding.bench.figures import Figures
from jackfield.decoding.bench.measuring import Plan, ServerResult, WorkloadResult
from jackfield.decoding.bench.plain import PlainServer
from jackfield.decoding.bench.serving import LoopServer
from jackfield.decoding.bench.workloads import LONG_SHARED, LONG_UNSHARED, SHORT_SHARED

COLUMNS = (
    *("WORKLOAD", "SERVER", "SECONDS", "TOKENS/S", "TTFT p50", "TTFT p95", "TPOT p50", "TPOT p95"),
    *("PREFILLED", "HIT RATE", "PAUSE", "PAUSE/GAP", "RATIO"),
)


class PrefixFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What sharing a long prefix saves, and what decoding under it costs, for one server.

    `prefill_saved` is how many times fewer prompt tokens were evaluated shared than unshared; `decoding_loss` the part
    of the decoding rate that a prefix of 1,024 tokens costs against one of 128.
    """

    server: str
    prefill_saved: float
    decoding_loss: float | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bench; `threads` 0 is the engine's own choice.

    `batch_gains` says for several numbers of rows how many times more tokens a second one pass over them evaluates
    than one over a single row: the most that drafts of such a length can gain.
    """

    jackfield: str
    model: str
    format: str
    threads: int
    peer: str | None
    plan: Plan
    workloads: tuple[WorkloadResult, ...]
    prefix: tuple[PrefixFigures, ...]
    batch_gains: dict[int, float]
    remarks: tuple[str, ...]


def prefix_figures(results: Sequence[WorkloadResult]) -> tuple[PrefixFigures, ...]:
    """The comparison of the prefix workload's parts, where it was run."""
    parts = {result.workload: result.results for result in results}
    if LONG_SHARED not in parts:
        return ()
    trios = zip(parts[LONG_SHARED], parts[LONG_UNSHARED], parts[SHORT_SHARED], strict=True)
    return tuple(_prefix(shared, apart, short) for shared, apart, short in trios)


def rows(results: Sequence[WorkloadResult]) -> Iterator[tuple[str, ...]]:
    """A row for each server at each workload, its medians as people read them."""
    for result in results:
        for served in result.results:
            ratio = result.ratio if served.server == LoopServer.name else None
            yield result.workload, served.server, *_cells(served.median), "-" if ratio is None else f"{ratio:.2f}"


def sentences(report: Report) -> Iterator[str]:
    """What the table does not show."""
    for each in report.prefix:
        loss = "unknown" if each.decoding_loss is None else f"{each.decoding_loss:.0%}"
        yield (
            f"{each.server}: sharing 1,024 tokens saves {each.prefill_saved:.1f}x of the prefill; "
            f"decoding loses {loss} from a 128- to a 1,024-token prefix."
        )
    for result in report.workloads:
        yield from _beside_plain(result)
    if report.batch_gains:
        gains = ", ".join(f"{rows} rows {gain:.2f}x" for rows, gain in report.batch_gains.items())
        yield f"tokens/s of a pass, against one of a single row: {gains}."
    yield from report.remarks


def speed_up(result: WorkloadResult) -> float | None:
    """How many times faster our loop writes than the model alone; None where they were not compared."""
    ours, plain = result.of(LoopServer.name), result.of(PlainServer.name)
    if ours is None or plain is None or not ours.median.per_token_p50 or not plain.median.per_token_p50:
        return None
    return plain.median.per_token_p50 / ours.median.per_token_p50


def _beside_plain(result: WorkloadResult) -> Iterator[str]:
    gain, same = speed_up(result), result.sameness
    if gain is None or same is None:
        return
    yield (
        f"{result.workload}: {gain:.2f}x the model alone; {same.equal} of {same.compared} answers equal its own, "
        f"{same.near_ties} part at a near-tie, {same.compared - same.equal - same.near_ties} differ."
    )
    if same.leads:
        leads = ", ".join(f"{lead:.2f}" for lead in same.leads)
        yield f"{result.workload}: where answers part, the likeliest token leads by {leads} logits."


def _prefix(shared: ServerResult, apart: ServerResult, short: ServerResult) -> PrefixFigures:
    far, near = shared.median.decoding_rate, short.median.decoding_rate
    return PrefixFigures(
        server=shared.server,
        prefill_saved=apart.median.prefilled_tokens / shared.median.prefilled_tokens,
        decoding_loss=None if far is None or near is None else 1 - far / near,
    )


def _cells(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.seconds:.2f}",
        f"{figures.tokens_per_second:.1f}",
        f"{figures.first_token_p50:.2f} s",
        f"{figures.first_token_p95:.2f} s",
        _milliseconds(figures.per_token_p50),
        _milliseconds(figures.per_token_p95),
        f"{figures.prefilled_tokens:.0f}",
        f"{figures.hit_rate:.0%}",
        _milliseconds(figures.pause),
        "-" if figures.pause_ratio is None else f"{figures.pause_ratio:.1f}",
    )


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
