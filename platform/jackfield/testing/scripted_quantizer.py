"""An engine factory that writes models in other formats, all of them scripted: for testing what tunes models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jackfield.contracts.engine import EngineSettings
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.quantizers import WeightFormat
from jackfield.contracts.sources import Progress
from jackfield.errors import InvalidRequest, ModelFileInvalid, ModelTooLarge
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.testing.temporary_workbench import ScriptedFactory

FORMATS = ("exact", "rough", "huge")


class ScriptedQuantizer(ScriptedFactory):
    """Writes a model's name for its format into the file; `rough` predicts otherwise, `huge` fits no memory."""

    def __init__(self) -> None:
        super().__init__()
        self.needed = 100
        self.written: list[str] = []

    def inspect(self, path: Path) -> ModelDescription:
        """Raises ModelFileInvalid for what was not written here."""
        if not path.read_bytes().startswith(b"GGUF"):
            raise ModelFileInvalid(f"{path} is not a model.")
        return super().inspect(path)

    def open(self, model: InstalledModel, settings: EngineSettings) -> ScriptedEngine:
        """An engine whose predictions depend on the format that is in the file."""
        content = model.path.read_bytes()
        if content.endswith(b"huge"):
            raise ModelTooLarge("It needs more memory than there is.")
        self.opened.append(ScriptedEngine(_repeating if content.endswith(b"rough") else None))
        return self.opened[-1]

    def formats(self, model: InstalledModel) -> tuple[WeightFormat, ...]:
        """Three, of any model."""
        return tuple(WeightFormat(name=name, summary=f"{name} weights", bytes=self.needed) for name in FORMATS)

    def quantize(self, model: InstalledModel, format_name: str, target: Path, progress: Progress) -> None:
        """Write the file in two pieces."""
        if format_name not in FORMATS:
            raise InvalidRequest(f"'{format_name}' is none of {FORMATS}.")
        partial = target.with_name(target.name + ".partial")
        partial.write_bytes(b"GGUF ")
        try:
            progress(5, 10)
        except BaseException:
            partial.unlink()
            raise
        partial.write_bytes(b"GGUF " + format_name.encode())
        partial.replace(target)
        self.written.append(format_name)


def _repeating(tokens: Sequence[int]) -> int:
    return tokens[-1]
