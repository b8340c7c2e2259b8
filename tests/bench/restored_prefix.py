"""A prefix of 1,000 tokens restored from a file, beside the same prefix evaluated: time, and the logits after it.

usage: python tests/bench/restored_prefix.py [MODEL.gguf] [--rounds N]     default: $JACKFIELD_TEST_MODEL, 5 rounds

Each round opens the model twice. The first evaluates the prefix, and saves it when a second prompt branches off after
it, as a server would; the second finds the file as after a restart. Both then evaluate one token more.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import structlog

from jackfield.contracts.engine import EngineSettings, TokenEngine
from jackfield.decoding.bench.texts import prose
from jackfield.decoding.saved_prefixes import SavedPrefixes
from jackfield.testing.cached_reader import CachedReader
from jackfield.testing.file_model import file_model
from jackfield_engines.llama_cpp.factory import LlamaCppFactory

TOKENS = 1000
SETTINGS = EngineSettings(context_length=2048, cells=4096, sequences=4)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to evaluate the prefix, to restore it, and to restore it and evaluate one token; what the logits say."""

    prefilled: float
    restored: float
    restored_and_read: float
    difference: float
    same_top: bool
    file_bytes: int


@contextmanager
def opened(path: Path) -> Iterator[TokenEngine]:
    """The model of a file, with the platform's own choice of threads."""
    factory = LlamaCppFactory()
    model = file_model(factory, path)
    engine = factory.open(model, SETTINGS)
    try:
        yield engine
    finally:
        engine.close()


def prefix_of(engine: TokenEngine) -> list[int]:
    """The first tokens of some prose."""
    sentences = prose(Random(1))
    text = ""
    while len(tokens := engine.tokenize(text, special=False)) < TOKENS:
        text += next(sentences)
    return tokens[:TOKENS]


def one_round(path: Path, folder: Path) -> Round:
    """Evaluate and save with one engine, restore with another."""
    with opened(path) as engine:
        prefix = prefix_of(engine)
        one, other = engine.tokenize(" one", special=False)[:1], engine.tokenize(" other", special=False)[:1]
        saved = SavedPrefixes(folder)
        reader = CachedReader(engine, saved)
        prefilled = reader.read(prefix)
        expected = reader.read([*prefix, *one])
        reader.read([*prefix, *other])
        saved.close()
    with opened(path) as engine:
        saved = SavedPrefixes(folder)
        found = CachedReader(engine, saved).read([*prefix, *one])
        saved.close()
    if (prefilled.cached, found.cached) != (0, TOKENS):
        raise SystemExit(f"{found.cached} tokens were restored, and {prefilled.cached} cached before: no measurement.")
    return Round(
        prefilled=prefilled.seconds,
        restored=found.placing,
        restored_and_read=found.seconds,
        difference=float(np.abs(found.logits - expected.logits).max()),
        same_top=bool(found.logits.argmax() == expected.logits.argmax()),
        file_bytes=sum(file.stat().st_size for file in folder.iterdir()),
    )


def show(rounds: list[Round]) -> None:
    """Medians, and the worst difference."""
    prefilled = statistics.median(each.prefilled for each in rounds)
    restored = statistics.median(each.restored for each in rounds)
    whole = statistics.median(each.restored_and_read for each in rounds)
    print(f"{TOKENS:,} tokens, medians of {len(rounds)} rounds")
    print(f"  evaluated                        {1000 * prefilled:8.1f} ms")
    print(f"  restored from a file             {1000 * restored:8.1f} ms   {prefilled / restored:6.1f}x faster")
    print(f"  restored, and one token read     {1000 * whole:8.1f} ms   {prefilled / whole:6.1f}x faster")
    print(f"  the file                         {rounds[0].file_bytes / 1e6:8.1f} MB")
    print(f"  largest difference of the logits {max(each.difference for each in rounds):8.3g}")
    print(f"  the same top token               {sum(each.same_top for each in rounds):5} of {len(rounds)} rounds")


def main() -> None:
    """Bench the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", metavar="MODEL.gguf", default=os.environ.get("JACKFIELD_TEST_MODEL"))
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    if not chosen.file:
        sys.exit("Name a model file, or set JACKFIELD_TEST_MODEL.")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    rounds = []
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(one_round(Path(chosen.file), Path(folder)))
    show(rounds)


if __name__ == "__main__":
    main()
