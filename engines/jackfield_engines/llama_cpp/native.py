"""llama.cpp's C API, thin and typed: what this build can, weights and their adapters.

Owning objects free what they own when closed or collected.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from jackfield.errors import EngineFailure, InvalidRequest, ModelFileInvalid, ModelTooLarge
from jackfield_engines.llama_cpp.library import api, llama_cpp, load_backends
from jackfield_engines.llama_cpp.log_capture import Complaint, LogCapture, told_reason

logs = LogCapture()
_receive = api.llama_log_callback(logs.receive)
api.llama_log_set(_receive, ctypes.c_void_p(0))
load_backends()
api.llama_backend_init()


def version() -> str:
    """Of llama-cpp-python."""
    return str(llama_cpp.__version__)


def processor_features() -> str:
    """What llama.cpp was built with and found on this machine."""
    return str(api.llama_print_system_info(), "utf-8")


def can_offload() -> bool:
    """Whether this build can put layers on a GPU."""
    return bool(api.llama_supports_gpu_offload())


def file_type_name(number: int) -> str:
    """llama.cpp's name for a quantization, such as `Q4_K - Medium`."""
    return str(api.llama_ftype_name(number) or b"unknown", "utf-8")


class Weights:
    """A loaded model file: its tensors, unless only the vocabulary was asked for, and its tokenizer. Any thread."""

    def __init__(self, path: Path, *, gpu_layers: int = 0, vocabulary_only: bool = False) -> None:
        parameters = api.llama_model_default_params()
        parameters.vocab_only = vocabulary_only
        parameters.n_gpu_layers = gpu_layers if can_offload() else 0
        with logs.complaints() as complaints:
            pointer = api.llama_model_load_from_file(os.fsencode(path), parameters)
        if not pointer:
            raise _load_error(path, complaints)
        self.pointer = pointer
        self._free = weakref.finalize(self, api.llama_model_free, pointer)
        self._free.atexit = False
        self.adapting = threading.RLock()
        self.vocabulary = api.llama_model_get_vocab(pointer)
        self.vocabulary_size = int(api.llama_vocab_n_tokens(self.vocabulary))

    @property
    def parameters(self) -> int:
        """How many weights there are."""
        return int(api.llama_model_n_params(self.pointer))

    @property
    def tensor_bytes(self) -> int:
        """Size of all tensors."""
        return int(api.llama_model_size(self.pointer))

    @property
    def output_size(self) -> int:
        """The length of the vector that a token or a text comes out as."""
        return int(api.llama_model_n_embd_out(self.pointer))

    @property
    def encodes_first(self) -> bool:
        """Whether an encoder must run before the decoder, or there is no decoder."""
        return bool(api.llama_model_has_encoder(self.pointer)) or not api.llama_model_has_decoder(self.pointer)

    @property
    def diffuses(self) -> bool:
        """Whether it writes by denoising rather than token after token."""
        return bool(api.llama_model_is_diffusion(self.pointer))

    @property
    def remembers_whole(self) -> bool:
        """Whether some of its memory is one state for the whole sequence (recurrent, hybrid)."""
        return bool(api.llama_model_is_recurrent(self.pointer)) or bool(api.llama_model_is_hybrid(self.pointer))

    @property
    def window(self) -> int:
        """How many tokens back some of its layers see, 0 where all see everything (sliding-window attention)."""
        return int(api.llama_model_n_swa(self.pointer))

    @property
    def begin_token(self) -> int | None:
        """The token that the model wants before a text, if any."""
        token = int(api.llama_vocab_bos(self.vocabulary))
        return token if token >= 0 and api.llama_vocab_get_add_bos(self.vocabulary) else None

    @property
    def special_tokens(self) -> dict[str, int]:
        """The tokens that templates know by name, as far as this vocabulary has them."""
        tokens = {
            "bos_token": api.llama_vocab_bos(self.vocabulary),
            "eos_token": api.llama_vocab_eos(self.vocabulary),
            "pad_token": api.llama_vocab_pad(self.vocabulary),
            "sep_token": api.llama_vocab_sep(self.vocabulary),
        }
        return {name: int(token) for name, token in tokens.items() if token >= 0}

    def end_tokens(self) -> frozenset[int]:
        """Every token that ends an answer."""
        is_end = api.llama_vocab_is_eog
        return frozenset(token for token in range(self.vocabulary_size) if is_end(self.vocabulary, token))

    def suppressed_tokens(self) -> tuple[int, ...]:
        """Tokens that the model must never write."""
        count = ctypes.c_int32(0)
        tokens = api.llama_vocab_get_suppress_tokens(self.vocabulary, ctypes.byref(count))
        return tuple(int(tokens[index]) for index in range(count.value))

    def chat_template(self, name: str | None = None) -> str | None:
        """The model's Jinja template, or its template of a name."""
        template = api.llama_model_chat_template(self.pointer, name.encode() if name else None)
        return template.decode("utf-8", errors="replace") if template else None

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids; `add_special` adds what the model wants around a text, `parse_special` reads control tokens."""
        content = text.encode()
        room = len(content) + 8
        for _ in range(2):
            tokens = (ctypes.c_int32 * room)()
            count = api.llama_tokenize(self.vocabulary, content, len(content), tokens, room, add_special, parse_special)
            if count >= 0:
                return tokens[:count]
            room = -count
        raise InvalidRequest(f"A text of {len(content):,} bytes is too long to tokenize; shorten it.")

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token of the vocabulary; none for control tokens unless `special`."""
        room = 64
        for _ in range(2):
            text = ctypes.create_string_buffer(room)
            count = api.llama_token_to_piece(self.vocabulary, token, text, room, 0, special)
            if count >= 0:
                return text.raw[:count]
            room = -count
        raise EngineFailure(f"llama.cpp gives no text for token {token}.")


class Adapter:
    """A LoRA adapter on some weights, freed when closed, or with them.

    llama.cpp goes through all adapters of some weights where it plans a pass: `Weights.adapting` is held for both.
    """

    def __init__(self, weights: Weights, path: Path) -> None:
        with weights.adapting, logs.complaints() as complaints:
            pointer = api.llama_adapter_lora_init(weights.pointer, os.fsencode(path))
        if not pointer:
            reason = told_reason(complaints).removeprefix("failed to apply lora adapter: ")
            raise InvalidRequest(f"llama.cpp cannot put the adapter on this model: {reason}.", parameter="adapter")
        self._weights: Weights | None = weights
        self._pointer = pointer

    def put_on(self, context: int) -> None:
        """Let a context's passes go through it."""
        if self._weights is None:
            raise EngineFailure("The adapter was unloaded.")
        api.llama_set_adapters_lora(context, (type(self._pointer) * 1)(self._pointer), 1, (ctypes.c_float * 1)(1.0))

    def close(self) -> None:
        """Free it, which no context may wear; a second call does nothing."""
        if self._weights is not None:
            with self._weights.adapting:
                api.llama_adapter_lora_free(self._pointer)
            self._weights = None


_loaded: weakref.WeakValueDictionary[tuple[object, ...], Weights] = weakref.WeakValueDictionary()
_loading = threading.Lock()


def shared_weights(path: Path, *, gpu_layers: int) -> Weights:
    """The weights of a file, loaded once however many contexts stand on them; raises ModelError."""
    with _loading:
        key = (*_identity(path), gpu_layers)
        weights = _loaded.get(key)
        if weights is None:
            weights = _loaded[key] = Weights(path, gpu_layers=gpu_layers)
        return weights


def weights_are_loaded(path: Path) -> bool:
    """Whether some context holds the weights of this file now."""
    identity = _identity(path)
    return any(key[:3] == identity for key in list(_loaded.keys()))


def _identity(path: Path) -> tuple[object, ...]:
    """Changes when the file is replaced."""
    try:
        status = path.stat()
    except OSError as error:
        raise ModelFileInvalid(f"'{path}' cannot be read: {error.strerror or error}.") from error
    return path.resolve(), status.st_size, status.st_mtime_ns


def _load_error(path: Path, complaints: Sequence[Complaint]) -> ModelFileInvalid | ModelTooLarge:
    reason = told_reason(complaints)
    if "alloc" in reason:
        return ModelTooLarge(f"'{path}' does not fit this machine's memory: {reason}.")
    if "unknown model architecture" in reason:
        return ModelFileInvalid(f"'{path}' is of an architecture that llama.cpp {version()} does not know: {reason}.")
    if "not within the file bounds" in reason:
        return ModelFileInvalid(f"'{path}' is cut short or damaged: {reason}; pull the model again.")
    return ModelFileInvalid(f"'{path}' cannot be loaded: {reason}.")
