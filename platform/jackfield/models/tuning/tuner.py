"""Tunes an installed model: measures its formats on this machine, and keeps the one that is chosen under a name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, cast

import msgspec

from jackfield.cancellation import carried_through
from jackfield.contracts.engine import EngineFactory, EngineSettings
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.quantizers import Quantizer, WeightFormat
from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import InvalidRequest, ModelFileInvalid
from jackfield.models.adapters import require_model
from jackfield.models.catalog import ModelCatalog
from jackfield.models.in_place import check_in_place
from jackfield.models.incoming import discard
from jackfield.models.installing import usable_engines
from jackfield.models.naming import checked_name
from jackfield.models.stoppable import stoppable
from jackfield.models.tuned_references import tuned_origin, tuned_reference
from jackfield.models.tuning.measuring import Bench, Measurements, QuantizingFactory, Report
from jackfield.models.tuning.trade_off import Choice
from jackfield.registry import Shelf


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What a tuning found of a model, and what was kept of it."""

    model: str
    measurements: Measurements
    kept: InstalledModel | None = None


class ModelTuner:
    """Measures and keeps, for one catalogue. Usable from one event loop."""

    def __init__(self, catalog: ModelCatalog, engines: Shelf[EngineFactory], settings: EngineSettings) -> None:
        self._catalog = catalog
        self._engines = engines
        self._settings = settings

    async def formats(self, model: InstalledModel) -> tuple[WeightFormat, ...]:
        """What a model can be written as here; raises InvalidRequest where that is nothing."""
        _, formats = await asyncio.to_thread(self._quantizer, model)
        return formats

    async def tune(
        self,
        model: InstalledModel,
        *,
        choice: Choice,
        keep_as: str | None,
        report: Report,
        only: Sequence[str] = (),
        text: str | None = None,
    ) -> Tuning:
        """Measure a model's formats, or `only` some, over our text or another, and keep the chosen one.

        Nothing is kept without a name. Cancelled or failed, it leaves nothing behind; killed, only what the next
        tuning of the model clears away. `report` is called from another thread.
        """
        factory, known = await asyncio.to_thread(self._quantizer, model)
        formats = _selected(known, only, model)
        if keep_as is not None:
            await self._catalog.check_free(checked_name(keep_as), made_from=model)
        async with self._catalog.workspace(f"tune {model.name}") as folder:
            await asyncio.to_thread(discard, folder)
            try:
                found = await _measured(_Work(factory, model, self._settings, folder), formats, text, choice, report)
                kept = await self._kept(model, found, keep_as) if keep_as else None
            finally:
                await carried_through(asyncio.to_thread(discard, folder))
        return Tuning(model=model.name, measurements=found, kept=kept)

    def _quantizer(self, model: InstalledModel) -> tuple[QuantizingFactory, tuple[WeightFormat, ...]]:
        """The first engine that can write the model in any other format, and its formats for it. Blocking."""
        if origin := tuned_origin(model.reference):
            raise InvalidRequest(
                f"'{model.name}' was made from '{origin[0]}' by tuning; tune that one, whose weights are closer to "
                "the model's own.",
                parameter="model",
            )
        require_model(model)
        if not model.description.generates:
            raise InvalidRequest(f"Model '{model.name}' embeds texts; only models that write are tuned.")
        check_in_place(model)
        for factory in usable_engines(self._engines):
            if isinstance(factory, Quantizer) and (formats := _formats(factory, model)):
                return cast("QuantizingFactory", factory), formats
        raise InvalidRequest(f"No engine here can write '{model.name}' in another format.", parameter="model")

    async def _kept(self, model: InstalledModel, found: Measurements, name: str) -> InstalledModel | None:
        """The chosen format's file as an installed model that says what it was made from."""
        if found.chosen is None or found.file is None:
            return None
        resolved = ResolvedModel(
            reference=tuned_reference(model.name, found.chosen.name),
            name=name,
            filename=found.file.name,
            location=str(found.file),
            licence=model.description.licence,
            sampling=model.sampling,
        )
        return await self._catalog.take_in(name, found.file, resolved, made_from=model)


class _Work(NamedTuple):
    """One model on its engine, and where files may come and go."""

    factory: QuantizingFactory
    model: InstalledModel
    settings: EngineSettings
    folder: Path


async def _measured(
    work: _Work, formats: Sequence[WeightFormat], text: str | None, choice: Choice, report: Report
) -> Measurements:
    """What a bench measures in a thread, which a cancel ends at its next report."""
    doing = ""

    def heard(done: int, total: int | None) -> None:
        report(doing, done, total)

    def measure(tick: Progress) -> Measurements:
        def told(what: str, done: int, total: int | None) -> None:
            nonlocal doing
            doing = what
            tick(done, total)

        return Bench(*work, told).measurements(formats, text or our_text(), choice)

    return await stoppable(measure, heard)


def our_text() -> str:
    """What predictions are compared over: some two thousand tokens of prose, dialogue, code, tables and lists."""
    return files(__package__).joinpath("sample_text.txt").read_text(encoding="utf-8")


def _formats(factory: Quantizer, model: InstalledModel) -> tuple[WeightFormat, ...]:
    """None for a file that is not the factory's kind."""
    try:
        return factory.formats(model)
    except ModelFileInvalid:
        return ()


def _selected(known: Sequence[WeightFormat], only: Sequence[str], model: InstalledModel) -> tuple[WeightFormat, ...]:
    """The formats of these names, all where there is none, in the order of `known`."""
    by_name = {each.name.lower(): each for each in known}
    unknown = [name for name in only if name.lower() not in by_name]
    if unknown:
        raise InvalidRequest(
            f"'{model.name}' cannot be written as '{unknown[0]}' here; "
            f"what it can be: {', '.join(each.name for each in known)}.",
            parameter="format",
        )
    wanted = {name.lower() for name in only}
    return tuple(each for name, each in by_name.items() if not wanted or name in wanted)
