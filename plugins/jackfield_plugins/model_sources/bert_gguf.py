"""Writes a BERT's GGUF: matrices in 8 bits, all else in full, tokens as llama.cpp's WordPiece wants them.

llama.cpp looks words up with a mark (U+2581) where they start and nothing where they go on; BERT's own vocabulary
has nothing where they start and `##` where they go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np
from safetensors import SafetensorError, safe_open

from jackfield.contracts.sources import Progress
from jackfield.errors import InvalidRequest
from jackfield_plugins.model_sources.bert_checkpoint import SPECIAL, BertCheckpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORD_START = "\u2581"
FULL, EIGHT_BITS = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.Q8_0
BLOCK = 32
"""Values that share a scale in Q8_0: rows of other widths stay in full."""

EMBEDDINGS = {
    "token_embd.weight": "embeddings.word_embeddings.weight",
    "token_types.weight": "embeddings.token_type_embeddings.weight",
    "position_embd.weight": "embeddings.position_embeddings.weight",
    "token_embd_norm.weight": "embeddings.LayerNorm.weight",
    "token_embd_norm.bias": "embeddings.LayerNorm.bias",
}
LAYER = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}
"""llama.cpp's names of tensors, and the checkpoint's."""


def write_bert_gguf(
    checkpoint: BertCheckpoint, path: Path, *, title: str, licence: str | None, progress: Progress
) -> None:
    """Write the file at once; raises InvalidRequest where tensors are missing, or not of the stated shape."""
    writer = gguf.GGUFWriter(path, "bert")
    try:
        writer.add_name(title)
        if licence:
            writer.add_license(licence.lower())
        _describe(writer, checkpoint)
        _add_vocabulary(writer, checkpoint.tokens, checkpoint.config.type_vocab_size)
        size = checkpoint.weights.stat().st_size
        done = 0
        for name, tensor in _tensors(checkpoint):
            kind = EIGHT_BITS if _in_eight_bits(name, tensor) else FULL
            writer.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
            done += tensor.nbytes
            progress(min(done, size), size)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def gguf_token(token: str) -> str:
    """A token of BERT's vocabulary as llama.cpp's has it."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def _describe(writer: gguf.GGUFWriter, checkpoint: BertCheckpoint) -> None:
    config = checkpoint.config
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.CLS if checkpoint.first_token else gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_vocabulary(writer: gguf.GGUFWriter, tokens: tuple[str, ...], types: int) -> None:
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("bert")
    writer.add_token_list([gguf_token(token) for token in tokens])
    writer.add_token_types([control if token in SPECIAL else normal for token in tokens])
    writer.add_token_type_count(types)
    writer.add_pad_token_id(tokens.index("[PAD]"))
    writer.add_unk_token_id(tokens.index("[UNK]"))
    writer.add_bos_token_id(tokens.index("[CLS]"))
    writer.add_sep_token_id(tokens.index("[SEP]"))
    writer.add_mask_token_id(tokens.index("[MASK]"))


def _in_eight_bits(name: str, tensor: NDArray[np.float32]) -> bool:
    small = name in ("token_types.weight", "position_embd.weight")
    return tensor.ndim == 2 and tensor.shape[1] % BLOCK == 0 and not small


def _tensors(checkpoint: BertCheckpoint) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Each tensor that llama.cpp wants, in single precision; the pooler and the heads of training stay behind."""
    try:
        with safe_open(checkpoint.weights, framework="numpy") as file:
            prefix = "bert." if f"bert.{EMBEDDINGS['token_embd.weight']}" in file.keys() else ""  # noqa: SIM118
            for name, source, shape in _expected(checkpoint):
                tensor = np.asarray(file.get_tensor(prefix + source))
                if tensor.shape != shape:
                    raise InvalidRequest(f"{source} is {tensor.shape} where the configuration says {shape}.")
                yield name, tensor.astype(np.float32)
    except (SafetensorError, TypeError) as error:
        raise InvalidRequest(f"The model's weights cannot be read: {error}.", parameter="reference") from error


def _expected(checkpoint: BertCheckpoint) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Each tensor's name here and in the checkpoint, and its shape."""
    config = checkpoint.config
    size, inner = config.hidden_size, config.intermediate_size
    rows = {
        "token_embd.weight": config.vocab_size,
        "token_types.weight": config.type_vocab_size,
        "position_embd.weight": config.max_position_embeddings,
    }
    for name, source in EMBEDDINGS.items():
        yield name, source, (rows[name], size) if name in rows else (size,)
    matrices = {"ffn_up": (inner, size), "ffn_down": (size, inner)}
    for layer in range(config.num_hidden_layers):
        for name, source in LAYER.items():
            shape = (size,) if name.endswith("norm") else matrices.get(name, (size, size))
            yield f"blk.{layer}.{name}.weight", f"encoder.layer.{layer}.{source}.weight", shape
            yield f"blk.{layer}.{name}.bias", f"encoder.layer.{layer}.{source}.bias", shape[:1]
