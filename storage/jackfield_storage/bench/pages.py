"""The bench of files for people: a line for each way to search at each size, then a sentence for everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jackfield.quantities import readable_bytes
from jackfield_storage.bench.figures import FilesReport, Rollbacks, SizeFigures
from jackfield_storage.bench.questions import SHARES

ARM_COLUMNS = ("FILES", "SEARCH", "PRECISION@5", *(kind.upper() for kind in SHARES), "p50", "p95")


def arm_rows(report: FilesReport) -> Iterator[tuple[str, ...]]:
    """Hybrid, keyword and meaning at each size, and ChromaDB where it was asked."""
    for size in report.sizes:
        for name, arm in (("hybrid", size.hybrid), ("keyword", size.keyword), ("meaning", size.meaning)):
            yield _row(size.files, name, arm.precision, arm.by_kind, arm.p50_ms, arm.p95_ms)
        if peer := size.chroma:
            name = f"ChromaDB {peer.version}"
            yield _row(size.files, name, peer.precision, peer.by_kind, peer.p50_ms, peer.p95_ms)


def _row(
    files: int, name: str, precision: float, by_kind: Mapping[str, float], p50: float, p95: float
) -> tuple[str, ...]:
    kinds = (f"{by_kind[kind]:.3f}" if kind in by_kind else "-" for kind in SHARES)
    return (f"{files:,}", name, f"{precision:.3f}", *kinds, f"{p50:.1f} ms", f"{p95:.1f} ms")


def sentences(report: FilesReport) -> Iterator[str]:
    """How indexing went, what it takes, how rollbacks went, and on what machine."""
    for size in report.sizes:
        yield _indexing(size)
        yield _space(size)
    for rollbacks in report.rollbacks:
        yield _rolled_back(rollbacks)
    yield f"{report.database}, seed {report.seed}; {report.machine}"


def _indexing(size: SizeFigures) -> str:
    done = size.indexing
    made = (
        f"{done.embedded:,} vectors made before in {done.embedding_seconds:.1f} s ({done.embedded_per_second:,.0f}/s)"
        if done.embedded_per_second
        else "all vectors known from an earlier run"
    )
    return (
        f"{size.files:,} files: indexed in {done.seconds:.1f} s, {done.files_per_second:,.0f} files/s and "
        f"{done.megabytes_per_second:.2f} MB/s; {done.distinct_passages:,} of {done.passages:,} passages are distinct; "
        f"{made}. The first search took {done.first_search_ms:.0f} ms, embedding a question "
        f"{size.embedding_p50_ms:.1f} ms (p95 {size.embedding_p95_ms:.1f})."
    )


def _space(size: SizeFigures) -> str:
    space = size.space
    inside = [
        f"{readable_bytes(part)} {name}"
        for part, name in ((space.vectors, "vectors"), (space.full_text, "full text"))
        if part is not None
    ]
    memory = f"; at most {readable_bytes(space.peak_memory)} of memory" if space.peak_memory else ""
    theirs = (
        f". ChromaDB: {readable_bytes(size.chroma.disk)}, {readable_bytes(size.chroma.peak_memory)} of memory, "
        f"{size.chroma.passages_per_second:,.0f} passages/s added"
        if size.chroma
        else ""
    )
    return (
        f"{size.files:,} files of {readable_bytes(size.bytes)}: database {readable_bytes(space.database)} "
        f"({', '.join(inside)}), blobs {readable_bytes(space.blobs)}{memory}{theirs}."
    )


def _rolled_back(done: Rollbacks) -> str:
    return (
        f"{done.versions} versions: {done.rollbacks} rollbacks at {done.p50_ms:.1f} ms (p95 {done.p95_ms:.1f}), "
        f"{done.exact} byte-exact, {done.found} found by the next search."
    )
