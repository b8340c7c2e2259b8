"""How a context is laid out where the settings leave the choice."""

from __future__ import annotations

import msgspec
import structlog

from jackfield.contracts.engine import EngineLimits, EngineSettings
from jackfield_engines.llama_cpp.cache_format import F16, CacheFormat, key_format, shifts_with, value_format
from jackfield_engines.llama_cpp.footprint import cell_bytes, compute_bytes, output_bytes, state_bytes
from jackfield_engines.llama_cpp.gguf_file import GgufHead
from jackfield_engines.llama_cpp.machine import usable_cores
from jackfield_engines.llama_cpp.native_context import MOST_SEQUENCES

log = structlog.get_logger()

# A chat rarely passes 8,192 tokens, and every cell costs memory that is taken at once.
USUAL_CONTEXT = 8192
SHORTEST_CONTEXT = 512
# Cells are shared by all sequences; two full contexts' worth lets sixteen ordinary ones run side by side.
USUAL_CELLS = 16384
# Cells beyond one context are a convenience: no more than this part of the free memory.
CELLS_SHARE = 0.2
# When one context alone takes more than this part of what the weights leave free, it is halved.
CONTEXT_SHARE = 0.5
# llama.cpp rounds cells up to this.
CELL_STEP = 256
USUAL_RUNNING = 16
# For each sequence that runs, some that keep a prefix for the next request; a sequence itself costs nothing.
SEQUENCES_PER_RUNNING = 4
# A prompt is read apart from the others up to here: most are shorter, and every cell costs memory.
PREFILL_CELLS = 2048
# Rows a call may have: a prompt's chunk is small enough that decodes beside it wait under two seconds on two cores.
USUAL_BATCH = 512
# Rows that go through the layers together: 512 is no faster on a CPU, and takes twice the compute memory.
ROWS_AT_ONCE_CPU = 256
ROWS_AT_ONCE_GPU = 512
# Short texts are embedded together: attention's cost grows with the square of a pass, so not too many.
PACKED_TOKENS = 512
PACKED_TEXTS = 32


class ContextPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A context's layout, all choices made."""

    context_length: int
    cells: int
    sequences: int
    running: int
    prefill_cells: int
    batch_tokens: int
    rows_at_once: int
    threads: int
    flash_attention: bool | None
    keys: CacheFormat = F16
    values: CacheFormat = F16
    shifts: bool = True

    @property
    def limits(self) -> EngineLimits:
        """What the decode loop may ask for."""
        return EngineLimits(
            context_length=self.context_length,
            cells=self.cells,
            sequences=self.sequences,
            batch_tokens=self.batch_tokens,
            running=self.running,
        )

    def bytes_for(self, head: GgufHead) -> int:
        """Memory for KV cells, recurrent states, a pass's computation and its logits."""
        flash = self.flash_attention is not False
        in_cell = cell_bytes(head, keys=self.keys, values=self.values)
        kept = (self.cells + self.prefill_cells) * in_cell + self.sequences * state_bytes(head)
        pools = [cells for cells in (self.cells, self.prefill_cells) if cells]
        compute = sum(
            compute_bytes(head, rows=self.rows_at_once, cells=cells, flash_attention=flash) for cells in pools
        )
        return kept + compute + output_bytes(head, rows=self.sequences)


class EmbeddingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`max_tokens` in one text; `rows` in one pass, of which texts are packed into `packed_tokens`, `texts` at most."""

    max_tokens: int
    rows: int
    packed_tokens: int
    texts: int
    threads: int

    def bytes_for(self, head: GgufHead) -> int:
        """Memory for one pass as long as the longest text; llama.cpp makes logits for every row even here."""
        kept = self.rows * cell_bytes(head)
        compute = compute_bytes(head, rows=self.rows, cells=self.rows, flash_attention=True)
        return kept + compute + output_bytes(head, rows=self.rows)


def context_plan(head: GgufHead, settings: EngineSettings, *, free_bytes: int, on_gpu: bool) -> ContextPlan:
    """The layout for a model; `free_bytes` is the memory that the weights leave.

    Flash attention is off on a CPU: with it SmolLM2 decodes at less than half the speed 2,048 tokens in. It is on
    where values are to be quantized, which llama.cpp does only then. Raises SettingsInvalid for formats that do not
    suit the model.
    """
    keys, values = key_format(head, settings), value_format(head, settings)
    in_cell = cell_bytes(head, keys=keys, values=values)
    context_length = _context_length(head, settings, free_bytes, in_cell)
    cells = _rounded_up(settings.cells or _cells(in_cell, context_length, free_bytes), CELL_STEP)
    batch_tokens = min(settings.batch_tokens or USUAL_BATCH, cells)
    running = min(settings.sequences or USUAL_RUNNING, MOST_SEQUENCES)
    keeps_state = state_bytes(head) > 0
    return ContextPlan(
        context_length=min(context_length, cells),
        cells=cells,
        sequences=running if keeps_state else min(running * SEQUENCES_PER_RUNNING, MOST_SEQUENCES),
        running=running,
        prefill_cells=0 if on_gpu or keeps_state else min(context_length, cells, PREFILL_CELLS),
        batch_tokens=batch_tokens,
        rows_at_once=min(batch_tokens, ROWS_AT_ONCE_GPU if on_gpu else ROWS_AT_ONCE_CPU),
        threads=settings.threads or usable_cores(),
        flash_attention=True if values != F16 else None if on_gpu else False,
        keys=keys,
        values=values,
        shifts=shifts_with(head, keys),
    )


def embedding_plan(head: GgufHead, settings: EngineSettings, *, free_bytes: int) -> EmbeddingPlan:
    """The layout for embedding. A text goes through in one pass, so long texts are what costs memory."""
    longest = min(settings.context_length or USUAL_CONTEXT, trained_context(head))
    while True:
        plan = EmbeddingPlan(
            max_tokens=longest,
            rows=_rounded_up(max(longest, PACKED_TOKENS), PACKED_TEXTS),
            packed_tokens=PACKED_TOKENS,
            texts=PACKED_TEXTS,
            threads=settings.threads or usable_cores(),
        )
        if settings.context_length or longest <= SHORTEST_CONTEXT:
            return plan
        if plan.bytes_for(head) <= free_bytes * CONTEXT_SHARE:
            return plan
        longest //= 2


def trained_context(head: GgufHead) -> int:
    """The longest sequence that the model was trained on."""
    return head.of_architecture("context_length", USUAL_CONTEXT)


def _context_length(head: GgufHead, settings: EngineSettings, free_bytes: int, in_cell: int) -> int:
    trained = trained_context(head)
    if settings.context_length > trained:
        log.info(
            "context length lowered to what the model was trained on", asked=settings.context_length, is_now=trained
        )
    if settings.context_length:
        return min(settings.context_length, trained)
    length = min(USUAL_CONTEXT, trained)
    while length > SHORTEST_CONTEXT and length * in_cell > free_bytes * CONTEXT_SHARE:
        length //= 2
    return length


def _cells(in_cell: int, context_length: int, free_bytes: int) -> int:
    affordable = int(free_bytes * CELLS_SHARE / max(in_cell, 1))
    return max(context_length, min(USUAL_CELLS, affordable))


def _rounded_up(number: int, step: int) -> int:
    return -(-number // step) * step
