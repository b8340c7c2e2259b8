"""llama.cpp's C API, thin and typed: weights and contexts.

Owning objects free what they own when closed or collected, contexts before weights. llama.cpp aborts the process over a
batch that is too large or a sequence that it does not know: the engines above check both.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jackfield.errors import CellsExhausted, EngineFailure, InvalidRequest, ModelFileInvalid, ModelTooLarge
from jackfield_engines.llama_cpp.library import api, llama_cpp, pointer_to
from jackfield_engines.llama_cpp.log_capture import Complaint, LogCapture

MOST_SEQUENCES = int(api.llama_max_parallel_sequences()) - 1
"""In one context, which takes one more for itself."""

MEAN_POOLING, RANK_POOLING = int(api.LLAMA_POOLING_TYPE_MEAN), int(api.LLAMA_POOLING_TYPE_RANK)

_logs = LogCapture()
_receive = api.llama_log_callback(_logs.receive)
api.llama_log_set(_receive, ctypes.c_void_p(0))
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
        with _logs.complaints() as complaints:
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
        with weights.adapting, _logs.complaints() as complaints:
            pointer = api.llama_adapter_lora_init(weights.pointer, os.fsencode(path))
        if not pointer:
            reason = _reason(complaints).removeprefix("failed to apply lora adapter: ")
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


class ContextOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a context is laid out; `rows` in one call, of which `rows_at_once` go through the layers together.

    Not `pooled`, every sequence has an equal part of the cells to itself, and sharing a prefix copies it. The types of
    cached keys and values are ggml's numbers.
    """

    cells: int
    sequences: int
    rows: int
    rows_at_once: int
    threads: int
    flash_attention: bool | None
    pooled: bool = True
    key_type: int = int(api.GGML_TYPE_F16)
    value_type: int = int(api.GGML_TYPE_F16)
    shifts: bool = True
    pooling: int | None = None


class Context:
    """The memory and the compute buffers of one user of some weights. Owned by one thread at a time.

    `scratch` is a sequence beyond those that were asked for, empty between calls; an embedding context has none.
    """

    def __init__(self, weights: Weights, options: ContextOptions) -> None:
        self._vocabulary_size = weights.vocabulary_size
        with weights.adapting, _logs.complaints() as complaints:
            pointer = api.llama_init_from_model(weights.pointer, _context_parameters(options))
        if not pointer:
            raise ModelTooLarge(f"llama.cpp could not set up the model's memory: {_reason(complaints)}.")
        self._pointer: int | None = pointer
        self._free = weakref.finalize(self, _free_context, pointer, weights)
        self._free.atexit = False
        self._memory: int | None = api.llama_get_memory(pointer)
        self._batch = _Batch(options.rows)
        self._shift_waits = False
        self.scratch = options.sequences
        self._may_shift = options.shifts
        self._adapting = weights.adapting
        self._adapter: Adapter | None = None
        self._plans_anew = False

    @property
    def pointer(self) -> int:
        """For the calls below; raises EngineFailure once closed."""
        if self._pointer is None:
            raise EngineFailure("The model was closed.")
        return self._pointer

    @property
    def cells(self) -> int:
        """KV cells over all sequences."""
        return int(api.llama_n_ctx(self.pointer))

    @property
    def can_shift(self) -> bool:
        """Whether positions can be moved in this memory."""
        return self._may_shift and bool(self._memory) and bool(api.llama_memory_can_shift(self._memory))

    def adapt(self, adapter: Adapter | None) -> None:
        """Let the passes from here on go through an adapter, or none; after a change, the next one is planned anew."""
        if adapter is not self._adapter:
            if adapter is None:
                api.llama_set_adapters_lora(self.pointer, None, 0, None)
            else:
                adapter.put_on(self.pointer)
            self._adapter = adapter
            self._plans_anew = True

    def decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[bool],
    ) -> None:
        """One forward pass. On CellsExhausted and EngineFailure the memory is as it was before."""
        pointer = self.pointer
        batch = self._batch.filled(tokens, positions, sequences, outputs)
        planning = self._adapting if self._plans_anew else contextlib.nullcontext()
        self._plans_anew = False
        with planning, _logs.complaints() as complaints:
            code = api.llama_decode(pointer, batch)
            api.llama_synchronize(pointer)
        if code == 0:
            self._shift_waits = False
        else:
            self._raise_after(code, positions, sequences, complaints)

    def outputs(self, count: int) -> NDArray[np.float32]:
        """Logits of the last pass's `count` flagged rows in batch order, (count, n_vocab): llama.cpp's own memory."""
        if not count:
            return np.empty((0, self._vocabulary_size), dtype=np.float32)
        return _floats(api.llama_get_logits(self.pointer), count, self._vocabulary_size)

    def pooled(self, sequence: int, size: int) -> NDArray[np.float32]:
        """A sequence's pooled embedding from the last pass, (size,), copied."""
        pooled: NDArray[np.float32] = _floats(api.llama_get_embeddings_seq(self.pointer, sequence), 1, size)[0].copy()
        return pooled

    def last_position(self, sequence: int) -> int:
        """The position of a sequence's last token, -1 when it is empty."""
        return int(api.llama_memory_seq_pos_max(self._live_memory, sequence))

    def remove(self, sequence: int, start: int, end: int = -1) -> bool:
        """Drop the tokens from position `start` up to `end`; False where the model cannot, and nothing changed."""
        return bool(api.llama_memory_seq_rm(self._live_memory, sequence, start, end))

    def share(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        """Put the tokens of one sequence from position `start` up to `end` into another too."""
        api.llama_memory_seq_cp(self._live_memory, source, target, start, end)

    def shift(self, sequence: int, start: int, by: int) -> None:
        """Move the positions from `start` on; the keys follow at the next pass."""
        api.llama_memory_seq_add(self._live_memory, sequence, start, -1, by)
        self._shift_waits = True

    def settle(self) -> None:
        """Apply a shift that waits for the next pass, by a pass of one row."""
        if self._shift_waits:
            self.decode([0], [0], [self.scratch], [False])
            self.remove(self.scratch, 0)

    def forget(self) -> None:
        """Empty every sequence."""
        if self._memory:
            api.llama_memory_clear(self._live_memory, False)

    def state(self, sequence: int) -> bytes:
        """What is needed to go on with a sequence elsewhere."""
        size = api.llama_state_seq_get_size(self.pointer, sequence)
        content = (ctypes.c_uint8 * size)()
        written = api.llama_state_seq_get_data(self.pointer, content, size, sequence)
        if not written:
            raise EngineFailure(f"llama.cpp could not save sequence {sequence}.")
        return bytes(memoryview(content)[:written])

    def set_state(self, sequence: int, state: bytes) -> None:
        """Fill an empty sequence; raises CellsExhausted or EngineFailure, and then it is empty."""
        content = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        with _logs.complaints() as complaints:
            read = api.llama_state_seq_set_data(self.pointer, content, len(state), sequence)
        if read != len(state):
            self.remove(sequence, 0)
            kind = CellsExhausted if any("cells" in complaint.line for complaint in complaints) else EngineFailure
            raise kind(f"A saved sequence could not be restored: {_reason(complaints)}.")

    def close(self) -> None:
        """Free it; a second call does nothing."""
        self._pointer = None
        self._free()

    @property
    def _live_memory(self) -> int:
        """Raises EngineFailure where there is none, or no longer."""
        if self._pointer is None or not self._memory:
            raise EngineFailure("The model was closed." if self._memory else "This model keeps no memory of sequences.")
        return self._memory

    def _raise_after(
        self, code: int, positions: Sequence[int], sequences: Sequence[int], complaints: Sequence[Complaint]
    ) -> None:
        """llama.cpp restores its memory after 1 and -1; after the others, the earlier rows are still in it."""
        if code == 1:
            raise CellsExhausted(
                f"The model's memory of {self.cells:,} cells has no room for {len(positions)} more tokens."
            )
        if code == -1:
            raise EngineFailure(f"llama.cpp refused a batch: {_reason(complaints)}.")
        for sequence in set(sequences) if self._memory else ():
            first = min(at for at, owner in zip(positions, sequences, strict=True) if owner == sequence)
            if not self.remove(sequence, first):
                self.remove(sequence, 0)
        what = "was stopped" if code == 2 else f"failed with code {code}"
        raise EngineFailure(f"A forward pass {what}: {_reason(complaints)}.")


def _context_parameters(options: ContextOptions) -> api.llama_context_params:
    parameters: api.llama_context_params = api.llama_context_default_params()
    # Pooling wants rows_at_once to be a multiple of its sequences, and has no use for a scratch sequence.
    sequences = options.sequences + (options.pooling is None)
    parameters.n_ctx = options.cells
    parameters.n_batch = max(options.rows, sequences)
    parameters.n_ubatch = options.rows_at_once
    parameters.n_seq_max = sequences
    parameters.n_threads = parameters.n_threads_batch = options.threads
    parameters.kv_unified = options.pooled
    parameters.type_k, parameters.type_v = options.key_type, options.value_type
    parameters.flash_attn_type = -1 if options.flash_attention is None else int(options.flash_attention)
    if options.pooling is not None:
        parameters.embeddings = True
        parameters.pooling_type = options.pooling
    return parameters


def _free_context(pointer: int, _weights: Weights) -> None:
    """The weights are named so that they outlive it."""
    api.llama_free(pointer)


class _Batch:
    """A llama_batch whose arrays are numpy's, so that a step fills them with four assignments."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._tokens = np.zeros(rows, dtype=np.int32)
        self._positions = np.zeros(rows, dtype=np.int32)
        self._sequences = np.zeros(rows, dtype=np.int32)
        self._outputs = np.zeros(rows, dtype=np.int8)
        self._sequence_counts = np.ones(rows, dtype=np.int32)
        first = self._sequences.ctypes.data
        self._sequence_lists = np.arange(first, first + 4 * rows, 4, dtype=np.uintp)
        self._struct = api.llama_batch()
        self._struct.token = pointer_to(self._tokens, ctypes.c_int32)
        self._struct.pos = pointer_to(self._positions, ctypes.c_int32)
        self._struct.n_seq_id = pointer_to(self._sequence_counts, ctypes.c_int32)
        self._struct.seq_id = pointer_to(self._sequence_lists, ctypes.POINTER(ctypes.c_int32))
        self._struct.logits = pointer_to(self._outputs, ctypes.c_int8)

    def filled(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[bool],
    ) -> api.llama_batch:
        """The batch with these rows; at least one and at most `rows`."""
        count = len(tokens)
        self._tokens[:count] = tokens
        self._positions[:count] = positions
        self._sequences[:count] = sequences
        self._outputs[:count] = outputs
        self._struct.n_tokens = count
        return self._struct


def _floats(pointer: Any, rows: int, columns: int) -> NDArray[np.float32]:
    """Floats at an address as a read-only array, (rows, columns), without a copy."""
    if not pointer:
        raise EngineFailure("llama.cpp has no output for the last forward pass.")
    memory = (ctypes.c_float * (rows * columns)).from_address(ctypes.addressof(pointer.contents))
    view = np.frombuffer(memoryview(memory), dtype=np.float32).reshape(rows, columns)
    view.flags.writeable = False
    return view


def _load_error(path: Path, complaints: Sequence[Complaint]) -> ModelFileInvalid | ModelTooLarge:
    reason = _reason(complaints)
    if "alloc" in reason:
        return ModelTooLarge(f"'{path}' does not fit this machine's memory: {reason}.")
    if "unknown model architecture" in reason:
        return ModelFileInvalid(f"'{path}' is of an architecture that llama.cpp {version()} does not know: {reason}.")
    if "not within the file bounds" in reason:
        return ModelFileInvalid(f"'{path}' is cut short or damaged: {reason}; pull the model again.")
    return ModelFileInvalid(f"'{path}' cannot be loaded: {reason}.")


def _reason(complaints: Sequence[Complaint]) -> str:
    """The first error, without the names of functions; what follows it only passes the failure on."""
    errors = [complaint.line for complaint in complaints if complaint.error]
    lines = errors or [complaint.line for complaint in complaints]
    if not lines:
        return "llama.cpp did not say why"
    return re.sub(r"^(\w+: )+(error loading model: )?", "", lines[0]).rstrip(".")
