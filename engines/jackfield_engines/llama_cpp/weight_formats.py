"""The formats that are worth trying for a GGUF file: which of its tensors would be stored how."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from jackfield_engines.llama_cpp.gguf_file import TensorHead

EMBEDDINGS = ("token_embd.weight", "output.weight")
NEVER_QUANTIZED = re.compile(r"_norm\.|ffn_gate_inp\.|ssm_conv1d|position_embd|token_types|rope_freqs|time_mix_")
"""Small tables that llama.cpp leaves as they are."""
VALUES = r"attn_(v|qkv|kv_b)\."
"""What attention passes on: few weights, and the ones that suffer most from being rounded."""
DOWN = r"ffn_down"
"""The second half of each layer's perceptron, next in line."""


class Packing(msgspec.Struct, frozen=True):
    """How ggml stores a block of weights; the numbers are ggml's of the type and llama.cpp's of a file of it."""

    kind: int
    file_type: int
    weights: int
    bytes: int


Q4_0, IQ4_NL = Packing(2, 2, 32, 18), Packing(20, 25, 32, 18)
Q5_0, Q8_0 = Packing(6, 8, 32, 22), Packing(8, 7, 32, 34)
Q4_K, Q6_K = Packing(12, 15, 256, 144), Packing(14, 18, 256, 210)


class QuantizeJob(msgspec.Struct, frozen=True, kw_only=True):
    """Which tensors become what, in ggml's and llama.cpp's numbers; `patterns` (regular expressions) come first."""

    file_type: int
    embedding: int
    output: int
    patterns: tuple[tuple[str, int], ...] = ()
    threads: int


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """A packing for most weights, one for the embedding and the output, one for what the patterns find."""

    name: str
    summary: str
    body: Packing
    embedding: Packing
    better: Packing
    patterns: tuple[str, ...] = ()

    def packing_of(self, tensor: TensorHead) -> Packing | None:
        """How a tensor would be stored; None for one that stays as it is."""
        if len(tensor.shape) < 2 or not tensor.name.endswith("weight") or NEVER_QUANTIZED.search(tensor.name):
            return None
        if tensor.name in EMBEDDINGS:
            return self.embedding
        found = any(re.search(pattern, tensor.name) for pattern in self.patterns)
        return self.better if found else self.body

    def suits(self, tensors: Sequence[TensorHead]) -> bool:
        """Whether every row divides into blocks, and something would change."""
        packings = [(tensor, packing) for tensor in tensors if (packing := self.packing_of(tensor))]
        divides = all(tensor.shape[0] % packing.weights == 0 for tensor, packing in packings)
        return divides and any(tensor.kind != packing.kind for tensor, packing in packings)

    def growth_of(self, tensor: TensorHead) -> int:
        """By how many bytes a tensor becomes larger, or with a minus smaller."""
        packing = self.packing_of(tensor)
        return 0 if packing is None else tensor.weights // packing.weights * packing.bytes - tensor.bytes

    def job(self, *, threads: int) -> QuantizeJob:
        """What llama.cpp is to do."""
        return QuantizeJob(
            file_type=self.body.file_type,
            embedding=self.embedding.kind,
            output=self.embedding.kind,
            patterns=tuple((pattern, self.better.kind) for pattern in self.patterns),
            threads=threads,
        )


def mixes(tensors: Sequence[TensorHead]) -> tuple[Mix, ...]:
    """What suits a model's tensors, the most exact first.

    K-quants are left out where a row does not divide by 256: llama.cpp would write something else in their name.
    """
    down_in_some = rf"blk\.({_sensitive_layers(tensors)})\.{DOWN}"
    known = [Mix(name="Q8_0", summary="8 bits", body=Q8_0, embedding=Q8_0, better=Q8_0)]
    for size, embedding, patterns, where in (
        ("L", Q8_0, (VALUES, DOWN), "8 for attention values, perceptron outputs and embedding"),
        (
            "M",
            Q5_0,
            (VALUES, down_in_some),
            "8 for attention values and half of the perceptron outputs, 5 for embedding",
        ),
        ("S", Q5_0, (VALUES,), "8 for attention values, 5 for embedding"),
    ):
        for name, bits, body in (("IQ4_NL", "4 uneven bits", IQ4_NL), ("Q4_0", "4 bits", Q4_0)):
            summary = f"{bits}, {where}"
            known.append(
                Mix(
                    name=f"{name}_{size}",
                    summary=summary,
                    body=body,
                    embedding=embedding,
                    better=Q8_0,
                    patterns=patterns,
                )
            )
    known.append(
        Mix(
            name="Q4_K_M",
            summary="4 bits in blocks of 256, 6 for attention values, half of the perceptron outputs and embedding",
            body=Q4_K,
            embedding=Q6_K,
            better=Q6_K,
            patterns=(VALUES, down_in_some),
        )
    )
    return tuple(mix for mix in known if mix.suits(tensors))


def _sensitive_layers(tensors: Sequence[TensorHead]) -> str:
    """The numbers of the layers that llama.cpp's own mixes give more bits: the outer eighths, every third between."""
    numbers = [int(found[1]) for tensor in tensors if (found := re.match(r"blk\.(\d+)\.", tensor.name))]
    count = max(numbers, default=0) + 1
    first, last = count // 8, 7 * count // 8
    return "|".join(str(at) for at in range(count) if at < first or at >= last or (at - first) % 3 == 2)
