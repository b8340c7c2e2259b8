"""How contexts are laid out where the settings leave the choice."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.contracts.engine import EngineSettings
from jackfield_engines.llama_cpp.context_plan import context_plan, embedding_plan
from jackfield_engines.llama_cpp.footprint import cell_bytes, compute_bytes, state_bytes
from jackfield_engines.llama_cpp.gguf_file import GgufHead, OmittedArray
from jackfield_engines.llama_cpp.memory import fit

GB = 10**9


def head(**changes: Any) -> GgufHead:
    """SmolLM2-135M's, or changed."""
    metadata = {
        "general.architecture": "llama",
        "llama.context_length": 8192,
        "llama.embedding_length": 576,
        "llama.block_count": 30,
        "llama.feed_forward_length": 1536,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
        "tokenizer.ggml.tokens": OmittedArray(49152),
    }
    return GgufHead(version=3, tensors=272, bytes=98_000_000, metadata=metadata | changes)


def test_the_usual_choices_for_a_small_model() -> None:
    plan = context_plan(head(), EngineSettings(), free_bytes=20 * GB, on_gpu=False)
    assert plan.limits.context_length == 8192
    assert plan.limits.cells == 16384
    assert plan.limits.running == 16
    assert plan.limits.sequences == 64
    assert plan.limits.batch_tokens == 512
    assert plan.rows_at_once == 256
    assert plan.threads >= 1
    assert plan.flash_attention is False


def test_a_long_context_is_not_taken_unasked_and_an_untrained_one_not_at_all() -> None:
    long = head(**{"llama.context_length": 131072})
    assert context_plan(long, EngineSettings(), free_bytes=99 * GB, on_gpu=False).context_length == 8192
    asked = EngineSettings(context_length=65536)
    assert context_plan(long, asked, free_bytes=99 * GB, on_gpu=False).context_length == 65536
    assert context_plan(long, asked, free_bytes=99 * GB, on_gpu=False).cells == 65536
    assert context_plan(head(), asked, free_bytes=99 * GB, on_gpu=False).context_length == 8192


def test_short_memory_means_fewer_cells_and_then_a_shorter_context() -> None:
    roomy, tight, tighter = (
        context_plan(head(), EngineSettings(), free_bytes=free, on_gpu=False) for free in (2 * GB, GB, GB // 4)
    )
    assert (roomy.context_length, roomy.cells) == (8192, 16384)
    assert (tight.context_length, tight.cells) == (8192, 8704)
    assert (tighter.context_length, tighter.cells) == (4096, 4096)
    assert context_plan(head(), EngineSettings(), free_bytes=0, on_gpu=False).context_length == 512


def test_what_is_set_is_kept_to() -> None:
    settings = EngineSettings(context_length=1000, cells=3000, sequences=300, batch_tokens=5000, threads=7)
    plan = context_plan(head(), settings, free_bytes=GB, on_gpu=True)
    assert (plan.context_length, plan.cells, plan.batch_tokens, plan.threads) == (1000, 3072, 3072, 7)
    assert plan.sequences == 255
    assert plan.flash_attention is None
    short = context_plan(head(), EngineSettings(cells=512), free_bytes=GB, on_gpu=False)
    assert (short.context_length, short.cells, short.batch_tokens) == (512, 512, 512)


def test_memory_is_worked_out_from_the_heads_of_each_layer() -> None:
    assert cell_bytes(head()) == 30 * 3 * (64 + 64) * 2
    by_layer = head(**{"llama.attention.head_count_kv": (3,) * 10 + (0,) * 20, "llama.attention.key_length": 128})
    assert cell_bytes(by_layer) == 10 * 3 * (128 + 64) * 2
    assert state_bytes(head()) == 0
    recurrent = head(
        **{f"llama.ssm.{key}": value for key, value in {"inner_size": 1024, "state_size": 16, "conv_kernel": 4}.items()}
    )
    assert state_bytes(recurrent) == 30 * (1024 * 16 + 1024 * 3) * 4


@pytest.mark.parametrize(("flash", "measured"), [(False, 163.19), (True, 98.25)])
def test_compute_memory_is_near_what_llama_cpp_takes(flash: bool, measured: float) -> None:
    """In MiB, as llama.cpp logged it for this model: 256 rows without flash attention, 512 with."""
    rows = 512 if flash else 256
    estimate = compute_bytes(head(), rows=rows, cells=16384, flash_attention=flash) / 2**20
    assert measured * 0.95 < estimate < measured * 1.25


def test_an_embedding_context_is_as_long_as_memory_allows() -> None:
    roomy = embedding_plan(head(), EngineSettings(), free_bytes=40 * GB)
    tight = embedding_plan(head(), EngineSettings(), free_bytes=2 * GB)
    asked = embedding_plan(head(), EngineSettings(context_length=700), free_bytes=2 * GB)
    assert (roomy.max_tokens, roomy.rows) == (8192, 8192)
    assert (tight.max_tokens, tight.rows) == (2048, 2048)
    assert (asked.max_tokens, asked.rows) == (700, 704)
    encoder = head(**{"llama.context_length": 512})
    assert embedding_plan(encoder, EngineSettings(), free_bytes=0).rows == 512


def test_the_sentence_has_sizes_as_people_say_them() -> None:
    refusal = fit("big", weight_bytes=4_700_000_000, context_bytes=512_000_000, available=3_100_000_000)
    assert not refusal.fits
    assert "'big' needs about 5.2 GB of memory (4.7 GB for its weights, 512.0 MB for its context)" in refusal.reason
    assert "3.1 GB are available" in refusal.reason
