"""llama.cpp's C API, loaded once and with threads that do not spin for ever. Only this room's native modules use it."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from numpy.typing import NDArray

from jackfield_engines.llama_cpp.spinning import limited_spinning

with limited_spinning():
    import llama_cpp
    from llama_cpp import _ggml
    from llama_cpp import llama_cpp as api

__all__ = ["api", "llama_cpp", "load_backends", "pointer_to"]


def load_backends() -> None:
    """Load the best of several libraries for processors, and those for GPUs, where it was built with GGML_BACKEND_DL.

    Other builds have one of their own from the start.
    """
    ggml = _ggml.libggml
    if not ggml.ggml_backend_reg_count():
        with limited_spinning():
            ggml.ggml_backend_load_all_from_path(os.fsencode(_ggml.libggml_base_path))


def pointer_to(array: NDArray[Any], kind: Any) -> Any:
    """A C pointer to an array's numbers, which must outlive it."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
