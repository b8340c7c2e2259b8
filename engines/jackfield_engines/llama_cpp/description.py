"""What a model file says of itself, in the platform's words."""

from __future__ import annotations

import re
from pathlib import Path

from jackfield.contracts.models import ModelDescription
from jackfield_engines.llama_cpp.context_plan import trained_context
from jackfield_engines.llama_cpp.gguf_file import GgufHead
from jackfield_engines.llama_cpp.native import Weights, file_type_name

NO_POOLING = 0
UNKNOWN_FILE_TYPE = -1
_SIZE_LETTERS = {"Small": "S", "Medium": "M", "Large": "L"}
_SPECIAL_NAMES = {"all F32": "F32", "IQ3_S mix": "IQ3_M", "MXFP4 MoE": "MXFP4", "Q2_K - Medium": "Q2_K"}


def model_description(path: Path, head: GgufHead, weights: Weights) -> ModelDescription:
    """Of a model whose vocabulary, at least, is loaded."""
    return ModelDescription(
        name=head.text("general.name") or path.stem,
        architecture=head.architecture,
        format=format_name(file_type_name(int(head.number("general.file_type", UNKNOWN_FILE_TYPE)))),
        parameters=weights.parameters,
        bytes=weights.tensor_bytes,
        vocabulary_size=weights.vocabulary_size,
        context_length=trained_context(head),
        embedding_size=head.of_architecture("embedding_length"),
        layers=head.of_architecture("block_count"),
        end_tokens=weights.end_tokens(),
        begin_token=weights.begin_token,
        chat_template=weights.chat_template(),
        licence=head.text("general.license"),
        generates=_generates(head, weights),
    )


def format_name(file_type: str) -> str:
    """The short name of a quantization: `Q4_K - Medium` is `Q4_K_M`, `TQ1_0 - 1.69 bpw ternary` is `TQ1_0`."""
    name = file_type.removeprefix("(guessed) ")
    if name.startswith("unknown"):
        return "unknown"
    kind, _, detail = name.partition(" - ")
    if name in _SPECIAL_NAMES or kind in _SPECIAL_NAMES:
        return _SPECIAL_NAMES.get(name) or _SPECIAL_NAMES[kind]
    return f"{kind}_{_SIZE_LETTERS[detail]}" if detail in _SIZE_LETTERS else re.split(r"\s", kind)[0]


def _generates(head: GgufHead, weights: Weights) -> bool:
    """Whether it writes token after token: not encoders, not what pools its output, not what denoises."""
    causal = head.metadata.get(f"{head.architecture}.attention.causal", True)
    pools = head.of_architecture("pooling_type", NO_POOLING) != NO_POOLING
    return bool(causal) and not (pools or weights.encodes_first or weights.diffuses)
