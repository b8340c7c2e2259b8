"""llama.cpp's quantizer, as a program: it cannot be stopped but with its process, and may abort that one.

Run as `python -m jackfield_engines.llama_cpp.native_quantize SOURCE TARGET JOB`, the job as JSON. It ends when its
standard input does, so that it never outlives who started it; what goes wrong it says in one line on stderr.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
from llama_cpp import llama_cpp as api

from jackfield_engines.llama_cpp.log_capture import LogCapture
from jackfield_engines.llama_cpp.weight_formats import QuantizeJob

MOST_BUFFER = 1 << 29
"""Bytes of rows that are worked on at once."""


def main() -> int:
    """Do the job of the command line; gives an exit status."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    source, target, job = sys.argv[1:]
    fault = quantize(Path(source), Path(target), msgspec.json.decode(job, type=QuantizeJob))
    if fault:
        sys.stderr.write(f"{fault}\n")
    return int(fault is not None)


def quantize(source: Path, target: Path, job: QuantizeJob) -> str | None:
    """Write the file; why it failed, in llama.cpp's words, or None."""
    logs = LogCapture()
    receive = api.llama_log_callback(logs.receive)
    api.llama_log_set(receive, ctypes.c_void_p(0))
    parameters = api.llama_model_quantize_default_params()
    parameters.ftype = job.file_type
    parameters.nthread = job.threads
    parameters.allow_requantize = True
    parameters.pure = True
    parameters.token_embedding_type = job.embedding
    parameters.output_tensor_type = job.output
    parameters.max_buf_size = MOST_BUFFER
    parameters.tt_overrides = _overrides(job.patterns)
    with logs.complaints() as complaints:
        failed = api.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(parameters))
    if not failed:
        return None
    return next((complaint.line for complaint in complaints if complaint.error), "llama.cpp did not say why")


def _overrides(patterns: tuple[tuple[str, int], ...]) -> Any:
    """An array that ends with an empty entry."""
    overrides = (api.llama_model_tensor_override * (len(patterns) + 1))()
    for override, (pattern, kind) in zip(overrides, patterns, strict=False):
        override.pattern, override.type = pattern.encode(), kind
    return overrides


def _end_with_input() -> None:
    """Without sys.stdin, whose lock would abort the process at a good end."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
