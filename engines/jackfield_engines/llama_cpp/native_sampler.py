"""llama.cpp's samplers, thin and typed."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jackfield.errors import EngineFailure
from jackfield_engines.llama_cpp.library import api, pointer_to


class SamplerChain:
    """llama.cpp samplers, applied in the order they are added."""

    def __init__(self) -> None:
        parameters = api.llama_sampler_chain_default_params()
        parameters.no_perf = True
        self._pointer = api.llama_sampler_chain_init(parameters)
        self._free = weakref.finalize(self, api.llama_sampler_free, self._pointer)
        self._free.atexit = False

    def add_logit_bias(self, vocabulary_size: int, bias: Sequence[tuple[int, float]]) -> None:
        """Add to the logits of some tokens."""
        entries = (api.llama_logit_bias * len(bias))(*(api.llama_logit_bias(*entry) for entry in bias))
        self._add(api.llama_sampler_init_logit_bias(vocabulary_size, len(bias), entries))

    def add_penalties(
        self, vocabulary_size: int, *, window: int, repeat: float, frequency: float, presence: float
    ) -> None:
        """Lower the logits of tokens seen among the last `window`."""
        self._add(api.llama_sampler_init_penalties(vocabulary_size, window, repeat, frequency, presence))

    def add_top_k(self, count: int) -> None:
        """Keep the `count` likeliest."""
        self._add(api.llama_sampler_init_top_k(count))

    def add_top_p(self, share: float) -> None:
        """Keep the likeliest that together have this share."""
        self._add(api.llama_sampler_init_top_p(share, 1))

    def add_min_p(self, share: float) -> None:
        """Keep what has at least this share of the likeliest's probability."""
        self._add(api.llama_sampler_init_min_p(share, 1))

    def add_temperature(self, temperature: float) -> None:
        """Divide the logits."""
        self._add(api.llama_sampler_init_temp(temperature))

    def remaining(
        self, logits: NDArray[np.float32], among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The tokens left of logits, (n_vocab,), and their logits as changed; only of `among` these, if given."""
        if not self._free.alive:
            raise EngineFailure("The sampler was closed.")
        candidates = _candidates(logits, among)
        listed = api.llama_token_data_array(pointer_to(candidates, api.llama_token_data), len(candidates), -1, False)
        api.llama_sampler_apply(self._pointer, ctypes.byref(listed))
        if not listed.size:
            raise EngineFailure("llama.cpp's samplers left no token.")
        left = np.frombuffer(ctypes.string_at(listed.data, listed.size * _CANDIDATE.itemsize), dtype=_CANDIDATE)
        return left["id"], left["logit"]

    def accept(self, token: int) -> None:
        """Count a token that was not selected here."""
        if self._free.alive:
            api.llama_sampler_accept(self._pointer, token)

    def close(self) -> None:
        """Free it; a second call does nothing."""
        self._free()

    def _add(self, sampler: object) -> None:
        api.llama_sampler_chain_add(self._pointer, sampler)


_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


def _candidates(logits: NDArray[np.float32], among: NDArray[np.int64] | None) -> NDArray[np.void]:
    """llama.cpp's list of tokens to select from: one for each logit, or those that are named."""
    candidates = np.zeros(len(logits) if among is None else len(among), dtype=_CANDIDATE)
    candidates["id"] = np.arange(len(logits), dtype=np.int32) if among is None else among
    candidates["logit"] = logits if among is None else logits[among]
    return candidates
