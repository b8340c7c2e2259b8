"""Whole GGUF models of random weights, half a megabyte each: for testing engines where no model is at hand.

They write nonsense, but every time the same nonsense; tokenizer, chat template, layers and limits are real ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIGNMENT = 32
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
CHAT_CONTEXT, EMBEDDING_CONTEXT = 1024, 64
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
END_TOKEN = 4
WORDS = ("the", "cat", "sat", "on", "mat", "dog", "ran", "and", "a", "to")

Metadata = Mapping[str, Any]
Tensors = Iterable[tuple[str, "NDArray[np.float32]"]]


def write_chat_model(path: Path, **metadata: Any) -> Path:
    """A Llama of two layers with 1,024 tokens of context; `metadata` (dots as `__`) is added, None takes a key away."""
    tokens = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL), ("<|im_start|>", CONTROL)]
    tokens += [("<|im_end|>", CONTROL), *((f"<0x{byte:02X}>", BYTE) for byte in range(256))]
    tokens += [(f"▁{word}", NORMAL) for word in WORDS] + [(letter, NORMAL) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    stated = {
        "general.architecture": "llama",
        "general.name": "Tiny chat",
        "general.license": "apache-2.0",
        "general.file_type": 0,
        "llama.context_length": CHAT_CONTEXT,
        "llama.embedding_length": 64,
        "llama.block_count": 2,
        "llama.feed_forward_length": 128,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": 16,
        **_tokenizer("llama", tokens),
        "tokenizer.ggml.scores": [-float(number) for number in range(len(tokens))],
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": END_TOKEN,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }
    write_gguf(path, _changed(stated, metadata), _chat_tensors(len(tokens)))
    return path


def write_embedding_model(path: Path, **metadata: Any) -> Path:
    """A BERT of one layer with 64 tokens of context and vectors of 32; `metadata` as for the chat model."""
    tokens = [("[PAD]", CONTROL), ("[UNK]", CONTROL), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[MASK]", CONTROL)]
    tokens += [(f"▁{word}", NORMAL) for word in WORDS]
    tokens += [(start + letter, NORMAL) for start in ("▁", "") for letter in "bcdefghijklmnopqrstuvwxyz.,!?"]
    stated = {
        "general.architecture": "bert",
        "general.name": "Tiny embedding",
        "general.file_type": 0,
        "bert.context_length": EMBEDDING_CONTEXT,
        "bert.embedding_length": 32,
        "bert.block_count": 1,
        "bert.feed_forward_length": 64,
        "bert.attention.head_count": 2,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        **_tokenizer("bert", tokens),
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.seperator_token_id": 3,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.mask_token_id": 4,
    }
    write_gguf(path, _changed(stated, metadata), _embedding_tensors(len(tokens)))
    return path


def write_adapter(path: Path, *, seed: int = 1, rank: int = 4, strength: float = 0.5, **metadata: Any) -> Path:
    """A LoRA adapter for the chat model, which it changes the more the stronger it is; `metadata` as there."""
    stated = {
        "general.type": "adapter",
        "general.architecture": "llama",
        "general.name": "Tiny adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": float(rank),
    }
    write_gguf(path, _changed(stated, metadata), _adapter_tensors(np.random.default_rng(seed), rank, strength))
    return path


def write_gguf(path: Path, metadata: Metadata, tensors: Tensors) -> None:
    """A GGUF file, version 3, of single-precision tensors."""
    named = list(tensors)
    heads, data = bytearray(), bytearray()
    for name, tensor in named:
        shape = tensor.shape[::-1]
        heads += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += _padded(tensor.astype("<f4").tobytes())
    entries = b"".join(_text(key) + _value(value) for key, value in metadata.items())
    path.write_bytes(
        _padded(b"GGUF" + struct.pack("<IQQ", 3, len(named), len(metadata)) + entries + bytes(heads)) + bytes(data)
    )


def _tokenizer(kind: str, tokens: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "tokenizer.ggml.model": kind,
        "tokenizer.ggml.tokens": [text for text, _ in tokens],
        "tokenizer.ggml.token_type": [token_type for _, token_type in tokens],
    }


def _changed(stated: dict[str, Any], changes: Metadata) -> dict[str, Any]:
    changed = stated | {key.replace("__", "."): value for key, value in changes.items()}
    return {key: value for key, value in changed.items() if value is not None}


def _chat_tensors(vocabulary: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    random = np.random.default_rng(135)
    ones = np.ones(64, dtype=np.float32)
    yield "token_embd.weight", _drawn(random, vocabulary, 64)
    yield "output_norm.weight", ones
    yield "output.weight", _drawn(random, vocabulary, 64)
    for layer in (f"blk.{number}." for number in range(2)):
        yield layer + "attn_norm.weight", ones
        for name, rows in (("attn_q", 64), ("attn_k", 32), ("attn_v", 32), ("attn_output", 64)):
            yield f"{layer}{name}.weight", _drawn(random, rows, 64)
        yield layer + "ffn_norm.weight", ones
        yield layer + "ffn_gate.weight", _drawn(random, 128, 64)
        yield layer + "ffn_up.weight", _drawn(random, 128, 64)
        yield layer + "ffn_down.weight", _drawn(random, 64, 128)


def _adapter_tensors(
    random: np.random.Generator, rank: int, strength: float
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for layer in (f"blk.{number}." for number in range(2)):
        for name, rows, columns in (("attn_q", 64, 64), ("attn_v", 32, 64), ("ffn_down", 64, 128)):
            yield f"{layer}{name}.weight.lora_a", _drawn(random, rank, columns)
            yield f"{layer}{name}.weight.lora_b", strength * _drawn(random, rows, rank)


def _embedding_tensors(vocabulary: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    random = np.random.default_rng(384)
    yield "token_embd.weight", _drawn(random, vocabulary, 32)
    yield "token_types.weight", _drawn(random, 2, 32)
    yield "position_embd.weight", _drawn(random, EMBEDDING_CONTEXT, 32)
    yield from _normalization("token_embd_norm")
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        yield from _layer(random, f"blk.0.{name}", 32, 32)
    yield from _normalization("blk.0.attn_output_norm")
    yield from _layer(random, "blk.0.ffn_up", 64, 32)
    yield from _layer(random, "blk.0.ffn_down", 32, 64)
    yield from _normalization("blk.0.layer_output_norm")


def _normalization(name: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield f"{name}.weight", np.ones(32, dtype=np.float32)
    yield f"{name}.bias", np.zeros(32, dtype=np.float32)


def _layer(
    random: np.random.Generator, name: str, rows: int, columns: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield f"{name}.weight", _drawn(random, rows, columns)
    yield f"{name}.bias", np.zeros(rows, dtype=np.float32)


def _drawn(random: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    return random.normal(0, 0.2, (rows, columns)).astype(np.float32)


def _value(value: Any) -> bytes:
    """A metadata value with its type in front; llama.cpp wants whole numbers unsigned alone and signed in arrays."""
    if isinstance(value, list):
        items = [_item(item, whole=(5, "<i")) for item in value]
        return struct.pack("<IIQ", 9, items[0][0], len(items)) + b"".join(content for _, content in items)
    kind, content = _item(value, whole=(4, "<I"))
    return struct.pack("<I", kind) + content


def _item(value: bool | float | str, *, whole: tuple[int, str]) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return whole[0], struct.pack(whole[1], value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    return 8, _text(value)


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<Q", len(content)) + content


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)
