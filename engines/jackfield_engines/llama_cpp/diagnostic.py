"""What `jackfield doctor` says of llama.cpp and of the machine under it."""

from __future__ import annotations

import importlib
from types import ModuleType

from jackfield.contracts.diagnostics import Finding
from jackfield.quantities import readable_bytes
from jackfield_engines.llama_cpp.machine import available_memory, usable_cores
from jackfield_engines.llama_cpp.plugin import REMEDY


class LlamaCppDiagnostic:
    """Loads the library if it is there, and no model."""

    def examine(self) -> tuple[Finding, ...]:
        """The library, and the cores and memory that models get."""
        machine = f"{usable_cores()} cores, {readable_bytes(available_memory())} of memory available"
        return (_library(), Finding(subject="machine", health="ok", detail=machine))


def _library() -> Finding:
    try:
        native = importlib.import_module("jackfield_engines.llama_cpp.native")
    except ModuleNotFoundError as error:
        detail = f"not installed ({error.name} is missing); models in this process need it"
        return Finding(subject="llama.cpp", health="missing", detail=detail, remedy=REMEDY)
    except (ImportError, OSError, RuntimeError) as error:
        remedy = (
            f"Build it again: {REMEDY.replace('install', 'install --force-reinstall --no-binary llama-cpp-python')}"
        )
        return Finding(subject="llama.cpp", health="broken", detail=str(error), remedy=remedy)
    return Finding(subject="llama.cpp", health="ok", detail=_what_it_is(native))


def _what_it_is(native: ModuleType) -> str:
    gpu = "with GPU offload" if native.can_offload() else "without GPU offload"
    return f"llama-cpp-python {native.version()}, {gpu}; {_features(native.processor_features())}"


def _features(line: str) -> str:
    """`CPU : AVX2 = 1 | AVX512 = 0 |` as `CPU: AVX2`."""
    device, _, rest = line.partition(" : ")
    names = [
        name.strip() for name, _, there in (part.partition(" = ") for part in rest.split("|")) if there.strip() == "1"
    ]
    return f"{device}: {' '.join(names)}" if names else line.strip()
