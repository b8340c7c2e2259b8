"""A BERT of random weights as sentence-transformers publishes one, and what BERTs compute, in numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import erf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("the", "cat", "sat", "on", "mat", "dog", "ran", "and", ".", ",", "##s", "##ning", "[unused0]")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TOKENS = (*SPECIAL, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS if letter != "s"))
SIZE, INNER, HEADS, LAYERS, POSITIONS = 32, 64, 2, 2, 64

CONFIGURATION: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": SIZE,
    "intermediate_size": INNER,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "vocab_size": len(TOKENS),
    "layer_norm_eps": 1e-12,
}

Tensors = Mapping[str, "NDArray[np.float32]"]


def checkpoint_files(**configuration: Any) -> dict[str, bytes]:
    """The files of a tiny checkpoint by name; what is given is stated in the configuration in place of the truth."""
    from safetensors.numpy import save

    return {
        "config.json": json.dumps(CONFIGURATION | configuration).encode(),
        "model.safetensors": save({name: np.ascontiguousarray(tensor) for name, tensor in random_tensors().items()}),
        "tokenizer.json": json.dumps({"model": {"vocab": {token: at for at, token in enumerate(TOKENS)}}}).encode(),
        "tokenizer_config.json": b'{"do_lower_case": true}',
        "modules.json": b'[{"type": "sentence_transformers.models.Transformer"}, '
        b'{"type": "sentence_transformers.models.Pooling"}]',
        "1_Pooling/config.json": b'{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}',
    }


def random_tensors() -> dict[str, NDArray[np.float32]]:
    """The tiny model's tensors under BERT's own names, the same ones every time."""
    random = np.random.default_rng(384)

    def drawn(*shape: int, scale: float = 0.2) -> NDArray[np.float32]:
        return random.normal(0, scale, shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": drawn(len(TOKENS), SIZE),
        "embeddings.position_embeddings.weight": drawn(POSITIONS, SIZE),
        "embeddings.token_type_embeddings.weight": drawn(2, SIZE),
        "embeddings.position_ids": np.zeros((1, POSITIONS), dtype=np.float32),
        "pooler.dense.weight": drawn(SIZE, SIZE),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{number}." for number in range(LAYERS)):
        matrices = {f"attention.self.{name}": (SIZE, SIZE) for name in ("query", "key", "value")}
        matrices |= {"attention.output.dense": (SIZE, SIZE)}
        matrices |= {"intermediate.dense": (INNER, SIZE), "output.dense": (SIZE, INNER)}
        for name, shape in matrices.items():
            tensors |= {f"{layer}{name}.weight": drawn(*shape), f"{layer}{name}.bias": drawn(shape[0], scale=0.05)}
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
    for name in norms:
        tensors |= {f"{name}.weight": 1 + drawn(SIZE, scale=0.1), f"{name}.bias": drawn(SIZE, scale=0.1)}
    return tensors


def bert_vector(tensors: Tensors, tokens: Sequence[int], *, layers: int, heads: int) -> NDArray[np.float32]:
    """The unit vector of one text by the mean over its tokens: Devlin et al. 2018, Reimers and Gurevych 2019."""
    states = (
        tensors["embeddings.word_embeddings.weight"][list(tokens)]
        + tensors["embeddings.position_embeddings.weight"][: len(tokens)]
        + tensors["embeddings.token_type_embeddings.weight"][0]
    )
    states = _normalized(states, tensors, "embeddings.LayerNorm")
    for number in range(layers):
        states = _through_layer(states, tensors, f"encoder.layer.{number}.", heads)
    mean = states.mean(axis=0)
    unit: NDArray[np.float32] = mean / np.linalg.norm(mean)
    return unit


def _through_layer(states: NDArray[np.float32], tensors: Tensors, layer: str, heads: int) -> NDArray[np.float32]:
    def linear(name: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        product: NDArray[np.float32] = rows @ tensors[f"{layer}{name}.weight"].T + tensors[f"{layer}{name}.bias"]
        return product

    def headed(name: str) -> NDArray[np.float32]:
        return linear(f"attention.self.{name}", states).reshape(len(states), heads, -1).transpose(1, 0, 2)

    query, key, value = headed("query"), headed("key"), headed("value")
    scores = query @ key.transpose(0, 2, 1) / query.shape[-1] ** 0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    attended = (weights / weights.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(states.shape)
    together = states + linear("attention.output.dense", attended)
    middle = _normalized(together, tensors, f"{layer}attention.output.LayerNorm")
    inner = linear("output.dense", _gelu(linear("intermediate.dense", middle)))
    return _normalized(middle + inner, tensors, f"{layer}output.LayerNorm")


def _gelu(values: NDArray[np.float32]) -> NDArray[np.float32]:
    areas = [value * (1 + erf(value / sqrt(2))) / 2 for value in values.ravel().tolist()]
    return np.array(areas, dtype=np.float32).reshape(values.shape)


def _normalized(rows: NDArray[np.float32], tensors: Tensors, name: str) -> NDArray[np.float32]:
    centred = rows - rows.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    scaled: NDArray[np.float32] = centred / spread * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]
    return scaled
