"""How much memory a model takes, worked out from its head."""

from __future__ import annotations

from jackfield_engines.llama_cpp.cache_format import F16, CacheFormat, head_length
from jackfield_engines.llama_cpp.gguf_file import VOCABULARY, GgufHead

F32 = 4


def cell_bytes(head: GgufHead, *, keys: CacheFormat = F16, values: CacheFormat = F16) -> int:
    """Keys and values of one token over all layers; layers without attention count for nothing."""
    heads = head.of_architecture("attention.head_count", 1)
    per_head = keys.bytes_of(head_length(head, "key")) + values.bytes_of(head_length(head, "value"))
    return sum(head.by_layer("attention.head_count_kv", heads)) * per_head


def state_bytes(head: GgufHead) -> int:
    """The recurrent state of one sequence over all layers, in single precision; 0 where attention is all there is."""
    inner = head.of_architecture("ssm.inner_size")
    state = head.of_architecture("ssm.state_size")
    convolved = inner + 2 * head.of_architecture("ssm.group_count") * state
    window = max(head.of_architecture("ssm.conv_kernel") - 1, 0)
    return head.of_architecture("block_count") * (inner * state + convolved * window) * F32


def compute_bytes(head: GgufHead, *, rows: int, cells: int, flash_attention: bool) -> int:
    """Scratch space of one pass of `rows`: the larger of attention's scores and the logits, and the activations."""
    heads = head.of_architecture("attention.head_count", 1)
    scores = rows * cells * F32 * (1 if flash_attention else heads + 1)
    logits = rows * vocabulary_size(head) * F32
    width = 4 * head.of_architecture("embedding_length") + 3 * head.of_architecture("feed_forward_length")
    return max(scores, logits) + rows * width * F32


def output_bytes(head: GgufHead, *, rows: int) -> int:
    """Where the logits of `rows` rows are kept until they are read."""
    return rows * vocabulary_size(head) * F32


def vocabulary_size(head: GgufHead) -> int:
    """How many tokens there are."""
    return head.array_length(VOCABULARY)
