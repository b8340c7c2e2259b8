"""`jackfield bench files`: how well and how fast files are found, and put back, beside ChromaDB if there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from jackfield.cli.machine import machine_line
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.stage_progress import Report, shown_stages
from jackfield.errors import InvalidRequest
from jackfield.version import __version__
from jackfield.wiring import open_workbench
from jackfield.workbench import Workbench
from jackfield_storage.bench.figures import FilesReport
from jackfield_storage.bench.known_vectors import ShelvedEmbedder, VectorShelf
from jackfield_storage.bench.measuring import SizePlan, size_figures
from jackfield_storage.bench.pages import ARM_COLUMNS, arm_rows, sentences
from jackfield_storage.bench.rollbacks import DEPTHS, rollback_figures
from jackfield_storage.bench.store_under_test import StoreUnderTest, store_under_test

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZES = (40, 400, 4_000, 40_000)


class FilesPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, where."""

    sizes: tuple[int, ...]
    size: SizePlan
    database: str
    rollbacks: bool


class _Sizes(click.ParamType[tuple[int, ...]]):
    name = "N,N,…"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = [part.strip().replace("_", "") for part in value.split(",")]
        if not all(part.isdigit() and int(part) >= 1 for part in parts):
            self.fail(f"'{value}' should be numbers of files with commas between them, such as 40,400.", param, ctx)
        return tuple(int(part) for part in parts)


@click.command("files")
@click.option("--sizes", type=_Sizes(), default=SIZES, show_default="40,400,4000,40000", help="Numbers of files.")
@click.option("--questions", type=click.IntRange(min=10), default=200, show_default=True, help="At most, at each size.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the corpus and the questions.")
@click.option(
    "--database",
    default="",
    metavar="URL",
    help="A PostgreSQL server, where databases are made and dropped; or SQLite.",
)
@click.option(
    "--chroma",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PYTHON",
    help="A Python that has chromadb, to measure beside.",
)
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where stores are made, and vectors kept for the next run; in the data folder otherwise.",
)
@click.option("--rollbacks/--no-rollbacks", default=True, help="Measure rollbacks too.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@pass_session
def command(
    session: Session,
    sizes: tuple[int, ...],
    questions: int,
    seed: int,
    database: str,
    chroma: Path | None,
    work: Path | None,
    rollbacks: bool,
    as_json: bool,
) -> None:
    """Find known answers among generated files: by words, by meaning and by both, each question once.

    Needs the embedding model (`jackfield models pull embeddings`). ChromaDB gets the same passages with our vectors,
    since its own model would have to be downloaded.
    """
    work = (work or session.settings.home / "bench-files").absolute()
    plan = FilesPlan(
        sizes=sizes,
        size=SizePlan(questions=questions, seed=seed, work=work, chroma=chroma.absolute() if chroma else None),
        database=database,
        rollbacks=rollbacks,
    )
    with shown_stages() as progress:
        report = asyncio.run(_measured(session, plan, progress))
    if as_json:
        print_json(report)
        return
    print_table(ARM_COLUMNS, arm_rows(report))
    for sentence in sentences(report):
        say(sentence)


async def _measured(session: Session, plan: FilesPlan, progress: Report) -> FilesReport:
    work = plan.size.work
    work.mkdir(parents=True, exist_ok=True)
    async with open_workbench(session.settings, session.plugins) as workbench:
        embedder, shelf = await _embedder(workbench, session.settings.files.embedding_model, work)

        def open_store(name: str, embedder: ShelvedEmbedder) -> AbstractAsyncContextManager[StoreUnderTest]:
            return store_under_test(name, work, plan.database, embedder, session.settings, session.plugins)

        try:
            sizes = [await size_figures(size, plan.size, embedder, open_store, progress) for size in plan.sizes]
            rollbacks = []
            if plan.rollbacks:
                progress("rollbacks", 0, None)
                embedder.asking = False
                async with open_store("rollbacks", embedder) as tested:
                    rollbacks = [await rollback_figures(tested, versions, plan.size.seed) for versions in DEPTHS]
        finally:
            shelf.close()
    return FilesReport(
        jackfield=__version__,
        machine=machine_line(),
        date=datetime.now(UTC).date().isoformat(),
        database="PostgreSQL" if plan.database.startswith("postgresql") else "SQLite",
        model=session.settings.files.embedding_model,
        seed=plan.size.seed,
        sizes=tuple(sizes),
        rollbacks=tuple(rollbacks),
    )


async def _embedder(workbench: Workbench, model: str, work: Path) -> tuple[ShelvedEmbedder, VectorShelf]:
    key = await workbench.semantic.embedder.key()
    if key is None:
        raise InvalidRequest(
            f"There is no model '{model}' to find files by meaning; `jackfield models pull embeddings` brings one.",
            parameter="files.embedding_model",
        )
    shelf = VectorShelf(work / "vectors.db", key)
    return ShelvedEmbedder(key, partial(_vectors, workbench, model), shelf), shelf


async def _vectors(workbench: Workbench, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
    return (await workbench.embed(model, texts)).vectors
