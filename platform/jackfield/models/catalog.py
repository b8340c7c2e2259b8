"""The catalogue of installed models: what is here, what comes in, what goes."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Literal

from jackfield.cancellation import carried_through
from jackfield.contracts.engine import EngineFactory
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import ModelRecords
from jackfield.contracts.sources import ModelSource, Progress, ResolvedModel
from jackfield.errors import (
    ChecksumMismatch,
    InvalidRequest,
    ModelFileInvalid,
    ModelNotFound,
    NameTaken,
    PluginError,
)
from jackfield.models.adapters import require_adapter
from jackfield.models.disk import disk_errors, file_sha256
from jackfield.models.in_place import check_in_place
from jackfield.models.incoming import Incoming, discard
from jackfield.models.installing import Arrival, Installer, checked_arrival, description_of, usable_engines
from jackfield.models.naming import DEFAULT, checked_name
from jackfield.models.recent_models import ForgettingRecords, RecentModels
from jackfield.models.references import GuardedSource, claiming_source
from jackfield.models.stoppable import stoppable
from jackfield.models.tuned_references import tuned_origin
from jackfield.registry import Shelf
from jackfield.shared_lookups import SharedLookups

Notice = Callable[[str], None]
"""Takes a sentence for the person who waits."""

PULL_STARTER = "`jackfield models pull starter`"


def _unheard(done: int, total: int | None) -> None: ...


def _unsaid(sentence: str) -> None: ...


class ModelCatalog:
    """Installed models by name, each here whole and verified or not at all. Usable from one event loop."""

    def __init__(
        self,
        records: ModelRecords,
        sources: Shelf[ModelSource],
        engines: Shelf[EngineFactory],
        folder: Path,
        default_model: str | None,
    ) -> None:
        self._recent = RecentModels()
        self._lookups: SharedLookups[InstalledModel] = SharedLookups()
        self._records = ForgettingRecords(records, self._recent)
        self._sources = sources
        self._engines = engines
        self._default_model = default_model
        self._incoming = Incoming(folder / ".incoming")
        self._installer = Installer(self._records, folder)

    async def all(self) -> tuple[InstalledModel, ...]:
        """Every model on record, in the order of their names; their files are not looked at."""
        return await self._records.all()

    async def default_name(self) -> str | None:
        """What stands for the default model: as set, else the only one that writes text; else None."""
        if self._default_model:
            return self._default_model
        candidates = await self._names(kind="writes")
        return candidates[0] if len(candidates) == 1 else None

    async def get(self, name: str | None = None) -> InstalledModel:
        """A model whose file is in place; None, "" and "default" mean the default one.

        Raises ModelNotFound, or ModelFileInvalid where the file is gone or has changed in size.
        """
        asked = name or DEFAULT
        return self._recent.get(asked) or await self._lookups.get(asked, partial(self._in_place, asked))

    async def _in_place(self, asked: str) -> InstalledModel:
        if asked == DEFAULT:
            chosen = await self._chosen_default()
            model = await self._on_record(chosen, f"The default model '{chosen}'")
        else:
            model = await self.recorded(asked)
        await asyncio.to_thread(check_in_place, model)
        self._recent.put(asked, model)
        return model

    async def adapter(self, name: str) -> InstalledModel:
        """An adapter whose file is in place; raises ModelNotFound, ModelFileInvalid, or InvalidRequest for a model."""
        adapter = await self._on_record(name, f"Adapter '{name}'", parameter="adapter")
        require_adapter(adapter)
        await asyncio.to_thread(check_in_place, adapter)
        return adapter

    async def recorded(self, name: str) -> InstalledModel:
        """A model by its exact name, whatever became of its file; raises ModelNotFound."""
        return await self._on_record(name, f"Model '{name}'")

    async def pull(
        self,
        reference: str,
        *,
        name: str | None = None,
        link: bool = False,
        progress: Progress | None = None,
        notice: Notice | None = None,
    ) -> InstalledModel:
        """Bring a model and put it on record; one that is here already is only checked.

        `link` leaves a local file where it is; `progress` is called from another thread. Cancelled or killed,
        a pull leaves only what the next one of the same reference goes on from. Raises ReferenceNotFound,
        DownloadFailed, NameTaken, ModelFileInvalid, DiskFull.
        """
        say = notice or _unsaid
        engines = usable_engines(self._engines)
        source = claiming_source(reference, self._sources)
        resolved = await stoppable(lambda _: source.call(lambda known: known.resolve(reference)), _unheard)
        chosen = checked_name(resolved.name if name is None else name)

        def waiting() -> None:
            say(f"Another process is pulling '{reference}': waiting for it to finish.")

        async with self._incoming.held(resolved.reference, waiting=waiting) as scratch:
            present = await self._already_here(chosen, resolved)
            if present:
                say(f"'{chosen}' is here already, whole and verified.")
                return present
            try:
                await asyncio.to_thread(_check_local, resolved, engines)
                if link:
                    arrival = await asyncio.to_thread(_linked, resolved)
                else:
                    arrival = await _fetched(source, resolved, scratch, progress or _unheard)
                model = await self._installed(chosen, arrival, engines)
            except (ChecksumMismatch, ModelFileInvalid):
                await asyncio.to_thread(discard, scratch)
                raise
            except BaseException:
                with suppress(OSError):
                    scratch.rmdir()  # only if it is empty: what the next pull can go on from stays
                raise
            await asyncio.to_thread(discard, scratch)
            return model

    async def remove(self, name: str) -> InstalledModel:
        """Take a model off the record, then delete its file unless it is linked; raises ModelNotFound."""
        async with self._incoming.held(f"name {name}"):
            model = await self.recorded(name)
            await carried_through(self._installer.remove(model))
        return model

    def workspace(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A folder on the models' disk, which may not exist yet, ours alone until left; the caller clears it away."""
        return self._incoming.held(key)

    async def take_in(
        self, name: str, path: Path, resolved: ResolvedModel, *, made_from: InstalledModel
    ) -> InstalledModel:
        """Put a file that was made in a workspace from an installed model on record, by a move.

        It takes the place of what was made from the same model before. Raises NameTaken where the name is another
        model's, and ModelNotFound where the original was removed or replaced meanwhile.
        """
        engines = usable_engines(self._engines)
        arrival = await asyncio.to_thread(checked_arrival, path, resolved)
        description = await asyncio.to_thread(description_of, path, engines, called=resolved.reference)
        async with self._incoming.held(f"name {name}"):
            await self._require_unchanged(made_from)
            before = await self.check_free(name, made_from=made_from)
            return await carried_through(self._installer.replace(before, name, arrival, description))

    async def check_free(self, name: str, *, made_from: InstalledModel) -> InstalledModel | None:
        """What was made from a model before and has this name, if any; raises NameTaken where another has it."""
        held = await self._records.get(name)
        origin = tuned_origin(held.reference) if held else None
        if held and (origin is None or origin[0] != made_from.name):
            raise NameTaken(
                f"The name '{name}' is taken by another model, from '{held.reference}': choose another name, "
                f"or remove that one with `jackfield models rm {name}`.",
                parameter="name",
            )
        return held

    async def _require_unchanged(self, model: InstalledModel) -> None:
        held = await self._records.get(model.name)
        if held is None or held.sha256 != model.sha256:
            what = "removed" if held is None else "replaced"
            raise ModelNotFound(
                f"'{model.name}' was {what} meanwhile, so nothing that was made from it is kept.", parameter="model"
            )

    async def _installed(self, name: str, arrival: Arrival, engines: tuple[EngineFactory, ...]) -> InstalledModel:
        description = await asyncio.to_thread(description_of, arrival.path, engines, called=arrival.resolved.reference)
        async with self._incoming.held(f"name {name}"):
            present = await self._already_here(name, arrival.resolved)  # another pull may have taken the name meanwhile
            if present:
                return present
            return await carried_through(self._installer.install(name, arrival, description))

    async def _already_here(self, name: str, resolved: ResolvedModel) -> InstalledModel | None:
        """The model of a name if it is the very file that was resolved, and whole; else NameTaken."""
        held = await self._records.get(name)
        if held is None:
            return None
        if not await asyncio.to_thread(_same_file, held, resolved):
            raise NameTaken(
                f"The name '{name}' is taken by another file, from '{held.reference}': give this one another "
                f"with --name, or remove that one with `jackfield models rm {name}`.",
                parameter="name",
            )
        return held if await asyncio.to_thread(_is_whole, held) else None

    async def _on_record(self, name: str, subject: str, *, parameter: str = "model") -> InstalledModel:
        """A model by its exact name; `subject` is what it was asked for as."""
        model = await self._records.get(name)
        if model is None:
            alike = await self._names(kind="adapter" if parameter == "adapter" else "model")
            raise ModelNotFound(_not_found(name, subject, alike), parameter=parameter)
        return model

    async def _chosen_default(self) -> str:
        name = await self.default_name()
        if name is None:
            raise ModelNotFound(_no_default(await self._names(kind="writes")), parameter="model")
        return name

    async def _names(self, *, kind: Literal["model", "adapter", "writes"]) -> list[str]:
        """Of all models, of adapters, or of the models that write text."""
        models = await self._records.all()
        if kind == "writes":
            return [model.name for model in models if model.description.generates]
        return [model.name for model in models if model.description.is_adapter == (kind == "adapter")]


async def _fetched(source: GuardedSource, resolved: ResolvedModel, scratch: Path, progress: Progress) -> Arrival:
    def fetch(report: Progress) -> Path:
        with disk_errors(scratch):
            scratch.mkdir(exist_ok=True)
        return source.call(lambda known: known.fetch(resolved, scratch, report))

    path = await stoppable(fetch, progress)
    if path.parent != scratch or path.suffix == ".partial" or not path.is_file():
        raise PluginError(f"The source of '{resolved.reference}' gave {path}, which is no finished file in {scratch}.")
    return await asyncio.to_thread(checked_arrival, path, resolved)


def _local_file(resolved: ResolvedModel) -> Path | None:
    """Where the file is on this machine already, if it is."""
    path = Path(resolved.location)
    return path if path.is_absolute() and path.is_file() else None


def _check_local(resolved: ResolvedModel, engines: tuple[EngineFactory, ...]) -> None:
    """Refuse a local file that is no model before it is copied."""
    path = _local_file(resolved)
    if path:
        description_of(path, engines, called=resolved.reference)


def _linked(resolved: ResolvedModel) -> Arrival:
    path = _local_file(resolved)
    if path is None:
        raise InvalidRequest(
            f"'{resolved.reference}' is not a file on this machine, and only such can be linked; "
            "pull it without --link.",
            parameter="link",
        )
    return checked_arrival(path, resolved, linked=True)


def _same_file(held: InstalledModel, resolved: ResolvedModel) -> bool:
    """Whether a model came from this very file, as far as can be told without fetching it."""
    if resolved.sha256:
        return held.sha256 == resolved.sha256
    local = _local_file(resolved)
    if local:
        with disk_errors(local):
            return local.stat().st_size == held.description.bytes and file_sha256(local) == held.sha256
    return held.reference == resolved.reference


def _is_whole(model: InstalledModel) -> bool:
    with disk_errors(model.path):
        return model.path.is_file() and file_sha256(model.path) == model.sha256


def _not_found(name: str, subject: str, installed: list[str]) -> str:
    if not installed:
        bring = "`jackfield models pull REFERENCE`" if subject.startswith("Adapter") else PULL_STARTER
        return f"{subject} is not installed, and no other is: bring one with {bring}."
    near = difflib.get_close_matches(name, installed, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return (
        f"{subject} is not installed.{hint} Installed: {', '.join(installed)}; "
        "`jackfield models pull REFERENCE` brings another."
    )


def _no_default(installed: list[str]) -> str:
    if not installed:
        return f"No model that writes text is installed: bring one with {PULL_STARTER}."
    return (
        f"Several models are installed ({', '.join(installed)}) and none is the default: name one, "
        "or choose with `jackfield models default NAME`."
    )
