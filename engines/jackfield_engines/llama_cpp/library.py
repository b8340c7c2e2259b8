"""llama.cpp's C API, loaded once and with threads that do not spin for ever. Only this room's native modules use it."""

from __future__ import annotations

import ctypes
from typing import Any

from numpy.typing import NDArray

from jackfield_engines.llama_cpp.spinning import limited_spinning

with limited_spinning():
    import llama_cpp
    from llama_cpp import llama_cpp as api

__all__ = ["api", "llama_cpp", "pointer_to"]


def pointer_to(array: NDArray[Any], kind: Any) -> Any:
    """A C pointer to an array's numbers, which must outlive it."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
