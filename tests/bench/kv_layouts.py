"""Bursts over the ways to lay out KV cells and attention: one pool, a pool and a context to read prompts in, parts.

usage: python tests/bench/kv_layouts.py [MODEL.gguf] [ROUNDS]     default: $JACKFIELD_TEST_MODEL, 3
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from pathlib import Path

import msgspec

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.models import InstalledModel
from jackfield.decoding.bench.figures import figures_of
from jackfield.decoding.bench.serving import LoopServer, served
from jackfield.decoding.bench.workloads import WORKLOADS, Composer
from jackfield.decoding.loop import DecodeLoop
from jackfield.testing.file_model import file_model
from jackfield_engines.llama_cpp import native
from jackfield_engines.llama_cpp.adapters import Adapters
from jackfield_engines.llama_cpp.engine import LlamaCppEngine
from jackfield_engines.llama_cpp.factory import LlamaCppFactory
from jackfield_engines.llama_cpp.machine import usable_cores
from jackfield_engines.llama_cpp.native_context import Context, ContextOptions
from jackfield_engines.llama_cpp.prefill_context import PrefillContext

SEQUENCES = 16
CELLS_OF_ONE = 1024
ROWS, ROWS_AT_ONCE = 512, 256


class Layout(msgspec.Struct, frozen=True):
    """Where the cells of sequences are, and whether attention is fused."""

    name: str
    pooled: bool
    reads_apart: bool
    flash_attention: bool


LAYOUTS = [
    Layout("pool", True, False, False),
    Layout("pool, prompts read apart", True, True, False),
    Layout("a part for each", False, False, False),
    Layout("pool, flash attention", True, False, True),
    Layout("a part for each, flash attention", False, False, True),
]


def context(weights: native.Weights, layout: Layout, *, cells: int, sequences: int) -> Context:
    """A context of a layout."""
    options = ContextOptions(
        cells=cells,
        sequences=sequences,
        rows=ROWS,
        rows_at_once=ROWS_AT_ONCE,
        threads=usable_cores(),
        flash_attention=layout.flash_attention,
        pooled=layout.pooled,
    )
    return Context(weights, options)


def engine_of(model: InstalledModel, layout: Layout) -> LlamaCppEngine:
    """The model in a layout; a scratch sequence takes a part too, where there are parts."""
    weights = native.shared_weights(model.path, gpu_layers=0)
    apart = context(weights, layout, cells=2048, sequences=1) if layout.reads_apart else None
    return LlamaCppEngine(
        weights,
        context(weights, layout, cells=CELLS_OF_ONE * (SEQUENCES + 1), sequences=SEQUENCES),
        prefill=PrefillContext(apart, 2048) if apart else None,
        model=model.description,
        limits=EngineLimits(
            context_length=CELLS_OF_ONE,
            cells=CELLS_OF_ONE * SEQUENCES,
            sequences=SEQUENCES,
            batch_tokens=ROWS,
            running=8,
            shares_parts=layout.pooled,
        ),
        identity=layout.name,
        adapters=Adapters(weights, model.path),
    )


async def seconds(model: InstalledModel, layout: Layout, name: str, seed: str) -> float:
    """What serving a workload takes in a layout, the model freshly opened."""
    engine = engine_of(model, layout)
    loop = DecodeLoop(engine)

    def tokenize(text: str) -> list[int]:
        return engine.tokenize(text, special=False)

    (make,) = WORKLOADS[name]
    workload = make(Composer(tokenize, engine.model.begin_token, seed=seed))
    try:
        return figures_of(await served(workload, LoopServer(loop), tokenize)).seconds
    finally:
        await asyncio.to_thread(loop.close)


async def main() -> None:
    """A table of medians, the layouts in turns."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["JACKFIELD_TEST_MODEL"])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    model = file_model(LlamaCppFactory(), path)
    for name in ("unrelated-burst", "shared-burst"):
        taken: dict[str, list[float]] = {layout.name: [] for layout in LAYOUTS}
        for turn in range(rounds):
            for layout in LAYOUTS:
                taken[layout.name].append(await seconds(model, layout, name, f"{name} {turn}"))
        for layout, each in taken.items():
            print(f"{name:16} {layout:34} {statistics.median(each):6.2f} s   {[round(one, 2) for one in each]}")


if __name__ == "__main__":
    asyncio.run(main())
