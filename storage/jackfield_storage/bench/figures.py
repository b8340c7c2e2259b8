"""What the bench of files tells: figures by number of files, and how they are taken from single searches."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

import msgspec

from jackfield.decoding.bench.figures import percentile

FIRST = 5


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One way to search: precision among the first five files, in all and by kind of question, and milliseconds.

    Each question is asked once, and its own embedding is in its time; `by_kind` is precision too.
    """

    precision: float
    by_kind: dict[str, float]
    p50_ms: float
    p95_ms: float
    worst_ms: float


class Indexing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the first write until everything is found, and what is in the database then.

    Vectors were made before, `embedded` of them in this run: their seconds are apart, and add up with the others.
    """

    seconds: float
    files_per_second: float
    passages_per_second: float
    megabytes_per_second: float
    passages: int
    distinct_passages: int
    embedded: int
    embedding_seconds: float
    embedded_per_second: float | None
    first_search_ms: float


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on disk and in memory; None where the database does not tell."""

    database: int
    vectors: int | None
    full_text: int | None
    blobs: int
    peak_memory: int | None


class PeerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """ChromaDB with the same passages and the same vectors; `query` alone, and with our embedding of the question."""

    version: str
    precision: float
    by_kind: dict[str, float]
    add_seconds: float
    passages_per_second: float
    query_p50_ms: float
    query_p95_ms: float
    p50_ms: float
    p95_ms: float
    disk: int
    peak_memory: int


class SizeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All about one number of files."""

    files: int
    bytes: int
    questions: dict[str, int]
    relevant_files: float
    hybrid: Arm
    keyword: Arm
    meaning: Arm
    embedding_p50_ms: float
    embedding_p95_ms: float
    indexing: Indexing
    space: Space
    chroma: PeerFigures | None = None


class Rollbacks(msgspec.Struct, frozen=True, kw_only=True):
    """Rollbacks of files with so many versions: milliseconds, and in how many the bytes and the next search agreed."""

    versions: int
    rollbacks: int
    p50_ms: float
    p95_ms: float
    exact: int
    found: int


class FilesReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bench of files."""

    jackfield: str
    machine: str
    date: str
    database: str
    model: str
    seed: int
    sizes: tuple[SizeFigures, ...]
    rollbacks: tuple[Rollbacks, ...]


class Answered(msgspec.Struct, frozen=True):
    """One question with its kind, the first files that were found, and the seconds that took."""

    kind: str
    relevant: Collection[str]
    found: Sequence[str]
    seconds: float

    @property
    def precision(self) -> float:
        """The share of the first five places that relevant files have, of those that they could have."""
        return len(set(self.found[:FIRST]) & set(self.relevant)) / min(FIRST, len(self.relevant))


def arm_of(answered: Sequence[Answered]) -> Arm:
    """The figures of one way to search."""
    times = [one.seconds for one in answered]
    return Arm(
        precision=mean_precision(answered),
        by_kind=precision_by_kind(answered),
        p50_ms=milliseconds(percentile(times, 0.5)),
        p95_ms=milliseconds(percentile(times, 0.95)),
        worst_ms=milliseconds(max(times)),
    )


def mean_precision(answered: Sequence[Answered]) -> float:
    return round(statistics.fmean(one.precision for one in answered), 4)


def precision_by_kind(answered: Sequence[Answered]) -> dict[str, float]:
    kinds: Mapping[str, list[Answered]] = {kind: [] for kind in sorted({one.kind for one in answered})}
    for one in answered:
        kinds[one.kind].append(one)
    return {kind: mean_precision(some) for kind, some in kinds.items()}


def milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)
