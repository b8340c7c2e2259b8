"""An engine that takes any file for a model and counts as far as it is told, a token in a set time.

`count 300` is answered with `1 2 3 … 300`; anything else is said back. `JACKFIELD_TEST_TOKEN_SECONDS` is the pace. A
model whose name begins with `broken` cannot be loaded, and one that begins with `slow` takes seconds to load.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from jackfield.contracts.engine import EngineFactory, EngineLimits, EngineSettings, Fit
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.registration import Provided
from jackfield.errors import EngineFailure
from jackfield.hookspecs import hookimpl
from jackfield.testing.scripted_engine import ScriptedEmbeddingEngine, ScriptedEngine, Timing, answering

PACE = "JACKFIELD_TEST_TOKEN_SECONDS"
SLOW_SECONDS = 4.0


class TeamEnginePlugin:
    """The plugin."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """An engine that counts."""
        return [Provided("scripted", _engines)]


def _engines() -> EngineFactory:
    return CountingFactory()


class CountingFactory:
    """Loads every model but broken ones."""

    name = "counting"

    def inspect(self, path: Path) -> ModelDescription:
        """What every scripted engine says of itself."""
        return _engine().model

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        """Always."""
        return Fit(fits=True, bytes_needed=1, bytes_available=2)

    def open(self, model: InstalledModel, settings: EngineSettings) -> ScriptedEngine:
        """A new engine."""
        if model.name.startswith("broken"):
            raise EngineFailure(f"Model '{model.name}' is broken.")
        if model.name.startswith("slow"):
            time.sleep(SLOW_SECONDS)
        return _engine()

    def open_embedding(self, model: InstalledModel, settings: EngineSettings) -> ScriptedEmbeddingEngine:
        """Vectors of letter counts."""
        return ScriptedEmbeddingEngine()


def _engine() -> ScriptedEngine:
    limits = EngineLimits(context_length=16384, cells=262144, sequences=128, batch_tokens=512)
    timing = Timing(per_pass=float(os.environ.get(PACE, "0")))
    return ScriptedEngine(answering(_counted), limits=limits, timing=timing)


def _counted(prompt: str) -> str:
    said = prompt.rpartition("<|start|>user\n")[2].partition("<|end|>")[0]
    word, _, number = said.rpartition("count ")
    return " ".join(map(str, range(1, int(number) + 1))) if word == "" and number.isdigit() else said


plugin = TeamEnginePlugin()
