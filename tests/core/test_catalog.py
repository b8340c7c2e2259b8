"""The catalogue of models: what a pull leaves behind when it ends well, badly, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.contracts.engine import EngineFactory
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.registration import Provided
from jackfield.contracts.sources import ModelSource, Progress, ResolvedModel
from jackfield.errors import (
    ChecksumMismatch,
    DiskFull,
    InvalidRequest,
    ModelFileInvalid,
    ModelNotFound,
    NameTaken,
    NothingRegistered,
    PluginError,
    ReferenceNotFound,
    StateUnavailable,
)
from jackfield.models.catalog import ModelCatalog
from jackfield.models.naming import checked_name, folder_name
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.registry import Shelf
from jackfield.testing.file_server import FileServer, Pause, ServedFile
from jackfield.testing.memory_store import InMemoryModels
from jackfield.testing.temporary_workbench import ScriptedFactory

CONTENT = b"GGUF" + random.Random(2).randbytes(400_000)
OTHER = b"GGUF" + random.Random(4).randbytes(400_000)
SOURCES = PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load().registry.model_sources


class MagicFactory(ScriptedFactory):
    """An engine that knows a model file by its first four bytes."""

    def inspect(self, path: Path) -> ModelDescription:
        """Raises ModelFileInvalid."""
        if path.read_bytes()[:4] != b"GGUF":
            raise ModelFileInvalid(f"{path} is not a GGUF file.")
        return super().inspect(path)


class UnwritableModels(InMemoryModels):
    """Records that cannot be added to for now."""

    writable = False

    async def put(self, model: InstalledModel) -> None:
        """Raises StateUnavailable."""
        if not self.writable:
            raise StateUnavailable("The database is read-only.")
        await super().put(model)


class OddSource:
    """A third party's source that does as it is told in its reference."""

    name = "odd"
    examples: tuple[str, ...] = ("odd:KIND",)

    def claims(self, reference: str) -> bool:
        """By its prefix."""
        return reference.startswith("odd:")

    def resolve(self, reference: str) -> ResolvedModel:
        """Promises CONTENT."""
        if reference == "odd:breaks":
            raise ZeroDivisionError("division by zero")
        return ResolvedModel(
            reference=reference,
            name="odd",
            filename="odd.gguf",
            location="nowhere",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
        )

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Gives something else, or from somewhere else."""
        path = (folder.parent if resolved.reference == "odd:escapes" else folder) / resolved.filename
        path.write_bytes(OTHER if resolved.reference == "odd:lies" else CONTENT)
        return path


def shelf(kind: str, **things: Callable[[], object]) -> Shelf[object]:
    filled: Shelf[object] = Shelf(kind)
    for name, build in things.items():
        filled.add(Provided(name, build), owner=f"{name}-plugin")
    return filled


@pytest.fixture
def engines() -> Shelf[EngineFactory]:
    return shelf("engine", magic=MagicFactory)  # type: ignore[return-value]


@pytest.fixture
def records() -> InMemoryModels:
    return InMemoryModels()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models"


@pytest.fixture
def catalog(records: InMemoryModels, engines: Shelf[EngineFactory], folder: Path) -> ModelCatalog:
    return ModelCatalog(records, SOURCES, engines, folder, None)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "Original.Q4_0.gguf"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        server.files["/m.gguf"] = ServedFile.of(CONTENT)
        yield server


def kept(folder: Path) -> list[str]:
    """All files in the models' folder but locks, which are empty."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail("it never came to that")


async def test_a_pulled_model_is_in_its_place_and_on_record(
    catalog: ModelCatalog, folder: Path, original: Path
) -> None:
    model = await catalog.pull(str(original))
    assert (model.name, model.reference, model.linked) == ("Original.Q4_0", str(original), False)
    assert model.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert model.description.bytes == len(CONTENT)
    assert model.path.read_bytes() == CONTENT
    assert kept(folder) == [str(model.path.relative_to(folder))]
    assert await catalog.get("Original.Q4_0") == model
    assert await catalog.all() == (model,)


async def test_progress_is_heard_while_it_comes(catalog: ModelCatalog, original: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    await catalog.pull(str(original), progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (len(CONTENT), len(CONTENT))


async def test_pulling_again_fetches_nothing_and_says_so(catalog: ModelCatalog, server: FileServer) -> None:
    said: list[str] = []
    first = await catalog.pull(f"{server.url}/m.gguf", notice=said.append)
    assert said == []
    assert await catalog.pull(f"{server.url}/m.gguf", notice=said.append) == first
    assert said == ["'m' is here already, whole and verified."]
    assert len(server.asked) == 1


async def test_one_file_can_have_two_names(catalog: ModelCatalog, original: Path) -> None:
    first = await catalog.pull(str(original), name="a/b:c")
    second = await catalog.pull(str(original), name="a-b-c")
    assert first.path != second.path
    assert [model.name for model in await catalog.all()] == ["a-b-c", "a/b:c"]


async def test_a_name_that_another_file_has_is_refused(
    catalog: ModelCatalog, folder: Path, original: Path, server: FileServer
) -> None:
    first = await catalog.pull(str(original), name="mine")
    with pytest.raises(NameTaken, match=r"--name, or remove that one with `jackfield models rm mine`"):
        await catalog.pull(f"{server.url}/m.gguf", name="mine")
    original.write_bytes(OTHER)
    with pytest.raises(NameTaken):
        await catalog.pull(str(original), name="mine")
    assert server.asked == []
    assert await catalog.get("mine") == first
    assert kept(folder) == [str(first.path.relative_to(folder))]


@pytest.mark.parametrize("name", ["", "default", "-x", "x.", "a b", "ü", "x" * 121, "../x", "a\nb"])
async def test_a_name_that_cannot_be_is_refused(catalog: ModelCatalog, folder: Path, original: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await catalog.pull(str(original), name=name)
    assert await catalog.all() == ()


async def test_an_unknown_reference_is_refused_with_examples_of_every_form(catalog: ModelCatalog) -> None:
    with pytest.raises(ReferenceNotFound) as refusal:
        await catalog.pull("startr")
    assert "Did you mean 'starter'?" in refusal.value.message
    for _, source in SOURCES.items():
        assert all(example in refusal.value.message for example in source.examples)


async def test_a_file_that_is_no_model_is_not_kept(catalog: ModelCatalog, folder: Path, server: FileServer) -> None:
    server.files["/fake.gguf"] = ServedFile.of(b"anything")
    with pytest.raises(ModelFileInvalid, match=rf"^{server.url}/fake\.gguf is not a GGUF file"):
        await catalog.pull(f"{server.url}/fake.gguf")
    assert kept(folder) == []
    assert await catalog.all() == ()


async def test_nothing_is_fetched_that_no_engine_could_open(
    records: InMemoryModels, folder: Path, server: FileServer
) -> None:
    none: Shelf[EngineFactory] = Shelf("engine")
    with pytest.raises(NothingRegistered):
        await ModelCatalog(records, SOURCES, none, folder, None).pull(f"{server.url}/m.gguf")
    assert server.asked == []


async def test_an_engine_that_breaks_hides_no_other(records: InMemoryModels, folder: Path, original: Path) -> None:
    class Breaks(MagicFactory):
        name = "breaks"

        def inspect(self, path: Path) -> ModelDescription:
            raise KeyError("general.architecture")

    broken: Shelf[EngineFactory] = shelf("engine", breaks=Breaks)  # type: ignore[assignment]
    with pytest.raises(PluginError, match="Engine 'breaks' failed to read Original"):
        await ModelCatalog(records, SOURCES, broken, folder, None).pull(str(original))
    both: Shelf[EngineFactory] = shelf("engine", breaks=Breaks, magic=MagicFactory)  # type: ignore[assignment]
    assert (await ModelCatalog(records, SOURCES, both, folder, None).pull(str(original))).path.exists()


@pytest.mark.parametrize(
    ("reference", "error", "words"),
    [
        ("odd:lies", ChecksumMismatch, "nothing was kept"),
        ("odd:escapes", PluginError, "no finished file"),
        ("odd:breaks", PluginError, "'odd' of plugin 'odd-plugin' failed: ZeroDivisionError"),
    ],
)
async def test_a_source_is_not_taken_at_its_word(
    records: InMemoryModels,
    engines: Shelf[EngineFactory],
    folder: Path,
    reference: str,
    error: type[Exception],
    words: str,
) -> None:
    sources: Shelf[ModelSource] = shelf("model source", odd=OddSource)  # type: ignore[assignment]
    catalog = ModelCatalog(records, sources, engines, folder, None)
    with pytest.raises(error, match=words):
        await catalog.pull(reference)
    assert await catalog.all() == ()
    assert not (folder / "odd").exists()


def lacks_a_package() -> ModelSource:
    raise ImportError("no module named 'lacking'")


class ClaimsNothing(OddSource):
    """It breaks at the first question it is asked."""

    def claims(self, reference: str) -> bool:
        raise KeyError(reference)


@pytest.mark.parametrize("broken", [lambda: 1 // 0, lacks_a_package, ClaimsNothing])
async def test_a_source_that_is_broken_hides_no_other(
    records: InMemoryModels, engines: Shelf[EngineFactory], folder: Path, broken: Callable[[], ModelSource]
) -> None:
    sources: Shelf[ModelSource] = shelf("model source", broken=broken, odd=OddSource)  # type: ignore[assignment]
    catalog = ModelCatalog(records, sources, engines, folder, None)
    assert (await catalog.pull("odd:well")).name == "odd"
    with pytest.raises(ReferenceNotFound, match="broken-plugin"):
        await catalog.pull("even")


async def test_where_recording_fails_nothing_is_in_place_and_nothing_is_fetched_twice(
    engines: Shelf[EngineFactory], folder: Path, server: FileServer
) -> None:
    records = UnwritableModels()
    catalog = ModelCatalog(records, SOURCES, engines, folder, None)
    with pytest.raises(StateUnavailable):
        await catalog.pull(f"{server.url}/m.gguf")
    assert not (folder / "m").exists() or not kept(folder / "m")
    records.writable = True
    assert (await catalog.pull(f"{server.url}/m.gguf")).path.read_bytes() == CONTENT
    assert len(server.asked) == 1


async def test_a_file_larger_than_the_disk_leaves_nothing(
    catalog: ModelCatalog, folder: Path, server: FileServer
) -> None:
    server.files["/m.gguf"].length = 10**18
    with pytest.raises(DiskFull):
        await catalog.pull(f"{server.url}/m.gguf")
    assert await catalog.all() == ()
    assert all(name.endswith(".partial") for name in kept(folder))


async def test_a_folder_that_cannot_be_written_is_one_sentence(
    records: InMemoryModels, engines: Shelf[EngineFactory], tmp_path: Path, original: Path
) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    catalog = ModelCatalog(records, SOURCES, engines, tmp_path / "models", None)
    with pytest.raises(StateUnavailable, match="cannot be used"):
        await catalog.pull(str(original))


async def test_two_pulls_at_once_are_one_download(catalog: ModelCatalog, server: FileServer) -> None:
    server.files["/m.gguf"].pause = pause = Pause(after=100_000)
    said: list[str] = []

    async def let_on() -> None:
        await until(lambda: bool(said))
        pause.let_on.set()

    first, second, _ = await asyncio.gather(
        catalog.pull(f"{server.url}/m.gguf", notice=said.append),
        catalog.pull(f"{server.url}/m.gguf", notice=said.append),
        let_on(),
    )
    assert first == second
    assert len(server.asked) == 1
    assert said[0].startswith("Another process is pulling")


async def test_a_name_goes_to_whoever_finishes_first(catalog: ModelCatalog, server: FileServer) -> None:
    server.files["/other.gguf"] = ServedFile.of(OTHER)
    server.files["/other.gguf"].pause = pause = Pause(after=100_000)
    slow = asyncio.create_task(catalog.pull(f"{server.url}/other.gguf", name="mine"))
    await until(pause.reached.is_set)
    quick = await catalog.pull(f"{server.url}/m.gguf", name="mine")
    pause.let_on.set()
    with pytest.raises(NameTaken):
        await slow
    assert await catalog.get("mine") == quick
    assert quick.path.read_bytes() == CONTENT
    assert (await catalog.pull(f"{server.url}/other.gguf", name="theirs")).path.read_bytes() == OTHER
    assert [asked.path for asked in server.asked] == ["/other.gguf", "/m.gguf"]


async def test_a_cancelled_pull_leaves_only_what_the_next_goes_on_from(
    catalog: ModelCatalog, folder: Path, server: FileServer
) -> None:
    server.files["/m.gguf"].pause = pause = Pause(after=200_000)
    pulling = asyncio.create_task(catalog.pull(f"{server.url}/m.gguf"))
    await until(lambda: any((folder / name).stat().st_size >= 200_000 for name in kept(folder)))
    pulling.cancel()
    await asyncio.sleep(0)  # lets the pull hear of it before more comes
    pause.let_on.set()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert all(name.startswith(".incoming") and name.endswith(".partial") for name in kept(folder))
    assert await catalog.all() == ()
    assert (await catalog.pull(f"{server.url}/m.gguf")).path.read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert int((server.ranges[1] or "").removeprefix("bytes=").rstrip("-")) >= 200_000


async def test_a_linked_file_stays_where_it_is(catalog: ModelCatalog, folder: Path, original: Path) -> None:
    model = await catalog.pull(str(original), name="mine", link=True)
    assert (model.path, model.linked) == (original, True)
    assert kept(folder) == []
    await catalog.remove("mine")
    assert original.read_bytes() == CONTENT


async def test_only_local_files_can_be_linked(catalog: ModelCatalog, server: FileServer) -> None:
    with pytest.raises(InvalidRequest, match="without --link"):
        await catalog.pull(f"{server.url}/m.gguf", link=True)
    assert server.asked == []


async def test_a_linked_file_that_is_no_model_is_left_alone(catalog: ModelCatalog, tmp_path: Path) -> None:
    (tmp_path / "fake.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelFileInvalid):
        await catalog.pull(str(tmp_path / "fake.gguf"), link=True)
    assert (tmp_path / "fake.gguf").exists()


async def test_a_removed_model_is_gone_with_its_folder(catalog: ModelCatalog, folder: Path, original: Path) -> None:
    model = await catalog.pull(str(original), name="mine")
    assert await catalog.remove("mine") == model
    assert kept(folder) == []
    assert not model.path.parent.exists()
    with pytest.raises(ModelNotFound):
        await catalog.remove("mine")


async def test_the_default_is_never_removed_by_that_word(catalog: ModelCatalog, original: Path) -> None:
    await catalog.pull(str(original))
    with pytest.raises(ModelNotFound):
        await catalog.remove("default")


@pytest.mark.parametrize("name", [None, "", "default"])
async def test_the_only_model_is_the_default(catalog: ModelCatalog, original: Path, name: str | None) -> None:
    model = await catalog.pull(str(original))
    assert await catalog.get(name) == model


async def test_models_that_write_nothing_are_not_the_default(
    catalog: ModelCatalog, records: InMemoryModels, original: Path
) -> None:
    model = await catalog.pull(str(original), name="chat")
    embedder = replace(model, name="embed", description=replace(model.description, generates=False))
    await records.put(embedder)
    assert await catalog.get() == model
    await catalog.remove("chat")
    with pytest.raises(ModelNotFound, match="No model that writes text is installed"):
        await catalog.get()


async def test_the_default_is_the_one_that_settings_name(
    records: InMemoryModels, engines: Shelf[EngineFactory], folder: Path, original: Path
) -> None:
    catalog = ModelCatalog(records, SOURCES, engines, folder, "b")
    with pytest.raises(ModelNotFound, match="The default model 'b' is not installed"):
        await catalog.get()
    with pytest.raises(ModelNotFound, match=r"^Model 'b' is not installed"):
        await catalog.get("b")
    await catalog.pull(str(original), name="a")
    chosen = await catalog.pull(str(original), name="b")
    assert await catalog.get() == chosen


async def test_without_a_default_one_must_be_named(catalog: ModelCatalog, original: Path) -> None:
    with pytest.raises(ModelNotFound, match="`jackfield models pull starter`"):
        await catalog.get()
    await catalog.pull(str(original), name="alpha")
    await catalog.pull(str(original), name="beta")
    with pytest.raises(ModelNotFound, match=r"\(alpha, beta\).*`jackfield models default NAME`"):
        await catalog.get()
    with pytest.raises(ModelNotFound, match=r"Did you mean 'alpha'\? Installed: alpha, beta"):
        await catalog.get("alfa")


async def test_a_local_file_that_is_no_model_is_refused_by_its_own_path(
    catalog: ModelCatalog, folder: Path, tmp_path: Path
) -> None:
    heard: list[int] = []
    (tmp_path / "fake.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelFileInvalid, match=str(tmp_path / "fake.gguf")):
        await catalog.pull(str(tmp_path / "fake.gguf"), progress=lambda done, total: heard.append(done))
    assert heard == []


@pytest.mark.parametrize("harm", ["deleted", "cut"])
async def test_a_file_harmed_since_is_noticed_and_mended_by_pulling_again(
    catalog: ModelCatalog, original: Path, harm: str
) -> None:
    model = await catalog.pull(str(original), name="mine")
    if harm == "deleted":
        model.path.unlink()
    else:
        model.path.write_bytes(CONTENT[:1000])
    with pytest.raises(ModelFileInvalid, match=r"bring it again with `jackfield models pull .* --name mine`"):
        await catalog.get("mine")
    mended = await catalog.pull(str(original), name="mine")
    assert (await catalog.get("mine")).path.read_bytes() == CONTENT
    assert mended.pulled_at > model.pulled_at


async def test_a_flipped_bit_is_mended_by_pulling_again(catalog: ModelCatalog, original: Path) -> None:
    model = await catalog.pull(str(original), name="mine")
    model.path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    await catalog.pull(str(original), name="mine")
    assert model.path.read_bytes() == CONTENT


PULL = """
    import asyncio, sys
    from pathlib import Path
    from jackfield.errors import JackfieldError
    from jackfield.contracts.registration import Provided
    from jackfield.hookspecs import hookimpl
    from jackfield.plugin_host import LoadPolicy, PluginHost
    from jackfield.settings import load_settings
    from jackfield.testing.temporary_workbench import ScriptedFactory
    from jackfield.wiring import open_catalog

    class Engines:
        @hookimpl
        def jackfield_engines(self):
            return [Provided("scripted", ScriptedFactory)]

    async def pull(home, reference):
        needed = frozenset({"platform", "storage", "migrations", "model-sources"})
        host = PluginHost(LoadPolicy(only=needed)).load()
        host.register(Engines(), "engines")
        async with open_catalog(load_settings(home=Path(home)), host) as catalog:
            model = await catalog.pull(reference, name="mine")
            assert (await catalog.get("mine")) == model
            print(model.sha256)

    asyncio.run(pull(*sys.argv[1:]))
"""


def puller(home: Path, reference: str) -> subprocess.Popen[str]:
    """A process that pulls with a database on disk."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PULL), str(home), reference],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended_well(process: subprocess.Popen[str]) -> bool:
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert out.split()[-1] == hashlib.sha256(CONTENT).hexdigest(), err
    return True


@pytest.mark.slow
def test_a_killed_pull_is_taken_up_by_the_next(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].pause = pause = Pause(after=200_000)
    killed = puller(tmp_path, f"{server.url}/m.gguf")
    for _ in range(900):
        if any(path.stat().st_size >= 200_000 for path in tmp_path.rglob("m.gguf.partial")):
            break
        time.sleep(0.1)
    killed.kill()
    killed.communicate(timeout=30)
    pause.let_on.set()
    assert not list(tmp_path.rglob("m.gguf"))
    assert ended_well(puller(tmp_path, f"{server.url}/m.gguf"))
    assert server.ranges == [None, "bytes=200000-"]
    [file] = tmp_path.rglob("m.gguf")
    assert file.read_bytes() == CONTENT


@pytest.mark.slow
def test_two_processes_that_pull_at_once_both_get_the_model(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"].pause = pause = Pause(after=200_000)
    first, second = (puller(tmp_path, f"{server.url}/m.gguf") for _ in range(2))
    assert pause.reached.wait(timeout=90)
    pause.let_on.set()
    assert ended_well(first)
    assert ended_well(second)
    assert len(server.asked) == 1


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,8}", fullmatch=True), st.text(max_size=6))
def test_names_that_differ_have_folders_that_differ_on_any_file_system(name: str, addition: str) -> None:
    try:
        names = {checked_name(name), checked_name(name + addition), checked_name(name.swapcase())}
    except InvalidRequest:
        return
    folders = {folder_name(each) for each in names}
    assert len({folder.lower() for folder in folders}) == len(names)
    assert all(Path(folder).name == folder for folder in folders)
