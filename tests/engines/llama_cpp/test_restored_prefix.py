"""What a prefix means to the model is the same whether it was evaluated or read back from a file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from jackfield.contracts.engine import EngineSettings, TokenEngine
from jackfield.decoding.bench.texts import prose
from jackfield.decoding.saved_prefixes import SavedPrefixes
from jackfield.testing.cached_reader import CachedReader, Reading


def prefix_of(engine: TokenEngine, count: int) -> list[int]:
    sentences = prose(Random(3))
    text = "".join(next(sentences) for _ in range(count // 4))
    return engine.tokenize(text, special=False)[:count]


def evaluated_and_saved(engine: TokenEngine, folder: Path, prefix: list[int]) -> Reading:
    """The logits one token after a prefix, which a second prompt that branches off there has saved."""
    saved = SavedPrefixes(folder)
    reader = CachedReader(engine, saved)
    reader.read(prefix)
    reading = reader.read([*prefix, 40])
    reader.read([*prefix, 50])
    saved.close()
    return reading


def restored(engine: TokenEngine, folder: Path, prefix: list[int]) -> Reading:
    """The logits one token after the prefix of a file."""
    saved = SavedPrefixes(folder)
    reading = CachedReader(engine, saved).read([*prefix, 40])
    saved.close()
    return reading


def test_a_prefix_outlives_its_engine(open_chat, tmp_path: Path) -> None:
    prefix = prefix_of(open_chat(), 300)
    settings = {"context_length": 512, "cells": 1024}
    before = evaluated_and_saved(open_chat(**settings), tmp_path, prefix)
    after = restored(open_chat(**settings), tmp_path, prefix)
    assert after.cached == 300
    assert np.array_equal(before.logits, after.logits)


def test_a_prefix_of_other_tokens_is_not_restored(open_chat, tmp_path: Path) -> None:
    settings = {"context_length": 512, "cells": 1024}
    prefix = prefix_of(open_chat(), 300)
    evaluated_and_saved(open_chat(**settings), tmp_path, prefix)
    assert restored(open_chat(**settings), tmp_path, [41, *prefix[1:]]).cached == 0


@pytest.mark.model
def test_a_thousand_tokens_restored_are_the_thousand_evaluated(
    factory, install, starter_file: Path, tmp_path: Path
) -> None:
    model = install(starter_file)
    settings = EngineSettings(context_length=2048, cells=4096, sequences=4)
    first = factory.open(model, settings)
    prefix = prefix_of(first, 1000)
    before = evaluated_and_saved(first, tmp_path, prefix)
    first.close()
    second = factory.open(model, settings)
    after = restored(second, tmp_path, prefix)
    second.close()
    assert after.cached == 1000
    assert np.array_equal(before.logits, after.logits)
