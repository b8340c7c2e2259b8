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
ATTENTION = r"attn_"
DOWN = r"ffn_down"
"""The second half of each layer's perceptron, next in line."""


class Packing(msgspec.Struct, frozen=True):
    """How ggml stores a block of weights; the numbers are ggml's of the type and llama.cpp's of a file of it."""

    bits: str
    kind: int
    file_type: int
    weights: int
    bytes: int


Q4_0, IQ4_NL = Packing("4", 2, 2, 32, 18), Packing("4 uneven", 20, 25, 32, 18)
Q5_0, Q8_0 = Packing("5", 6, 8, 32, 22), Packing("8", 8, 7, 32, 34)
Q4_K, Q6_K = Packing("4 with offset", 12, 15, 256, 144), Packing("6", 14, 18, 256, 210)


DESCRIBED = {VALUES: "attention values", ATTENTION: "attention", DOWN: "perceptron outputs"}


class QuantizeJob(msgspec.Struct, frozen=True, kw_only=True):
    """Which tensors become what, in ggml's and llama.cpp's numbers; `patterns` (regular expressions) come first."""

    file_type: int
    embedding: int
    output: int
    patterns: tuple[tuple[str, int], ...] = ()
    threads: int


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """A packing for most weights, one for the embedding and the output, and others for what patterns find."""

    name: str
    body: Packing
    embedding: Packing
    others: tuple[tuple[str, Packing], ...] = ()

    @property
    def summary(self) -> str:
        """In a few words, as bits a weight."""
        named = [(DESCRIBED[pattern], packing) for pattern, packing in self.others]
        more = [f"{packing.bits} for {what}" for what, packing in [*named, ("embedding", self.embedding)]]
        return ", ".join(
            [f"{self.body.bits} bits", *(part for part in more if not part.startswith(f"{self.body.bits} for"))]
        )

    def packing_of(self, tensor: TensorHead) -> Packing | None:
        """How a tensor would be stored; None for one that stays as it is."""
        if len(tensor.shape) < 2 or not tensor.name.endswith("weight") or NEVER_QUANTIZED.search(tensor.name):
            return None
        if tensor.name in EMBEDDINGS:
            return self.embedding
        found = (packing for pattern, packing in self.others if re.search(pattern, tensor.name))
        return next(found, self.body)

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
            patterns=tuple((pattern, packing.kind) for pattern, packing in self.others),
            threads=threads,
        )


def mixes(tensors: Sequence[TensorHead]) -> tuple[Mix, ...]:
    """What suits a model's tensors, the most exact first.

    K-quants are used only where rows divide by 256: llama.cpp would write something else in their name. Their blocks
    have an offset, which keeps what files in Q4_1 and K-quants say of a weight better than Q4_0 and IQ4_NL do.
    """
    down = Q4_K if _divides(tensors, DOWN, Q4_K) else Q8_0
    known = (
        Mix(name="Q8_0", body=Q8_0, embedding=Q8_0),
        Mix(name="Q4_0_L", body=Q4_0, embedding=Q8_0, others=((ATTENTION, Q8_0), (DOWN, down))),
        Mix(name="IQ4_NL_M", body=IQ4_NL, embedding=Q8_0, others=((VALUES, Q8_0), (DOWN, down))),
        Mix(name="Q4_0_M", body=Q4_0, embedding=Q8_0, others=((VALUES, Q8_0), (DOWN, down))),
        Mix(name="IQ4_NL_S", body=IQ4_NL, embedding=Q5_0, others=((VALUES, Q8_0), (DOWN, down))),
        Mix(name="Q4_0_S", body=Q4_0, embedding=Q5_0, others=((VALUES, Q8_0), (DOWN, down))),
        Mix(name="IQ4_NL_XS", body=IQ4_NL, embedding=IQ4_NL, others=((VALUES, Q8_0), (DOWN, down))),
        Mix(name="Q4_0_XS", body=Q4_0, embedding=Q4_0, others=((VALUES, Q8_0), (DOWN, down))),
        Mix(name="Q4_K_M", body=Q4_K, embedding=Q6_K, others=((VALUES, Q6_K), (DOWN, Q6_K))),
    )
    return tuple(mix for mix in known if mix.suits(tensors))


def _divides(tensors: Sequence[TensorHead], pattern: str, packing: Packing) -> bool:
    """Whether the rows of every tensor that a pattern finds can be stored in a packing."""
    return all(tensor.shape[0] % packing.weights == 0 for tensor in tensors if re.search(pattern, tensor.name))
