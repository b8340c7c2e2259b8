"""One size of the bench of files: a corpus written, indexed, asked; a peer asked the same."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jackfield.cli.stage_progress import Report
from jackfield.contracts.files import Query, SearchMode
from jackfield.decoding.bench.figures import percentile
from jackfield.errors import EngineFailure
from jackfield_storage.bench.chroma_peer import PeerTask, chroma_figures
from jackfield_storage.bench.corpus import Corpus, generated_corpus
from jackfield_storage.bench.figures import FIRST, Answered, Arm, Indexing, SizeFigures, arm_of, milliseconds
from jackfield_storage.bench.known_vectors import ShelvedEmbedder
from jackfield_storage.bench.questions import Question, questions_about
from jackfield_storage.bench.space import forget_peak, space_of
from jackfield_storage.bench.store_under_test import COLLECTION, StoreUnderTest, passages_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Open = Callable[[str, ShelvedEmbedder], AbstractAsyncContextManager[StoreUnderTest]]

WRITERS = 8
"""Writes at once."""
WARM_UP = ("a question that nobody asked", "warm words", "how are figures made")
MODES: tuple[SearchMode, ...] = ("hybrid", "keyword", "meaning")


class SizePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured at each size, and beside whom."""

    questions: int
    seed: int
    work: Path
    chroma: Path | None


class Timings(msgspec.Struct, frozen=True):
    """Seconds of embedding each question, and their vectors, (n, dimensions)."""

    seconds: list[float]
    vectors: NDArray[np.float32]


async def size_figures(
    size: int, plan: SizePlan, embedder: ShelvedEmbedder, open_store: Open, report: Report
) -> SizeFigures:
    """Everything about one size; the store it is measured on is gone afterwards."""
    corpus = await asyncio.to_thread(generated_corpus, size, plan.seed)
    questions = await asyncio.to_thread(questions_about, corpus, plan.questions, plan.seed)
    stage = f"{size:,} files"
    made, seconds = await _vectors_made(corpus, embedder, lambda done, of: report(f"{stage}: vectors", done, of))
    forget_peak()
    async with open_store(f"files-{size}", embedder) as tested:
        indexing = await _indexed(corpus, tested, embedder, (made, seconds), report, stage)
        arms = {mode: await _asked(questions, mode, tested, embedder, report, stage) for mode in MODES}
        space = await space_of(tested)
    embedding = await _embedded(questions, embedder)
    figures = SizeFigures(
        files=size,
        bytes=corpus.bytes,
        questions=dict(sorted(Counter(question.kind for question in questions).items())),
        relevant_files=round(sum(len(question.relevant) for question in questions) / len(questions), 2),
        hybrid=arms["hybrid"],
        keyword=arms["keyword"],
        meaning=arms["meaning"],
        embedding_p50_ms=milliseconds(percentile(embedding.seconds, 0.5)),
        embedding_p95_ms=milliseconds(percentile(embedding.seconds, 0.95)),
        indexing=indexing,
        space=space,
    )
    if plan.chroma is None:
        return figures
    report(f"{stage}: ChromaDB", 0, None)
    task = await _peer_task(corpus, questions, embedder, embedding)
    return msgspec.structs.replace(figures, chroma=await chroma_figures(plan.chroma, plan.work, task))


async def _vectors_made(
    corpus: Corpus, embedder: ShelvedEmbedder, progress: Callable[[int, int], None]
) -> tuple[int, float]:
    """How many vectors had to be made, and the seconds that took."""
    made, seconds = embedder.made, embedder.seconds
    texts = await asyncio.to_thread(lambda: [text for file in corpus.files for _, text in passages_in(file)])
    await embedder.make(texts, progress)
    return embedder.made - made, embedder.seconds - seconds


async def _indexed(
    corpus: Corpus,
    tested: StoreUnderTest,
    embedder: ShelvedEmbedder,
    made: tuple[int, float],
    report: Report,
    stage: str,
) -> Indexing:
    embedder.asking = False
    waiting = list(reversed(corpus.files))
    began = time.perf_counter()

    async def write_some() -> None:
        while waiting:
            file = waiting.pop()
            await tested.write(file.path, file.content)
            if len(waiting) % 100 == 0:
                report(f"{stage}: writing", len(corpus.files) - len(waiting), len(corpus.files))

    async with asyncio.TaskGroup() as writers:
        for _ in range(WRITERS):
            writers.create_task(write_some())
    progress = await tested.store.index.run(lambda now: report(f"{stage}: indexing", now.passages_done, now.passages))
    seconds = time.perf_counter() - began
    if not progress.done or progress.failed:
        raise EngineFailure(f"Indexing {len(corpus.files)} files ended with {progress}.")
    passages = await asyncio.to_thread(lambda: [text for file in corpus.files for _, text in passages_in(file)])
    began = time.perf_counter()
    await _search(WARM_UP[0], "hybrid", tested)
    first = time.perf_counter() - began
    embedded, embedding_seconds = made
    return Indexing(
        seconds=round(seconds, 3),
        files_per_second=round(len(corpus.files) / seconds, 1),
        passages_per_second=round(len(passages) / seconds, 1),
        megabytes_per_second=round(corpus.bytes / seconds / 1e6, 3),
        passages=len(passages),
        distinct_passages=len(set(passages)),
        embedded=embedded,
        embedding_seconds=round(embedding_seconds, 3),
        embedded_per_second=round(embedded / embedding_seconds, 1) if embedded else None,
        first_search_ms=milliseconds(first),
    )


async def _asked(
    questions: Sequence[Question],
    mode: SearchMode,
    tested: StoreUnderTest,
    embedder: ShelvedEmbedder,
    report: Report,
    stage: str,
) -> Arm:
    embedder.asking = True
    for text in WARM_UP:
        await _search(text, mode, tested)
    answered = []
    for number, question in enumerate(questions):
        began = time.perf_counter()
        found = await _search(question.text, mode, tested)
        answered.append(Answered(question.kind, question.relevant, found, time.perf_counter() - began))
        if number % 20 == 0:
            report(f"{stage}: {mode} search", number, len(questions))
    return arm_of(answered)


async def _search(text: str, mode: SearchMode, tested: StoreUnderTest) -> list[str]:
    query = Query(text=text, collections=(COLLECTION,), mode=mode, limit=FIRST, whole_files=True)
    result = await tested.store.index.search(query)
    if result.mode != mode:
        raise EngineFailure(f"A search by {mode} was one by {result.mode}: {result.notice}")
    return [found.path for found in result.found]


async def _embedded(questions: Sequence[Question], embedder: ShelvedEmbedder) -> Timings:
    import numpy as np

    embedder.asking = True
    seconds, vectors = [], []
    for question in questions:
        began = time.perf_counter()
        vectors.append(await embedder.embed([question.text]))
        seconds.append(time.perf_counter() - began)
    return Timings(seconds, np.concatenate(vectors))


async def _peer_task(
    corpus: Corpus, questions: Sequence[Question], embedder: ShelvedEmbedder, embedding: Timings
) -> PeerTask:
    embedder.asking = False
    passages = [(file, text, embedded) for file in corpus.files for text, embedded in passages_in(file)]
    return PeerTask(
        passages=[(file.path, text) for file, text, _ in passages],
        vectors=await embedder.embed([embedded for _, _, embedded in passages]),
        questions=questions,
        asked=embedding.vectors,
        embedding_seconds=embedding.seconds,
    )
