"""Writes GGUF models in other formats, with llama.cpp's quantizer in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.quantizers import WeightFormat
from jackfield.contracts.sources import Progress
from jackfield.errors import EngineFailure, InvalidRequest, ModelFileInvalid
from jackfield.models.disk import disk_errors, require_space
from jackfield_engines.llama_cpp.gguf_file import TensorHead, read_head, read_tensors
from jackfield_engines.llama_cpp.machine import usable_cores
from jackfield_engines.llama_cpp.weight_formats import Mix, mixes

PROGRAM = "jackfield_engines.llama_cpp.native_quantize"
LOOK_AGAIN = 0.1
"""Seconds between two looks at how far the file is."""
STALLED = 600.0
"""Seconds after which a file that does not grow counts as failed: the largest tensors take tens of seconds."""


class LlamaCppQuantizer:
    """A Quantizer for GGUF files that are one file each."""

    def formats(self, model: InstalledModel) -> tuple[WeightFormat, ...]:
        """The mixes whose blocks fit the model's rows, the most exact first."""
        if read_head(model.path).number("split.count") > 1:
            return ()
        tensors = read_tensors(model.path)
        return tuple(
            WeightFormat(name=mix.name, summary=mix.summary, bytes=_file_bytes(mix, tensors, model.path))
            for mix in mixes(tensors)
        )

    def quantize(self, model: InstalledModel, format_name: str, target: Path, progress: Progress) -> None:
        """Write a file of one of the formats; weights that are in it already are copied."""
        tensors = read_tensors(model.path)
        mix = _suitable_mix(format_name, model, tensors)
        size = _file_bytes(mix, tensors, model.path)
        require_space(target.parent, size)
        partial = target.with_name(target.name + ".partial")
        try:
            with disk_errors(partial, needed=size):
                _run(mix, model.path, partial, size, progress)
                with partial.open("rb+") as file:
                    os.fsync(file.fileno())
                partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _suitable_mix(name: str, model: InstalledModel, tensors: Sequence[TensorHead]) -> Mix:
    suitable = {mix.name: mix for mix in mixes(tensors)}
    if name not in suitable:
        known = ", ".join(suitable) or "none"
        raise InvalidRequest(f"'{model.name}' cannot be written as '{name}'; what it can be: {known}.")
    return suitable[name]


def _file_bytes(mix: Mix, tensors: Sequence[TensorHead], path: Path) -> int:
    """The size of the file as it will be: what changes no tensor stays as large as it is."""
    with disk_errors(path):
        size = path.stat().st_size
    return size + sum(mix.growth_of(tensor) for tensor in tensors)


def _run(mix: Mix, source: Path, partial: Path, size: int, progress: Progress) -> None:
    """The program from its start to its good end; it is killed where that does not come."""
    job = msgspec.json.encode(mix.job(threads=usable_cores())).decode()
    command = [sys.executable, "-P", "-m", PROGRAM, str(source), str(partial), job]
    with (
        TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        ) as process,
    ):
        try:
            _watch(process, partial, size, progress)
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise _failure(process.returncode, source, partial, size, said)


def _watch(process: subprocess.Popen[bytes], partial: Path, size: int, progress: Progress) -> None:
    written, grew_at = 0, time.monotonic()
    while True:
        try:
            process.wait(LOOK_AGAIN)
            return
        except subprocess.TimeoutExpired:
            now = partial.stat().st_size if partial.exists() else 0
        if now > written:
            written, grew_at = now, time.monotonic()
        elif time.monotonic() - grew_at > STALLED:
            raise EngineFailure(f"llama.cpp's quantizer wrote nothing for {STALLED:.0f} seconds and was stopped.")
        progress(min(written, size), size)


def _failure(status: int, source: Path, partial: Path, size: int, said: IO[bytes]) -> EngineFailure | ModelFileInvalid:
    """Why the program failed; raises DiskFull where the rest of the file has no room."""
    written = partial.stat().st_size if partial.exists() else 0
    if shutil.disk_usage(partial.parent).free < size - written:
        require_space(partial.parent, size - written)
    if status < 0:
        return EngineFailure(f"llama.cpp's quantizer was ended by signal {-status}; 9 often means too little memory.")
    said.seek(0)
    lines = said.read().decode("utf-8", errors="replace").strip().splitlines()
    reason = re.sub(r"^(\w+: )+(failed to quantize: )?", "", lines[-1]) if lines else "it did not say why"
    return ModelFileInvalid(f"'{source}' cannot be quantized: {reason.rstrip('.')}.")
