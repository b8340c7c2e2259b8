"""What the bench of accuracy found, as a table and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from jackfield_plugins.function_calls.bench.accuracy import Accuracy, Parting
from jackfield_plugins.function_calls.bench.scoring import Tally

ACCURACY_COLUMNS = (
    *("CATEGORY", "SERVER", "CASES", "RIGHT", "ACCURACY", "CALLS FIT", "CALLS", "NO CALL", "FAILED"),
    *("SECONDS p50", "TOKENS p50"),
)


def accuracy_rows(found: Accuracy) -> Iterator[tuple[str, ...]]:
    """A row for each category and server."""
    for each in found.tallies:
        yield (
            each.category,
            each.server,
            str(each.cases),
            str(each.right),
            f"{each.accuracy:.1%}",
            _fit(each),
            str(each.calls),
            f"{each.silent / each.cases:.1%}",
            str(each.failed),
            f"{each.seconds:.2f} s",
            f"{each.tokens:.0f}",
        )


def accuracy_sentences(found: Accuracy) -> Iterator[str]:
    """Where servers part, and which mistakes are made most."""
    yield from map(_parting, found.partings)
    for each in found.tallies:
        if each.refused:
            yield f"{each.category}, {each.server}: {each.refused} answers were written again, for what was no call."
        if each.mistakes:
            counted = ", ".join(f"{mistake} {count}" for mistake, count in list(each.mistakes.items())[:4])
            yield f"{each.category}, {each.server}: {counted}."


def _parting(parting: Parting) -> str:
    return (
        f"{parting.category}: {parting.only_ours} cases are right only with us, {parting.only_theirs} only with "
        f"{parting.other}, {parting.both_right} with both, {parting.neither} with neither."
    )


def _fit(each: Tally) -> str:
    return "-" if each.fit is None else f"{each.fit:.1%} of {each.calling}"
