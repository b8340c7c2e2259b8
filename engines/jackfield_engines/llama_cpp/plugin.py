"""Registers the llama.cpp engine and what it has to say to `jackfield doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.errors import MissingDependency
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.diagnostics import Diagnostic
    from jackfield.contracts.engine import EngineFactory

REMEDY = "pip install 'jackfield[local]'"


@hookimpl
def jackfield_engines() -> list[Provided[EngineFactory]]:
    """llama.cpp."""
    return [Provided("llama.cpp", _factory, "GGUF models of any quantization, in this process")]


@hookimpl
def jackfield_diagnostics() -> list[Provided[Diagnostic]]:
    """Whether llama.cpp is there, and what it makes of this machine."""
    return [Provided("llama.cpp", _diagnostic, "llama.cpp, its processor features, cores and memory")]


def _factory() -> EngineFactory:
    try:
        from jackfield_engines.llama_cpp.factory import LlamaCppFactory
    except (ImportError, OSError, RuntimeError) as error:
        raise MissingDependency(
            f"llama-cpp-python cannot be loaded ({error}); install it with `{REMEDY}`, which takes about ten minutes."
        ) from error
    return LlamaCppFactory()


def _diagnostic() -> Diagnostic:
    from jackfield_engines.llama_cpp.diagnostic import LlamaCppDiagnostic

    return LlamaCppDiagnostic()
