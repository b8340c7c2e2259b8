"""llama.cpp's C API, loaded once and with threads that do not spin for ever. Only this room's native modules use it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jackfield_engines.llama_cpp.spinning import limited_spinning

with limited_spinning():
    import llama_cpp
    from llama_cpp import llama_cpp as api

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["api", "llama_cpp", "load_backends", "pointer_to"]


def load_backends() -> None:
    """Load the best of several libraries for processors, and those for GPUs, where it was built with GGML_BACKEND_DL.

    Other builds have one of their own from the start. The functions are found through libllama: a wheel holds libggml
    under several names, and each would be loaded as a library of its own.
    """
    if os.name != "posix":
        return
    known = api.ctypes_function("ggml_backend_reg_count", [], ctypes.c_size_t)(lambda: None)
    if not known():
        load = api.ctypes_function("ggml_backend_load_all_from_path", [ctypes.c_char_p], None)(lambda path: None)
        folder = os.environ.get("LLAMA_CPP_LIB_PATH") or Path(llama_cpp.__file__).parent / "lib"
        with limited_spinning():
            load(os.fsencode(folder))


def pointer_to(array: NDArray[Any], kind: Any) -> Any:
    """A C pointer to an array's numbers, which must outlive it."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
