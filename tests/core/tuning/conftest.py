"""A catalogue whose one model, `pulled`, can be written in three formats, by an engine that needs no weights."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from jackfield.contracts.engine import EngineSettings
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.registration import Provided
from jackfield.models.catalog import ModelCatalog
from jackfield.models.tuning.tuner import ModelTuner
from jackfield.registry import Shelf
from jackfield.testing.memory_store import InMemoryModels
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.testing.scripted_quantizer import ScriptedQuantizer
from jackfield.testing.temporary_workbench import ScriptedFactory

CONTENT = b"GGUF as pulled"


@pytest.fixture
def quantizer() -> ScriptedQuantizer:
    return ScriptedQuantizer()


@pytest.fixture
def engines(quantizer: ScriptedQuantizer) -> Shelf[ScriptedFactory]:
    shelf: Shelf[ScriptedFactory] = Shelf("engine")
    shelf.add(Provided("scripted", lambda: quantizer), owner="scripted-plugin")
    return shelf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
async def catalog(engines: Shelf[ScriptedFactory], folder: Path) -> ModelCatalog:
    records = InMemoryModels()
    await records.put(_pulled(folder))
    return ModelCatalog(records, Shelf("model source"), engines, folder, None)  # type: ignore[arg-type]


@pytest.fixture
def tuner(catalog: ModelCatalog, engines: Shelf[ScriptedFactory]) -> ModelTuner:
    return ModelTuner(catalog, engines, EngineSettings())  # type: ignore[arg-type]


def _pulled(folder: Path) -> InstalledModel:
    path = folder / "pulled" / "model.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return InstalledModel(
        name="pulled",
        path=path,
        reference="hf:someone/model",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        pulled_at=datetime.now(UTC),
        description=replace(ScriptedEngine().model, bytes=len(CONTENT), licence="MIT"),
        sampling={"temperature": 0.2},
    )
