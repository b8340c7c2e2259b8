"""llama.cpp's C API, thin and typed: contexts.

They free what they own when closed or collected, before their weights. llama.cpp aborts the process over a batch that
is too large or a sequence that it does not know: the engines above check both.
"""

from __future__ import annotations

import contextlib
import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jackfield.errors import CellsExhausted, EngineFailure, ModelTooLarge
from jackfield_engines.llama_cpp.library import api, pointer_to
from jackfield_engines.llama_cpp.log_capture import Complaint, told_reason
from jackfield_engines.llama_cpp.native import Adapter, Weights, logs

MOST_SEQUENCES = int(api.llama_max_parallel_sequences()) - 1
"""In one context, which takes one more for itself."""

MEAN_POOLING, RANK_POOLING = int(api.LLAMA_POOLING_TYPE_MEAN), int(api.LLAMA_POOLING_TYPE_RANK)


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
        with weights.adapting, logs.complaints() as complaints:
            pointer = api.llama_init_from_model(weights.pointer, _context_parameters(options))
        if not pointer:
            raise ModelTooLarge(f"llama.cpp could not set up the model's memory: {told_reason(complaints)}.")
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

    def compute_on(self, threads: int) -> None:
        """Let the passes from here on be computed by so many threads."""
        api.llama_set_n_threads(self.pointer, threads, threads)

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
        with planning, logs.complaints() as complaints:
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
        with logs.complaints() as complaints:
            read = api.llama_state_seq_set_data(self.pointer, content, len(state), sequence)
        if read != len(state):
            self.remove(sequence, 0)
            kind = CellsExhausted if any("cells" in complaint.line for complaint in complaints) else EngineFailure
            raise kind(f"A saved sequence could not be restored: {told_reason(complaints)}.")

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
            raise EngineFailure(f"llama.cpp refused a batch: {told_reason(complaints)}.")
        for sequence in set(sequences) if self._memory else ():
            first = min(at for at, owner in zip(positions, sequences, strict=True) if owner == sequence)
            if not self.remove(sequence, first):
                self.remove(sequence, 0)
        what = "was stopped" if code == 2 else f"failed with code {code}"
        raise EngineFailure(f"A forward pass {what}: {told_reason(complaints)}.")


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
