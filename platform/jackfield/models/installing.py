"""From a file that has arrived to an installed model: content checked, description read, place taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from jackfield.contracts.engine import EngineFactory
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.records import ModelRecords
from jackfield.contracts.sources import ResolvedModel
from jackfield.errors import ChecksumMismatch, JackfieldError, ModelFileInvalid, PluginError, StateUnavailable
from jackfield.models.disk import disk_errors, file_sha256
from jackfield.models.naming import folder_name
from jackfield.registry import Shelf


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A whole model file that is not on record yet; `linked` stays where it is."""

    path: Path
    sha256: str
    resolved: ResolvedModel
    linked: bool = False


def checked_arrival(path: Path, resolved: ResolvedModel, *, linked: bool = False) -> Arrival:
    """A file whose content is what was promised, as an arrival; raises ChecksumMismatch. Blocking."""
    with disk_errors(path):
        sha256 = file_sha256(path)
    if resolved.sha256 and sha256 != resolved.sha256:
        raise ChecksumMismatch(
            f"What came for '{resolved.reference}' has SHA-256 {sha256}, not the expected {resolved.sha256}; "
            "nothing was kept. Pull it again, and if that fails too, do not trust where it comes from."
        )
    return Arrival(path=path, sha256=sha256, resolved=resolved, linked=linked)


def usable_engines(engines: Shelf[EngineFactory]) -> tuple[EngineFactory, ...]:
    """Every engine that can be built here; raises why not where there is none."""
    built: list[EngineFactory] = []
    failures: list[JackfieldError] = []
    for name in engines.names():
        try:
            built.append(engines.get(name))
        except JackfieldError as error:
            failures.append(error)
    if not built and failures:
        raise failures[0]
    return tuple(built) or (engines.first(),)


def description_of(path: Path, engines: tuple[EngineFactory, ...], *, called: str) -> ModelDescription:
    """What the first engine that reads a file says of it, `bytes` being the file's size. Blocking.

    Where none reads it, raises what the first one raised: ModelFileInvalid, or PluginError for what it should not.
    An error calls the file by what it was `called` when it was asked for, because its path is about to go.
    """
    failures: list[JackfieldError] = []
    for engine in engines:
        try:
            described = engine.inspect(path)
        except ModelFileInvalid as error:
            failures.append(ModelFileInvalid(error.message.replace(str(path), called)))
        except JackfieldError as error:
            failures.append(error)
        except Exception as error:  # noqa: BLE001 - the boundary between the platform and an engine's code
            failures.append(_engine_fault(engine, path, error))
        else:
            return msgspec.structs.replace(described, bytes=path.stat().st_size)
    raise failures[0]


def _engine_fault(engine: EngineFactory, path: Path, error: Exception) -> PluginError:
    fault = PluginError(f"Engine '{engine.name}' failed to read {path.name}: {type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault


class Installer:
    """Puts files in their final place and models on record, and takes both away."""

    def __init__(self, records: ModelRecords, folder: Path) -> None:
        self._records = records
        self._folder = folder

    async def install(self, name: str, arrival: Arrival, description: ModelDescription) -> InstalledModel:
        """Move a file in and record it; where recording fails, the file goes back to where it was."""
        place = arrival.path if arrival.linked else self._folder / folder_name(name) / arrival.path.name
        model = InstalledModel(
            name=name,
            path=place,
            reference=arrival.resolved.reference,
            sha256=arrival.sha256,
            pulled_at=datetime.now(UTC),
            description=msgspec.structs.replace(description, licence=description.licence or arrival.resolved.licence),
            sampling=arrival.resolved.sampling,
            linked=arrival.linked,
        )
        if not arrival.linked:
            await asyncio.to_thread(_move, arrival.path, place)
        try:
            await self._records.put(model)
        except BaseException:
            if not arrival.linked:
                _move(place, arrival.path)
            raise
        return model

    async def replace(
        self, before: InstalledModel | None, name: str, arrival: Arrival, description: ModelDescription
    ) -> InstalledModel:
        """Install, and delete the file of what had the name before unless the new one took its very place."""
        model = await self.install(name, arrival, description)
        if before and before.path != model.path and not before.linked and before.path.is_relative_to(self._folder):
            await asyncio.to_thread(_delete, before.path)
        return model

    async def remove(self, model: InstalledModel) -> None:
        """Forget a model, then delete its file and folder unless it is linked."""
        await self._records.remove(model.name)
        if not model.linked and model.path.is_relative_to(self._folder):
            await asyncio.to_thread(_delete, model.path)


def _move(source: Path, target: Path) -> None:
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
    except OSError as error:
        raise StateUnavailable(
            f"The model is off the record, but its file {path} cannot be deleted: {error.strerror}; delete it by hand."
        ) from error
