"""ChromaDB beside us, in a Python of its own: the same passages, and vectors of the same model.

Its own embedding model comes from a download at its first use; with the same vectors on either side, what is compared
is storing and finding.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jackfield.decoding.bench.figures import percentile
from jackfield.errors import Unavailable
from jackfield_storage.bench.figures import Answered, PeerFigures, mean_precision, milliseconds, precision_by_kind
from jackfield_storage.bench.questions import Question
from jackfield_storage.bench.space import folder_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROGRAM = Path(__file__).with_name("chroma_program.py")
"""Run, and never imported: ChromaDB is not installed here."""
SECONDS = 3600.0


class PeerTask(msgspec.Struct, frozen=True, kw_only=True):
    """What ChromaDB is given: passages as (path, text) with their vectors, and the questions' vectors and seconds."""

    passages: Sequence[tuple[str, str]]
    vectors: NDArray[np.float32]
    questions: Sequence[Question]
    asked: NDArray[np.float32]
    embedding_seconds: Sequence[float]


class _Answers(msgspec.Struct):
    version: str
    added: float
    found: list[list[str]]
    seconds: list[float]
    memory: int


async def chroma_figures(python: Path, work: Path, task: PeerTask) -> PeerFigures:
    """Let it do the task in a folder below `work`; raises Unavailable with what it said."""
    folder = work / "chroma"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        await asyncio.to_thread(_hand_over, folder, task)
        await _run(python, folder)
        answers = msgspec.json.decode((folder / "answers.json").read_bytes(), type=_Answers)
        return _figures(answers, task, folder_bytes(folder / "store"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hand_over(folder: Path, task: PeerTask) -> None:
    import numpy as np

    (folder / "passages.json").write_text(json.dumps(task.passages), encoding="utf-8")
    np.save(folder / "passages.npy", task.vectors)
    np.save(folder / "questions.npy", task.asked)


async def _run(python: Path, folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        python, PROGRAM, folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unavailable(f"ChromaDB under {python} failed: {said.decode(errors='replace').strip()[-500:]}")


def _figures(answers: _Answers, task: PeerTask, disk: int) -> PeerFigures:
    answered = [
        Answered(question.kind, question.relevant, found, seconds)
        for question, found, seconds in zip(task.questions, answers.found, answers.seconds, strict=True)
    ]
    whole = [ours + theirs for ours, theirs in zip(task.embedding_seconds, answers.seconds, strict=True)]
    return PeerFigures(
        version=answers.version,
        precision=mean_precision(answered),
        by_kind=precision_by_kind(answered),
        add_seconds=round(answers.added, 3),
        passages_per_second=round(len(task.passages) / answers.added, 1),
        query_p50_ms=milliseconds(percentile(answers.seconds, 0.5)),
        query_p95_ms=milliseconds(percentile(answers.seconds, 0.95)),
        p50_ms=milliseconds(percentile(whole, 0.5)),
        p95_ms=milliseconds(percentile(whole, 0.95)),
        disk=disk,
        peak_memory=answers.memory,
    )
