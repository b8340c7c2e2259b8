"""Opens GGUF models with llama.cpp."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jackfield.contracts.engine import EmbeddingEngine, EngineSettings, Fit, TokenEngine
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.errors import InvalidRequest, ModelTooLarge
from jackfield_engines.llama_cpp import native
from jackfield_engines.llama_cpp.adapters import Adapters, adapter_description, is_adapter
from jackfield_engines.llama_cpp.context_plan import ContextPlan, EmbeddingPlan, context_plan, embedding_plan
from jackfield_engines.llama_cpp.description import model_description
from jackfield_engines.llama_cpp.embedding import LlamaCppEmbeddingEngine
from jackfield_engines.llama_cpp.engine import LlamaCppEngine
from jackfield_engines.llama_cpp.gguf_file import GgufHead, read_head
from jackfield_engines.llama_cpp.machine import available_memory
from jackfield_engines.llama_cpp.memory import fit
from jackfield_engines.llama_cpp.native_context import MEAN_POOLING, RANK_POOLING, Context, ContextOptions
from jackfield_engines.llama_cpp.prefill_context import PrefillContext
from jackfield_engines.llama_cpp.quantizer import LlamaCppQuantizer


class LlamaCppFactory(LlamaCppQuantizer):
    """An EngineFactory and a Quantizer for GGUF files; engines on the same file share its weights. Any thread."""

    name = "llama.cpp"

    def inspect(self, path: Path) -> ModelDescription:
        """What a file says of itself, from its head and its vocabulary; raises ModelFileInvalid."""
        head = read_head(path)
        if is_adapter(head):
            return adapter_description(path, head)
        return model_description(path, head, native.Weights(path, vocabulary_only=True))

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        """Whether there is memory for a context, and for the weights unless they are loaded already."""
        head = read_head(model.path)
        if model.description.generates:
            return self._fit(model, head, self._context_plan(model, head, settings), settings)
        return self._fit(model, head, self._embedding_plan(model, head, settings), settings)

    def open(self, model: InstalledModel, settings: EngineSettings) -> TokenEngine:
        """Load a model that writes; raises ModelFileInvalid, ModelTooLarge, or InvalidRequest where it only embeds."""
        head = read_head(model.path)
        plan = self._context_plan(model, head, settings)
        self._require_room(model, head, plan, settings)
        weights = native.shared_weights(model.path, gpu_layers=settings.gpu_layers)
        description = model_description(model.path, head, weights)
        if not description.generates:
            raise InvalidRequest(f"Model '{model.name}' embeds texts and writes none.", parameter="model")
        context = Context(weights, _options(plan, cells=plan.cells, sequences=plan.sequences))
        cuts = not weights.remembers_whole
        # llama.cpp reuses cells behind a layer's window, and so drops earlier tokens of a sequence unseen.
        keeps_all = not 0 < weights.window < plan.context_length
        return LlamaCppEngine(
            weights,
            context,
            prefill=_prefill_context(weights, plan),
            model=description,
            limits=msgspec.structs.replace(
                plan.limits, shares_parts=cuts and keeps_all, slides=cuts and context.can_shift
            ),
            identity=f"{model.sha256} {native.version()} {plan.flash_attention} {plan.keys.kind} {plan.values.kind}",
            adapters=Adapters(weights, model.path),
        )

    def open_embedding(self, model: InstalledModel, settings: EngineSettings) -> EmbeddingEngine:
        """Load a model for embedding, with its own pooling, or the mean for a model that writes."""
        head = read_head(model.path)
        plan = self._embedding_plan(model, head, settings)
        self._require_room(model, head, plan, settings)
        weights = native.shared_weights(model.path, gpu_layers=settings.gpu_layers)
        pooling = head.of_architecture("pooling_type") or MEAN_POOLING
        if pooling == RANK_POOLING or weights.encodes_first:
            raise InvalidRequest(f"Model '{model.name}' does not embed texts.", parameter="model")
        options = ContextOptions(
            cells=plan.rows,
            sequences=plan.texts,
            rows=plan.rows,
            rows_at_once=plan.rows,
            threads=plan.threads,
            flash_attention=None,
            pooling=pooling,
        )
        return LlamaCppEmbeddingEngine(
            weights,
            Context(weights, options),
            model=model_description(model.path, head, weights),
            size=weights.output_size,
            plan=plan,
            decomposes=head.text("tokenizer.ggml.model") == "bert",
        )

    def _context_plan(self, model: InstalledModel, head: GgufHead, settings: EngineSettings) -> ContextPlan:
        free = max(available_memory() - _weight_bytes(model, head, settings), 0)
        return context_plan(head, settings, free_bytes=free, on_gpu=_on_gpu(settings))

    def _embedding_plan(self, model: InstalledModel, head: GgufHead, settings: EngineSettings) -> EmbeddingPlan:
        free = max(available_memory() - _weight_bytes(model, head, settings), 0)
        return embedding_plan(head, settings, free_bytes=free)

    def _fit(
        self, model: InstalledModel, head: GgufHead, plan: ContextPlan | EmbeddingPlan, settings: EngineSettings
    ) -> Fit:
        return fit(
            model.name,
            weight_bytes=_weight_bytes(model, head, settings),
            context_bytes=plan.bytes_for(head),
            available=available_memory(),
        )

    def _require_room(
        self, model: InstalledModel, head: GgufHead, plan: ContextPlan | EmbeddingPlan, settings: EngineSettings
    ) -> None:
        outcome = self._fit(model, head, plan, settings)
        if not outcome.fits:
            raise ModelTooLarge(outcome.reason)


def _options(plan: ContextPlan, *, cells: int, sequences: int) -> ContextOptions:
    return ContextOptions(
        cells=cells,
        sequences=sequences,
        rows=plan.batch_tokens,
        rows_at_once=plan.rows_at_once,
        threads=plan.threads,
        flash_attention=plan.flash_attention,
        key_type=plan.keys.kind,
        value_type=plan.values.kind,
        shifts=plan.shifts,
    )


def _prefill_context(weights: native.Weights, plan: ContextPlan) -> PrefillContext | None:
    if not plan.prefill_cells:
        return None
    options = _options(plan, cells=plan.prefill_cells, sequences=1)
    return PrefillContext(Context(weights, options), plan.prefill_cells)


def _on_gpu(settings: EngineSettings) -> bool:
    return native.can_offload() and settings.gpu_layers != 0


def _weight_bytes(model: InstalledModel, head: GgufHead, settings: EngineSettings) -> int:
    """What the weights will take of this machine's memory: nothing if they are here, or go to a GPU."""
    if _on_gpu(settings) or native.weights_are_loaded(model.path):
        return 0
    return max(head.bytes, model.description.bytes)
