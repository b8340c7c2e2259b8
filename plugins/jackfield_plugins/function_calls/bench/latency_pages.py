"""What the bench of latency found, as a table and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jackfield_plugins.function_calls.bench.latency import Gain, Latency
from jackfield_plugins.function_calls.bench.overhead import Overhead
from jackfield_plugins.function_calls.bench.streaming import Streaming

LATENCY_COLUMNS = (
    *("PROTOCOL", "TOOLS TAKE", "MODE", "RUNS", "SECONDS", "AT BEST", "RATIO", "OF SUMS", "OF ITS OWN"),
    *("A CALL'S DECODING", "A CALL'S RUN", "MEANWHILE"),
)


def latency_rows(found: Latency) -> Iterator[tuple[str, ...]]:
    """A row for each mode under each setting."""
    for each in found.figures:
        yield (
            each.protocol,
            each.tools_take,
            each.mode,
            str(each.runs),
            f"{each.seconds:.2f} s",
            f"{each.bound:.2f} s",
            f"{each.ratio:.1%}",
            f"{each.ratio_of_sums:.1%}",
            f"{each.own_ratio:.1%}",
            f"{each.decode:.2f} s",
            f"{each.execution:.2f} s",
            f"{each.meanwhile:.0%}",
        )


def latency_sentences(
    found: Latency | None, overhead: Overhead | None, streaming: Sequence[Streaming]
) -> Iterator[str]:
    """Async beside the other modes, what it costs where nothing is called, and what streamed arguments save."""
    for each in found.gains if found else ():
        yield _gain(each)
    if overhead:
        remark = "" if overhead.same else " (but the answers are not the same, so these are not times of the same work)"
        yield (
            f"A chat that calls nothing takes {overhead.with_calls:.3f} s with calls possible and "
            f"{overhead.plain:.3f} s without: {overhead.share:+.2%}, the median of {overhead.pairs} pairs{remark}."
        )
    for part in streaming:
        yield (
            f"{part.protocol}: a program of {part.lines} lines, {part.decode:.2f} s to write and {part.tool:.2f} s to "
            f"run, has its result after {part.streamed:.2f} s with its lines streamed and {part.whole:.2f} s whole: "
            f"{part.saved:.1%} saved, the median of {part.pairs} pairs."
        )


def _gain(gain: Gain) -> str:
    by_calls = ", ".join(f"{calls} calls {ratio:.2f}x" for calls, ratio in gain.by_calls.items())
    return (
        f"{gain.protocol}, tools take {gain.tools_take}: async is {gain.median:.2f}x as fast as {gain.over} "
        f"(at best {gain.allowed:.2f}x; of sums {gain.of_sums:.2f}x; {by_calls})."
    )
