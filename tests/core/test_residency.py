"""Models in memory: who is opened, who gives way, and who is opened anew."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield import builtin
from jackfield.contracts.engine import EngineFactory, EngineLimits, EngineSettings, Fit
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunRequest
from jackfield.errors import ModelFileInvalid, ModelLoading, ModelTooLarge, Overloaded
from jackfield.events import Failed, Finished, RunEventBody, TextDelta
from jackfield.hookspecs import hookimpl
from jackfield.messages import Message
from jackfield.models.residents import Residents
from jackfield.plugin_host import PluginHost
from jackfield.runs.assembly import SHORT_TEXT
from jackfield.settings import load_settings
from jackfield.testing.contract_suites.records_made import a_model
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless, replying
from jackfield.testing.temporary_workbench import ScriptedFactory, TemporaryPlugin, temporary_workbench
from jackfield.wiring import open_workbench
from jackfield.workbench import Workbench


class OneAtATime(ScriptedFactory):
    """A machine with memory for one model."""

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        fits = all(engine.closed for engine in self.opened)
        return Fit(fits=fits, bytes_needed=1, bytes_available=int(fits), reason="It is full.")


class Heavy(ScriptedFactory):
    """A machine with room for everything, and models of sixty megabytes."""

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        return Fit(fits=True, bytes_needed=60 << 20, bytes_available=1 << 40)


class Elsewhere(ScriptedFactory):
    """An engine that knows no file, and says so when it is asked for anything."""

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        raise ModelFileInvalid("This is none of mine.")


class Early:
    """Engines that stand before the scripted one."""

    def __init__(self, build: Callable[[], EngineFactory]) -> None:
        self._build = build

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        return [Provided("early", self._build)]


class Nothing:
    """A worker that has nothing to do."""

    load = 0
    context_length = 1
    ended = False

    def close(self) -> None:
        """There is nothing to close."""


class HeldTokenizer(ScriptedEngine):
    """An engine that reads no prompt while it is held."""

    def __init__(self) -> None:
        super().__init__(
            replying("read"), limits=EngineLimits(context_length=2048, cells=4096, sequences=4, batch_tokens=512)
        )
        self.reading = threading.Event()
        self.released = threading.Event()
        self.released.set()

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        self.reading.set()
        assert self.released.wait(timeout=60)
        return super().tokenize(text, special=special)


class Defective(ScriptedEngine):
    """An engine that breaks the contract with an error that nobody expects."""

    def truncate(self, sequence: int, length: int) -> bool:
        raise RuntimeError("a defect")


@asynccontextmanager
async def opened(
    folder: Path, factory: EngineFactory, *names: str, early: Early | None = None, **settings: Any
) -> AsyncIterator[Workbench]:
    """A workbench with models of these names."""
    store = InMemoryStateStore()
    for name in names:
        (folder / name).write_bytes(b"")
        model = a_model(name)
        await store.models.put(replace(model, path=folder / name, description=replace(model.description, bytes=0)))
    host = PluginHost(entries=[])
    host.register(builtin, "platform")
    if early:
        host.register(early, "early")
    host.register(TemporaryPlugin(factory, store), "temporary")
    async with open_workbench(load_settings(home=folder, database_url="memory:", **settings), host) as workbench:
        yield workbench


async def told(workbench: Workbench, model: str = "", says: str = "hello") -> list[RunEventBody]:
    run = await workbench.start(RunRequest(model=model, messages=(Message.of("user", says),)))
    return [event.body async for event in workbench.watch(run.id)]


def text_of(bodies: list[RunEventBody]) -> str:
    return "".join(body.text for body in bodies if isinstance(body, TextDelta))


async def test_an_idle_model_gives_way(tmp_path: Path) -> None:
    async with opened(tmp_path, OneAtATime(), "a", "b") as workbench:
        assert text_of(await told(workbench, "a")) == "hello"
        assert text_of(await told(workbench, "b")) == "hello"
        assert [loaded.name for loaded in workbench.residency.loaded()] == ["b"]


async def test_models_give_way_within_the_memory_that_settings_give_them(tmp_path: Path) -> None:
    async with opened(tmp_path, Heavy(), "a", "b", jobs={"memory_mb": 100}) as workbench:
        assert text_of(await told(workbench, "a")) == "hello"
        assert text_of(await told(workbench, "b")) == "hello"
        assert [loaded.name for loaded in workbench.residency.loaded()] == ["b"]


async def test_a_model_larger_than_that_memory_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, Heavy(), "a", jobs={"memory_mb": 50}) as workbench:
        end = (await told(workbench, "a"))[-1]
    assert isinstance(end, Failed)
    assert end.code == ModelTooLarge.code
    assert "jobs.memory_mb" in end.message


async def test_a_draft_model_that_is_gone_takes_no_other_model_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path, OneAtATime(), "a", lookahead={"draft_model": "gone"}) as workbench:
        assert text_of(await told(workbench, "a")) == "hello"


async def test_a_model_whose_prompt_is_being_read_does_not_give_way(tmp_path: Path) -> None:
    engines: list[HeldTokenizer] = []

    def held() -> HeldTokenizer:
        engines.append(HeldTokenizer())
        return engines[-1]

    async with opened(tmp_path, OneAtATime(held), "a", "b") as workbench:
        await told(workbench, "a")
        engines[0].released.clear()
        engines[0].reading.clear()
        first = asyncio.create_task(told(workbench, "a", "x" * (SHORT_TEXT + 1)))
        assert await asyncio.to_thread(engines[0].reading.wait, 60)
        second = await told(workbench, "b")
        engines[0].released.set()
        assert isinstance((await first)[-1], Finished)
    assert isinstance(second[-1], Failed)
    assert second[-1].code == Overloaded.code
    assert "a; try again" in second[-1].message


async def test_a_name_that_was_given_to_another_file_is_another_model(tmp_path: Path) -> None:
    engines: list[ScriptedEngine] = []

    def make() -> ScriptedEngine:
        engines.append(ScriptedEngine(replying(f"engine {len(engines)}")))
        return engines[-1]

    async with temporary_workbench(tmp_path, make) as workbench:
        assert text_of(await told(workbench)) == "engine 0"
        other = replace(await workbench.models.get(), sha256="1" * 64)
        async with workbench.residency.decoder_held(other) as decoder:
            assert decoder.engine is engines[1]


async def test_a_model_whose_loop_ended_is_opened_anew(tmp_path: Path) -> None:
    engines: list[ScriptedEngine] = []

    def make() -> ScriptedEngine:
        slow = Timing(per_pass=0.005)
        engines.append(ScriptedEngine() if engines else Defective(endless, timing=slow))
        return engines[-1]

    async with temporary_workbench(tmp_path, make) as workbench:
        run = await workbench.start(RunRequest(model="", prompt="abc"))
        async with aclosing(workbench.watch(run.id)) as events:
            async for event in events:
                if isinstance(event.body, TextDelta):
                    await workbench.cancel(run.id)
        while not engines[0].closed:
            await asyncio.sleep(0.005)
        assert text_of(await told(workbench)) == "hello"


@pytest.mark.parametrize("early", [Early(Elsewhere), Early(lambda: 1 // 0)])  # type: ignore[arg-type, return-value]
async def test_an_engine_that_is_broken_or_knows_no_such_file_leaves_it_to_the_next(
    tmp_path: Path, early: Early
) -> None:
    async with opened(tmp_path, ScriptedFactory(), "a", early=early) as workbench:
        assert text_of(await told(workbench, "a")) == "hello"


async def test_a_server_is_ready_once_a_model_is_in_memory_though_preloading_gave_up(tmp_path: Path) -> None:
    def make() -> ScriptedEngine:
        time.sleep(0.1)
        return ScriptedEngine()

    async with temporary_workbench(tmp_path, make, models={"load_timeout": 0.02}) as workbench:
        workbench.residency.preload(await workbench.models.get())
        while not workbench.residency.loaded():
            with pytest.raises(ModelLoading):
                await workbench.check()
            await asyncio.sleep(0.005)
        await workbench.check()


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancel_in_the_moment_that_a_model_is_there_is_not_lost(turns: int) -> None:
    there: asyncio.Future[Nothing] = asyncio.get_running_loop().create_future()

    async def opening(model: InstalledModel) -> Nothing:
        return await there

    residents = Residents("generate", opening, load_timeout=60)

    async def asking() -> None:
        async with residents.held(a_model()):
            await asyncio.sleep(60)

    asked = asyncio.create_task(asking())
    await asyncio.sleep(0.01)
    there.set_result(Nothing())
    for _ in range(turns):
        await asyncio.sleep(0)
    asked.cancel()
    done, _ = await asyncio.wait([asked], timeout=1)
    assert done, "the cancel was lost"
    assert asked.cancelled()
    await residents.close()
