"""Quantized keys and values in the KV cache: less memory, nearly the same answers, never another setting's state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jackfield.contracts.engine import EngineSettings
from jackfield.errors import EngineFailure, InvalidRequest, SettingsInvalid
from jackfield.testing.contract_suites.token_engine import prefill
from jackfield.testing.tiny_gguf import write_chat_model
from jackfield_engines.llama_cpp.cache_format import FORMATS
from jackfield_engines.llama_cpp.context_plan import context_plan
from jackfield_engines.llama_cpp.footprint import cell_bytes
from jackfield_engines.llama_cpp.gguf_file import read_head

PROMPT = "the cat sat on the mat and a dog ran to the cat " * 3


@pytest.fixture(scope="module")
def wide_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model whose heads have 32 numbers each."""
    return write_chat_model(
        tmp_path_factory.mktemp("models") / "wide.gguf",
        llama__attention__head_count=2,
        llama__attention__head_count_kv=1,
        llama__rope__dimension_count=32,
    )


@pytest.mark.parametrize("cache", [{"cache_type_k": "q8_0"}, {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}])
def test_quantized_keys_and_values_change_logits_little_and_save_memory(open_chat, wide_file: Path, cache) -> None:
    plain, quantized = open_chat(wide_file), open_chat(wide_file, **cache)
    tokens = plain.tokenize(PROMPT, special=False)
    exact, near = prefill(plain, tokens), prefill(quantized, tokens)
    assert not np.array_equal(exact, near)
    assert np.abs(exact - near).max() < 0.1 * np.abs(exact).max()
    assert len(quantized.save(0)) < 0.9 * len(plain.save(0))


@pytest.mark.parametrize("cache", [{"cache_type_k": "q4_0"}, {"cache_type_k": "q8_0", "cache_type_v": "q4_0"}])
def test_quantized_sequences_can_be_shared_cut_and_restored(open_chat, wide_file: Path, cache) -> None:
    engine = open_chat(wide_file, **cache)
    tokens = engine.tokenize(PROMPT, special=False)[:40]
    expected = prefill(engine, tokens)
    engine.share_prefix(0, 1, 40)
    engine.truncate(1, 39)
    assert np.allclose(prefill(engine, tokens[39:], start=39, sequence=1), expected, atol=1e-3)
    engine.restore(2, engine.save(0))
    engine.truncate(2, 39)
    assert np.allclose(prefill(engine, tokens[39:], start=39, sequence=2), expected, atol=1e-3)


def test_keys_that_llama_cpp_cannot_move_are_not_slid(open_chat, wide_file: Path) -> None:
    """It crashed over quantized keys of heads that are no multiple of 64."""
    engine = open_chat(wide_file, cache_type_k="q8_0")
    prefill(engine, engine.tokenize(PROMPT, special=False)[:40])
    with pytest.raises(InvalidRequest, match="cannot slide"):
        engine.slide(0, 4, 10)


@pytest.mark.model
@pytest.mark.parametrize("values", ["f16", "q8_0"])
def test_rotated_keys_are_slid(open_chat, starter_file: Path, values: str) -> None:
    plain = open_chat(starter_file, context_length=512, cells=512)
    engine = open_chat(starter_file, context_length=512, cells=512, cache_type_k="q8_0", cache_type_v=values)
    tokens = plain.tokenize(PROMPT * 2, special=False)[:61]
    after = []
    for one in (plain, engine):
        prefill(one, tokens[:60])
        one.slide(0, 4, 20)
        after.append(prefill(one, tokens[60:], start=40))
    assert np.argmax(after[0]) == np.argmax(after[1])
    assert np.abs(after[0] - after[1]).max() < 0.1 * np.abs(after[0]).max()


def test_a_state_is_of_the_format_it_was_saved_in(open_chat, wide_file: Path) -> None:
    plain, quantized = open_chat(wide_file), open_chat(wide_file, cache_type_k="q8_0")
    prefill(plain, plain.tokenize(PROMPT, special=False))
    with pytest.raises(EngineFailure, match="other settings"):
        quantized.restore(0, plain.save(0))


@pytest.mark.parametrize(("setting", "what"), [("cache_type_k", "keys"), ("cache_type_v", "values")])
def test_heads_that_do_not_divide_are_refused_with_the_reason(
    factory, install, chat_file: Path, setting: str, what: str
) -> None:
    settings = EngineSettings(threads=1, **{setting: "q8_0"})
    with pytest.raises(SettingsInvalid, match=f"'engine.{setting}' is 'q8_0'.*the {what} .* have 16.*'f16'"):
        factory.open(install(chat_file), settings)


def test_the_plan_counts_packed_bytes_and_turns_flash_attention_on_only_for_values(wide_file: Path) -> None:
    head = read_head(wide_file)
    q8, q4 = FORMATS["q8_0"], FORMATS["q4_0"]
    assert cell_bytes(head) == 2 * (32 + 32) * 2
    assert cell_bytes(head, keys=q8) == 2 * (34 + 64)
    assert cell_bytes(head, keys=q8, values=q4) == 2 * (34 + 18)
    settings = {"cells": 4096, "context_length": 512}
    plain, keys, both = (
        context_plan(head, EngineSettings(**settings, **cache), free_bytes=10**9, on_gpu=False)
        for cache in ({}, {"cache_type_k": "q8_0"}, {"cache_type_k": "q8_0", "cache_type_v": "q8_0"})
    )
    assert [plan.flash_attention for plan in (plain, keys, both)] == [False, False, True]
    saved = plain.bytes_for(head) - keys.bytes_for(head)
    assert saved == (plain.cells + plain.prefill_cells) * 2 * (64 - 34)


def test_less_for_each_cell_means_more_cells_where_memory_is_short(wide_file: Path) -> None:
    head = read_head(wide_file)
    cells = [
        context_plan(head, EngineSettings(**cache), free_bytes=4 * 10**6, on_gpu=False).cells
        for cache in ({}, {"cache_type_k": "q4_0", "cache_type_v": "q4_0"})
    ]
    assert cells[1] > 3 * cells[0]
