"""What LoRA adapters cost: one of rank 16 on every matrix of the layers, two in turns, and loading one.

usage: python tests/bench/adapters.py [MODEL.gguf]     default: $JACKFIELD_TEST_MODEL
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import structlog

from jackfield.contracts.engine import Adapter, EngineSettings, TokenBatch
from jackfield.testing.file_model import file_model
from jackfield.testing.tiny_gguf import write_gguf
from jackfield_engines.llama_cpp.engine import LlamaCppEngine
from jackfield_engines.llama_cpp.factory import LlamaCppFactory
from jackfield_engines.llama_cpp.gguf_file import read_head, read_tensors

RANK = 16
ROUNDS = 5
STEPS = 8
WIDTHS = (1, 4)


def main() -> None:
    """One table; every round takes all cases in turns."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    path = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["JACKFIELD_TEST_MODEL"])
    engine = _opened(path)
    with TemporaryDirectory() as folder:
        one, other = (_written(path, Path(folder) / f"{name}.gguf", name) for name in ("one", "other"))
        loading = [_loading(engine, adapter) for adapter in (one, other)]
        size = one.path.stat().st_size / 10**6
    cases: dict[str, Sequence[str | None]] = {
        "no adapter": [None],
        "one adapter": ["one"],
        "one and none, in turns": ["one", None],
        "two, in turns": ["one", "other"],
    }
    print(f"{path.name}; rank {RANK}, {size:.1f} MB, loaded in {statistics.median(loading) * 1000:.0f} ms")
    for rows in WIDTHS:
        took: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, adapters in cases.items():
                took[name].append(_step(engine, adapters, rows))
        for name, steps in took.items():
            quickest, median = min(steps) * 1000, statistics.median(steps) * 1000
            print(f"{rows} rows, {name:24} {quickest:6.1f} ms a step at best, {median:6.1f} in the median round")


def _opened(path: Path) -> LlamaCppEngine:
    factory = LlamaCppFactory()
    model = file_model(factory, path)
    engine = factory.open(model, EngineSettings(context_length=512, cells=2048))
    assert isinstance(engine, LlamaCppEngine)
    return engine


def _written(model: Path, path: Path, name: str) -> Adapter:
    """Small random changes to every matrix of every layer."""
    random = np.random.default_rng(len(name))
    halves = []
    for tensor in read_tensors(model):
        if tensor.name.startswith("blk.") and len(tensor.shape) == 2:
            columns, rows = tensor.shape
            halves.append((f"{tensor.name}.lora_a", random.normal(0, 0.01, (RANK, columns)).astype(np.float32)))
            halves.append((f"{tensor.name}.lora_b", random.normal(0, 0.01, (rows, RANK)).astype(np.float32)))
    head = {"general.type": "adapter", "general.architecture": read_head(model).architecture, "adapter.type": "lora"}
    write_gguf(path, head, halves)
    return Adapter(name=name, key=name, path=path)


def _loading(engine: LlamaCppEngine, adapter: Adapter) -> float:
    began = time.perf_counter()
    engine.load_adapter(adapter)
    return time.perf_counter() - began


def _step(engine: LlamaCppEngine, adapters: Sequence[str | None], rows: int) -> float:
    """Seconds a step, over steps under each of some adapters in turns, a few sequences of its own for each."""
    began = time.perf_counter()
    for step in range(STEPS):
        turn = step % len(adapters)
        batch = TokenBatch(adapter=adapters[turn])
        for row in range(rows):
            batch.add(100 + row, position=step // len(adapters), sequence=turn * rows + row, logits=True)
        engine.evaluate(batch)
    took = (time.perf_counter() - began) / STEPS
    for sequence in range(rows * len(adapters)):
        engine.truncate(sequence, 0)
    return took


if __name__ == "__main__":
    main()
