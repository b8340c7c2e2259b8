"""LoRA adapters in llama.cpp: what suits, what they change, and that they can come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jackfield.contracts.engine import AdaptableEngine, Adapter, TokenBatch
from jackfield.errors import EngineFailure, InvalidRequest, ModelFileInvalid
from jackfield.testing.contract_suites.token_engine import assert_alike, prefill
from jackfield.testing.tiny_gguf import write_adapter, write_chat_model, write_gguf
from jackfield_engines.llama_cpp.engine import LlamaCppEngine

PROMPT = "the cat sat on the mat and a dog ran to the cat "

Write = Callable[..., Adapter]


@pytest.fixture
def adapter_of(tmp_path: Path) -> Write:
    """Writes an adapter for the chat model, or a changed one."""

    def written(name: str = "poet", **changes: object) -> Adapter:
        path = write_adapter(tmp_path / f"{name}.gguf", **changes)
        return Adapter(name=name, key=hashlib.sha256(path.read_bytes()).hexdigest(), path=path)

    return written


def logits_under(engine: LlamaCppEngine, adapter: Adapter | None, sequence: int) -> np.ndarray:
    """After the prompt, all of it evaluated under an adapter or none."""
    batch = TokenBatch(adapter=adapter and adapter.key)
    tokens = engine.tokenize(PROMPT, special=False)
    for at, token in enumerate(tokens):
        row = batch.add(token, position=at, sequence=sequence, logits=at == len(tokens) - 1)
    engine.evaluate(batch)
    return engine.logits(row).copy()


def test_an_adapter_describes_itself(factory, adapter_of: Write) -> None:
    told = factory.inspect(adapter_of().path)
    assert (told.name, told.architecture, told.format) == ("Tiny adapter", "llama", "unknown")
    assert told.is_adapter
    assert not told.generates
    assert told.parameters == 2 * (4 * (64 + 64) + 4 * (64 + 32) + 4 * (128 + 64))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"adapter__type": "ia3"}, "of the kind 'ia3'; only 'lora'"),
        ({"adapter__type": None}, "of the kind 'unknown'"),
        ({"adapter__alora__invocation_tokens": [1, 2]}, "begins in mid-text"),
    ],
)
def test_other_kinds_of_adapters_are_refused(factory, adapter_of: Write, changes, reason: str) -> None:
    path = adapter_of(**changes).path
    with pytest.raises(ModelFileInvalid, match=reason):
        factory.inspect(path)


def test_an_adapter_changes_what_is_written_and_nothing_once_it_is_off(open_chat, adapter_of: Write) -> None:
    engine = open_chat()
    assert isinstance(engine, AdaptableEngine)
    poet, critic = adapter_of("poet"), adapter_of("critic", seed=2)
    plain = prefill(engine, engine.tokenize(PROMPT, special=False))
    for adapter in (poet, critic):
        engine.load_adapter(adapter)
    first, second = logits_under(engine, poet, 1), logits_under(engine, critic, 2)
    for one, other in ((plain, first), (plain, second), (first, second)):
        assert np.abs(one - other).max() > 0.1
    for sequence, before, adapter in ((0, plain, None), (1, first, poet), (2, second, critic)):
        engine.truncate(sequence, 0)
        assert_alike(logits_under(engine, adapter, sequence), before)


def test_long_prompts_read_apart_go_through_the_adapter_too(open_chat, adapter_of: Write) -> None:
    """A crowded pool makes the next prompt go to the prefill context."""
    engine = open_chat(cells=2048, context_length=512, batch_tokens=512)
    poet = adapter_of()
    engine.load_adapter(poet)
    expected = logits_under(engine, poet, 0)
    prefill(engine, engine.tokenize(PROMPT * 12, special=False)[:400], sequence=1)
    assert_alike(logits_under(engine, poet, 2), expected)
    assert engine._pool._prefill.guest == 2


def test_an_adapter_is_loaded_once_and_unloaded_for_good(open_chat, adapter_of: Write) -> None:
    engine = open_chat()
    poet = adapter_of()
    with pytest.raises(EngineFailure, match="is not loaded"):
        logits_under(engine, poet, 0)
    engine.load_adapter(poet)
    engine.load_adapter(poet)
    logits_under(engine, poet, 0)
    engine.unload_adapter(poet.key)
    engine.unload_adapter("never seen")
    with pytest.raises(EngineFailure, match="is not loaded"):
        logits_under(engine, poet, 1)
    engine.load_adapter(poet)
    logits_under(engine, poet, 1)


def test_two_engines_on_the_same_weights_have_their_own_adapters(open_chat, adapter_of: Write) -> None:
    one, other = open_chat(), open_chat()
    poet = adapter_of()
    one.load_adapter(poet)
    other.load_adapter(poet)
    expected = logits_under(other, poet, 0)
    one.close()
    other.truncate(0, 0)
    assert_alike(logits_under(other, poet, 0), expected)


def test_an_adapter_of_another_architecture_is_refused(open_chat, adapter_of: Write) -> None:
    qwen = adapter_of(general__architecture="qwen2")
    with pytest.raises(
        InvalidRequest, match=r"'poet' is not for this model: .* for qwen2 models.* a llama one"
    ) as told:
        open_chat().check_adapter(qwen)
    assert told.value.parameter == "adapter"


@pytest.mark.parametrize(
    ("name", "shapes", "reason"),
    [
        ("blk.0.attn_q.weight", ((4, 96), (64, 4)), "for a size of 96, and this model's tensor is 64 x 64"),
        ("blk.0.attn_v.weight", ((4, 64), (64, 4)), "for a size of 64, and this model's tensor is 64 x 32"),
        ("blk.7.attn_q.weight", ((4, 64), (64, 4)), "'blk.7.attn_q.weight', which this model has not"),
        ("output_norm.weight", ((4, 64), (64, 4)), "this model's tensor is 64"),
        ("token_embd.weight", ((4, 64), (298, 4)), "for a size of 4, and this model's tensor is 64 x 298"),
    ],
)
def test_an_adapter_for_other_shapes_is_refused(open_chat, tmp_path: Path, name: str, shapes, reason: str) -> None:
    path = tmp_path / "other.gguf"
    metadata = {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora"}
    halves = [(f"{name}.lora_{half}", np.ones(shape, np.float32)) for half, shape in zip("ab", shapes, strict=True)]
    write_gguf(path, metadata, halves)
    with pytest.raises(InvalidRequest, match=reason):
        open_chat().load_adapter(Adapter(name="other", key="other", path=path))


def test_halves_that_do_not_join_are_refused_in_llama_cpps_words(open_chat, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    metadata = {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora"}
    halves = [("a", np.ones((4, 64), np.float32)), ("b", np.ones((64, 5), np.float32))]
    write_gguf(path, metadata, [(f"blk.0.attn_q.weight.lora_{half}", numbers) for half, numbers in halves])
    with pytest.raises(InvalidRequest, match=r"cannot put the adapter on this model: .*not transposed"):
        open_chat().load_adapter(Adapter(name="broken", key="broken", path=path))


def test_a_model_is_no_adapter(open_chat, tmp_path: Path) -> None:
    path = write_chat_model(tmp_path / "model.gguf")
    with pytest.raises(InvalidRequest, match="it is no adapter"):
        open_chat().check_adapter(Adapter(name="model", key="model", path=path))


def test_an_embedding_and_an_output_can_be_adapted(open_chat, tmp_path: Path) -> None:
    path = tmp_path / "words.gguf"
    random = np.random.default_rng(3)
    metadata = {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora"}
    shapes = {
        "token_embd.weight.lora_a": (298, 4),
        "token_embd.weight.lora_b": (64, 4),
        "output.weight.lora_a": (4, 64),
        "output.weight.lora_b": (298, 4),
    }
    write_gguf(path, metadata, [(name, random.normal(0, 0.3, shape)) for name, shape in shapes.items()])
    engine = open_chat()
    adapter = Adapter(name="words", key="words", path=path)
    engine.load_adapter(adapter)
    plain = logits_under(engine, None, 0)
    assert np.abs(logits_under(engine, adapter, 1) - plain).max() > 0.1
