"""Tuning a model: what is measured, what is kept, and what is left behind when it does not come to its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from jackfield.errors import DiskFull, InvalidRequest, ModelFileInvalid, ModelNotFound, ModelTooLarge, NameTaken
from jackfield.models.catalog import ModelCatalog
from jackfield.models.in_place import mending_commands
from jackfield.models.tuned_references import tuned_origin, tuned_reference
from jackfield.models.tuning.trade_off import Measured, named, nothing
from jackfield.models.tuning.tuner import ModelTuner, Tuning, our_text
from jackfield.testing.scripted_quantizer import ScriptedQuantizer

TEXT = "All that is said here is said to be predicted, one byte after the other, and that is enough of it."


def unheard(what: str, done: int, total: int | None) -> None:
    """A report that nobody reads."""


async def tuned(tuner: ModelTuner, catalog: ModelCatalog, keep: str = "exact", name: str = "fast") -> Tuning:
    """The one model tuned, a format of it kept."""
    model = await catalog.get("pulled")
    return await tuner.tune(model, choice=named(keep), keep_as=name, report=unheard, text=TEXT)


def left_in(folder: Path) -> list[str]:
    """Every file but the locks', which stay."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


async def test_the_chosen_format_is_kept_under_its_name(tuner: ModelTuner, catalog: ModelCatalog, folder: Path) -> None:
    tuning = await tuned(tuner, catalog)
    kept = await catalog.get("fast")
    assert tuning.kept == kept
    assert kept.path.read_bytes() == b"GGUF exact"
    assert kept.reference == tuned_reference("pulled", "exact")
    assert (kept.sampling, kept.description.licence) == ({"temperature": 0.2}, "MIT")
    assert left_in(folder) == ["model-exact.gguf", "model.gguf"]


async def test_every_format_is_measured_against_the_file_as_pulled(tuner: ModelTuner, catalog: ModelCatalog) -> None:
    found = (await tuned(tuner, catalog)).measurements
    by_name = {each.name: each for each in found.formats}
    assert list(by_name) == ["exact", "rough"]
    assert by_name["exact"].divergence.mean < 1e-4
    assert by_name["rough"].divergence.flips > 0.5
    assert by_name["rough"].divergence.tokens == len(TEXT)
    assert all(each.speed.prefill > 0 and each.speed.decode > 0 for each in (found.as_pulled, *found.formats))


async def test_a_format_that_does_not_fit_memory_is_left_out_with_the_reason(
    tuner: ModelTuner, catalog: ModelCatalog
) -> None:
    found = (await tuned(tuner, catalog)).measurements
    assert [(each.name, each.reason) for each in found.left_out] == [("huge", "It needs more memory than there is.")]


async def test_a_model_beside_which_no_format_fits_is_told_so(
    tuner: ModelTuner, catalog: ModelCatalog, folder: Path
) -> None:
    model = await catalog.get("pulled")
    with pytest.raises(ModelTooLarge, match="beside the file as pulled: It needs more memory"):
        await tuner.tune(model, choice=nothing, keep_as=None, report=unheard, text=TEXT, only=["huge"])
    assert left_in(folder) == ["model.gguf"]


async def test_measuring_alone_keeps_nothing(tuner: ModelTuner, catalog: ModelCatalog, folder: Path) -> None:
    model = await catalog.get("pulled")
    tuning = await tuner.tune(model, choice=nothing, keep_as="fast", report=unheard, text=TEXT)
    assert tuning.kept is None
    await tuner.tune(model, choice=named("exact"), keep_as=None, report=unheard, text=TEXT)
    assert left_in(folder) == ["model.gguf"]
    assert len(await catalog.all()) == 1


async def test_only_what_was_asked_for_is_written(
    tuner: ModelTuner, catalog: ModelCatalog, quantizer: ScriptedQuantizer
) -> None:
    model = await catalog.get("pulled")
    await tuner.tune(model, choice=nothing, keep_as=None, report=unheard, text=TEXT, only=["ROUGH"])
    assert quantizer.written == ["rough"]


async def test_an_unknown_format_is_named_with_those_there_are(tuner: ModelTuner, catalog: ModelCatalog) -> None:
    model = await catalog.get("pulled")
    with pytest.raises(InvalidRequest, match=r"'Q9'.*exact, rough, huge"):
        await tuner.tune(model, choice=nothing, keep_as=None, report=unheard, only=["Q9"])


async def test_tuning_again_replaces_what_was_kept(tuner: ModelTuner, catalog: ModelCatalog, folder: Path) -> None:
    await tuned(tuner, catalog, "exact")
    await tuned(tuner, catalog, "rough")
    assert (await catalog.get("fast")).path.read_bytes() == b"GGUF rough"
    assert left_in(folder) == ["model-rough.gguf", "model.gguf"]


async def test_a_name_that_another_model_has_is_refused_before_anything_is_measured(
    tuner: ModelTuner, catalog: ModelCatalog, quantizer: ScriptedQuantizer
) -> None:
    with pytest.raises(NameTaken, match="'pulled' is taken"):
        await tuned(tuner, catalog, name="pulled")
    assert quantizer.written == []


async def test_a_choice_that_falls_back_to_an_earlier_format_has_that_written_again(
    tuner: ModelTuner, catalog: ModelCatalog, quantizer: ScriptedQuantizer
) -> None:
    def wavering(formats: Sequence[Measured]) -> Measured | None:
        return formats[0] if len(formats) == 2 else None

    model = await catalog.get("pulled")
    tuning = await tuner.tune(model, choice=wavering, keep_as="fast", report=unheard, text=TEXT)
    assert tuning.kept is not None
    assert tuning.kept.path.read_bytes() == b"GGUF exact"
    assert quantizer.written == ["exact", "rough", "huge", "exact"]


async def test_what_was_kept_is_removed_like_any_model(tuner: ModelTuner, catalog: ModelCatalog, folder: Path) -> None:
    await tuned(tuner, catalog)
    await catalog.remove("fast")
    assert left_in(folder) == ["model.gguf"]


async def test_a_tuned_model_says_how_to_make_its_file_again(tuner: ModelTuner, catalog: ModelCatalog) -> None:
    kept = (await tuned(tuner, catalog)).kept
    assert kept is not None
    assert mending_commands(kept) == ("jackfield models tune pulled --keep exact --alias fast",)
    with pytest.raises(InvalidRequest, match="made from 'pulled' by tuning"):
        await tuner.formats(kept)


async def test_a_full_disk_is_refused_before_anything_is_written(
    tuner: ModelTuner, catalog: ModelCatalog, quantizer: ScriptedQuantizer, folder: Path
) -> None:
    quantizer.needed = 1 << 60
    with pytest.raises(DiskFull):
        await tuned(tuner, catalog)
    assert (quantizer.written, left_in(folder)) == ([], ["model.gguf"])


@pytest.mark.parametrize("stage", ["exact: writing", "exact: timing", "rough: predicting"])
async def test_a_cancelled_tuning_leaves_nothing(
    tuner: ModelTuner, catalog: ModelCatalog, quantizer: ScriptedQuantizer, folder: Path, stage: str
) -> None:
    reached = threading.Event()

    def report(what: str, done: int, total: int | None) -> None:
        if what.startswith(stage):
            reached.set()

    model = await catalog.get("pulled")
    tuning = asyncio.create_task(tuner.tune(model, choice=named("exact"), keep_as="fast", report=report, text=TEXT * 4))
    while not reached.is_set():
        await asyncio.sleep(0.001)
    tuning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await tuning
    assert left_in(folder) == ["model.gguf"]
    assert all(engine.closed for engine in quantizer.opened)


async def test_a_model_whose_file_goes_meanwhile_ends_its_tuning(
    tuner: ModelTuner, catalog: ModelCatalog, quantizer: ScriptedQuantizer, folder: Path
) -> None:
    model = await catalog.get("pulled")

    def report(what: str, done: int, total: int | None) -> None:
        if what.startswith("exact: timing"):
            model.path.unlink(missing_ok=True)

    with pytest.raises(ModelFileInvalid, match="cannot be read"):
        await tuner.tune(model, choice=named("exact"), keep_as="fast", report=report, text=TEXT)
    assert left_in(folder) == []


async def test_nothing_is_kept_of_a_model_that_was_removed_or_replaced(
    tuner: ModelTuner, catalog: ModelCatalog, folder: Path
) -> None:
    model = await catalog.get("pulled")
    other = replace(model, sha256="0" * 64)
    with pytest.raises(ModelNotFound, match="was replaced meanwhile"):
        await tuner.tune(other, choice=named("exact"), keep_as="fast", report=unheard, text=TEXT)
    assert left_in(folder) == ["model.gguf"]


@pytest.mark.parametrize(("text", "count"), [("short", "5"), ("long " * 4000, "20000")])
async def test_a_text_of_the_wrong_length_is_refused_with_its_length(
    tuner: ModelTuner, catalog: ModelCatalog, text: str, count: str
) -> None:
    model = await catalog.get("pulled")
    with pytest.raises(InvalidRequest, match=f"{count} tokens"):
        await tuner.tune(model, choice=nothing, keep_as=None, report=unheard, text=text)


async def test_a_model_that_embeds_is_refused(tuner: ModelTuner, catalog: ModelCatalog) -> None:
    model = await catalog.get("pulled")
    embeds = replace(model, description=replace(model.description, generates=False))
    with pytest.raises(InvalidRequest, match="embeds texts"):
        await tuner.formats(embeds)


@pytest.mark.parametrize(
    ("reference", "origin"),
    [
        ("tuned:qwen:0.5b/chat#Q4_0", ("qwen:0.5b/chat", "Q4_0")),
        ("tuned:no-mark", None),
        ("hf:user/repo#Q4_0", None),
        ("starter", None),
    ],
)
def test_a_reference_tells_what_a_model_was_made_from(reference: str, origin: tuple[str, str] | None) -> None:
    assert tuned_origin(reference) == origin


def test_our_text_is_long_enough_for_figures_and_short_enough_to_wait_for() -> None:
    assert 1500 < len(our_text()) / 4 < 3000
