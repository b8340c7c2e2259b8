"""LoRA adapters: what their files say, whether they suit a model, and those that an engine has loaded."""

from __future__ import annotations

import threading
from pathlib import Path

from jackfield.contracts.engine import Adapter
from jackfield.contracts.models import ModelDescription
from jackfield.errors import EngineFailure, InvalidRequest, ModelFileInvalid
from jackfield_engines.llama_cpp import native
from jackfield_engines.llama_cpp.description import format_name
from jackfield_engines.llama_cpp.gguf_file import GgufHead, TensorHead, read_head, read_tensors

Shapes = dict[str, tuple[int, ...]]


def is_adapter(head: GgufHead) -> bool:
    """Whether a file says that it is no model by itself."""
    return head.text("general.type") == "adapter"


def adapter_description(path: Path, head: GgufHead) -> ModelDescription:
    """What an adapter's file says of itself; raises ModelFileInvalid for a kind that llama.cpp cannot put on."""
    kind = head.text("adapter.type") or "unknown"
    if kind != "lora":
        raise ModelFileInvalid(f"'{path}' is an adapter of the kind '{kind}'; only 'lora' is known here.")
    if "adapter.alora.invocation_tokens" in head.metadata:
        raise ModelFileInvalid(f"'{path}' is an adapter that begins in mid-text (aLoRA), which is not known here.")
    tensors = read_tensors(path)
    return ModelDescription(
        name=head.text("general.name") or path.stem,
        architecture=head.architecture,
        format=format_name(native.file_type_name(int(head.number("general.file_type", -1)))),
        parameters=sum(tensor.weights for tensor in tensors),
        bytes=sum(tensor.bytes for tensor in tensors),
        vocabulary_size=0,
        context_length=0,
        embedding_size=0,
        layers=0,
        licence=head.text("general.license"),
        generates=False,
        is_adapter=True,
    )


class Adapters:
    """The adapters of one engine. `check` from any thread, all else from the engine's."""

    def __init__(self, weights: native.Weights, path: Path) -> None:
        """`path` is the model's file, whose tensors say which adapters suit."""
        self._weights: native.Weights | None = weights
        self._path = path
        self._loaded: dict[str, native.Adapter] = {}
        self._suiting: set[str] = set()
        self._reading = threading.Lock()
        self._architecture = ""
        self._shapes: Shapes = {}

    def check(self, adapter: Adapter) -> None:
        """Raise InvalidRequest unless an adapter is for this model, or ModelFileInvalid where it cannot be read."""
        with self._reading:
            if adapter.key in self._suiting:
                return
            if not self._shapes:
                self._architecture = read_head(self._path).architecture
                self._shapes = _shapes(read_tensors(self._path))
            head = read_head(adapter.path)
            fault = self._fault(head, _shapes(read_tensors(adapter.path)))
            if fault:
                raise InvalidRequest(f"Adapter '{adapter.name}' is not for this model: {fault}.", parameter="adapter")
            self._suiting.add(adapter.key)

    def load(self, adapter: Adapter) -> None:
        """Have an adapter ready; raises InvalidRequest or ModelFileInvalid."""
        if self._weights is None:
            raise EngineFailure("The model was closed.")
        if adapter.key not in self._loaded:
            self.check(adapter)
            self._loaded[adapter.key] = native.Adapter(self._weights, adapter.path)

    def loaded(self, key: str | None) -> native.Adapter | None:
        """An adapter by its key; raises EngineFailure where it is not loaded."""
        if key is None:
            return None
        if key not in self._loaded:
            raise EngineFailure(f"The adapter {key:.12} is not loaded.")
        return self._loaded[key]

    def unload(self, key: str) -> None:
        """Free an adapter, which no context may wear."""
        adapter = self._loaded.pop(key, None)
        if adapter:
            adapter.close()

    def close(self) -> None:
        """Free all of them, and let go of the weights."""
        for key in list(self._loaded):
            self.unload(key)
        self._weights = None

    def _fault(self, head: GgufHead, shapes: Shapes) -> str | None:
        """What does not suit, in words."""
        if not is_adapter(head):
            return "it is no adapter"
        if head.architecture != self._architecture:
            return f"it was made for {head.architecture} models, and this is a {self._architecture} one"
        for name, shape in shapes.items():
            tensor, _, half = name.rpartition(".lora_")
            if not tensor:
                continue
            own = self._shapes.get(tensor)
            if own is None:
                return f"it changes a tensor '{tensor}', which this model has not"
            side, asked = _joint(tensor, half, shape)
            if len(own) <= side or asked != own[side]:
                return f"its part for '{tensor}' is for a size of {asked}, and this model's tensor is {_sized(own)}"
        return None


def _shapes(tensors: tuple[TensorHead, ...]) -> Shapes:
    return {tensor.name: tensor.shape for tensor in tensors}


def _joint(tensor: str, half: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Which side of the model's tensor a half of an adapter's pair meets, and how long it expects that to be.

    A pair for the embedding lies the other way round.
    """
    first = half == "a"
    if tensor.endswith("token_embd.weight"):
        return (1 if first else 0), _side(shape, 1)
    return (0, _side(shape, 0)) if first else (1, _side(shape, 1))


def _side(shape: tuple[int, ...], number: int) -> int:
    return shape[number] if number < len(shape) else 1


def _sized(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)
