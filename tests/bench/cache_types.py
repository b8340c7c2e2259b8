"""What quantized keys and values save and cost, deep in a context: memory, speed, exactness.

usage: python tests/bench/cache_types.py [MODEL.gguf]     default: $JACKFIELD_TEST_MODEL
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import structlog

from jackfield.contracts.engine import CacheFormatName, EngineSettings, TokenBatch, TokenEngine
from jackfield.testing.file_model import file_model
from jackfield_engines.llama_cpp.factory import LlamaCppFactory

TYPES: tuple[tuple[CacheFormatName, CacheFormatName], ...] = (
    ("f16", "f16"),
    ("q8_0", "f16"),
    ("q4_0", "f16"),
    ("q8_0", "q8_0"),
    ("q4_0", "q4_0"),
)
DEPTH = 2048
SEQUENCES = 8
ROUNDS = 5
STEPS = 3


def main() -> None:
    """One table; decoding is timed in turns."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    path = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["JACKFIELD_TEST_MODEL"])
    engines = [_opened(path, *types) for types in TYPES]
    text = "".join(script.read_text(encoding="utf-8") for script in sorted(Path(__file__).parent.glob("*.py")))
    tokens = engines[0].tokenize(text, special=False)[:DEPTH]
    prefills, predictions = zip(*(_prefilled(engine, tokens) for engine in engines), strict=True)
    single: list[list[float]] = [[] for _ in TYPES]
    many: list[list[float]] = [[] for _ in TYPES]
    for _ in range(ROUNDS):
        for engine, alone, together in zip(engines, single, many, strict=True):
            alone.append(_step(engine, 1))
            together.append(_step(engine, SEQUENCES))
    print(f"{path.name}, {len(tokens)} tokens in: the quickest of {ROUNDS * STEPS} steps, median of {ROUNDS} rounds")
    print(f"{'keys, values':14} {'MB':>6} {'prefill':>9} {'1 row':>17} {f'{SEQUENCES} rows':>17} {'KL':>8}")
    for at, (keys, values) in enumerate(TYPES):
        size = len(engines[at].save(0)) / 10**6
        divergence = float(np.sum(np.exp(predictions[0]) * (predictions[0] - predictions[at])))
        times = " ".join(
            f"{min(took) * 1000:5.1f} ({statistics.median(took) * 1000:5.1f}) ms" for took in (single[at], many[at])
        )
        print(f"{keys + ', ' + values:14} {size:6.1f} {prefills[at]:7.1f} s {times:>34} {divergence:8.4f}")


def _opened(path: Path, keys: CacheFormatName, values: CacheFormatName) -> TokenEngine:
    factory = LlamaCppFactory()
    model = file_model(factory, path)
    settings = EngineSettings(
        context_length=DEPTH * 2, cells=DEPTH * 2, sequences=SEQUENCES, cache_type_k=keys, cache_type_v=values
    )
    return factory.open(model, settings)


def _prefilled(engine: TokenEngine, tokens: list[int]) -> tuple[float, np.ndarray]:
    """Seconds to read the tokens into every sequence, shared, and the next token's log-probabilities, (n_vocab,)."""
    began = time.perf_counter()
    row = 0
    for start in range(0, len(tokens), engine.limits.batch_tokens):
        batch = TokenBatch()
        for at, token in enumerate(tokens[start : start + engine.limits.batch_tokens], start):
            row = batch.add(token, position=at, sequence=0, logits=at == len(tokens) - 1)
        engine.evaluate(batch)
    took = time.perf_counter() - began
    logits = engine.logits(row).astype(np.float64)
    for sequence in range(1, SEQUENCES):
        engine.share_prefix(0, sequence, len(tokens))
    return took, logits - logits.max() - np.log(np.sum(np.exp(logits - logits.max())))


def _step(engine: TokenEngine, rows: int) -> float:
    """Seconds of the quickest of a few steps with a row for each of so many sequences, taken back afterwards."""
    quickest = float("inf")
    for step in range(STEPS):
        batch = TokenBatch()
        for sequence in range(rows):
            batch.add(100 + sequence, position=DEPTH + step, sequence=sequence, logits=True)
        began = time.perf_counter()
        engine.evaluate(batch)
        quickest = min(quickest, time.perf_counter() - began)
    for sequence in range(rows):
        engine.truncate(sequence, DEPTH)
    return quickest


if __name__ == "__main__":
    main()
