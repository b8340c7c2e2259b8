"""The formats that cached keys and values can have, and which of them suit a model."""

from __future__ import annotations

import msgspec

from jackfield.contracts.engine import CacheFormatName, EngineSettings
from jackfield.errors import SettingsInvalid
from jackfield_engines.llama_cpp.gguf_file import GgufHead


class CacheFormat(msgspec.Struct, frozen=True):
    """`kind` is ggml's number; so many numbers of a head are packed into so many bytes."""

    kind: int
    numbers: int
    bytes: int

    def bytes_of(self, numbers: int) -> int:
        """What so many numbers take, whole packs of them."""
        return -(-numbers // self.numbers) * self.bytes


ROTATED = 64
"""Heads of a multiple of so many numbers are rotated before they are quantized (Hadamard), which evens them out."""

F16 = CacheFormat(1, 1, 2)
FORMATS: dict[CacheFormatName, CacheFormat] = {
    "f16": F16,
    "q8_0": CacheFormat(8, 32, 34),
    "q4_0": CacheFormat(2, 32, 18),
}


def key_format(head: GgufHead, settings: EngineSettings) -> CacheFormat:
    """As set; raises SettingsInvalid where the model's heads do not divide into its packs."""
    return _suiting(head, settings.cache_type_k, "key")


def value_format(head: GgufHead, settings: EngineSettings) -> CacheFormat:
    """As set; raises SettingsInvalid where the model's heads do not divide into its packs."""
    return _suiting(head, settings.cache_type_v, "value")


def shifts_with(head: GgufHead, keys: CacheFormat) -> bool:
    """Whether positions can be moved: over quantized keys that llama.cpp does not rotate first, it would crash."""
    return keys == F16 or head_length(head, "key") % ROTATED == 0


def head_length(head: GgufHead, what: str) -> int:
    """Numbers in the "key" or the "value" of one attention head."""
    shared = head.of_architecture("embedding_length") // max(head.of_architecture("attention.head_count", 1), 1)
    return head.of_architecture(f"attention.{what}_length", shared)


def _suiting(head: GgufHead, name: CacheFormatName, what: str) -> CacheFormat:
    """llama.cpp would abort the process over some of these."""
    chosen = FORMATS[name]
    length = head_length(head, what)
    for numbers in (length, head.of_architecture(f"attention.{what}_length_swa", length)):
        if numbers % chosen.numbers:
            raise SettingsInvalid(
                f"The setting 'engine.cache_type_{what[0]}' is '{name}', which packs {chosen.numbers} numbers; "
                f"the {what}s of this model's attention heads have {numbers}, which does not divide: set it to 'f16'.",
                parameter=f"engine.cache_type_{what[0]}",
            )
    return chosen
