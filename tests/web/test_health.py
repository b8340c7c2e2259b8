"""GET /healthz and /readyz."""

from __future__ import annotations

import threading
from typing import Any

from jackfield.errors import StateUnavailable
from jackfield.testing.memory_store import InMemoryRuns, InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.workbench import Workbench


class UnreachableRuns(InMemoryRuns):
    """A table that cannot be written."""

    async def add(self, run: Any, reservation: Any = None) -> None:
        raise StateUnavailable("The database cannot be reached.")


class UnreachableStore(InMemoryStateStore):
    """A store that has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = UnreachableRuns()

    async def check(self) -> None:
        raise StateUnavailable("The database cannot be reached.")


async def test_an_idle_server_lives_and_is_ready(served: Any) -> None:
    assert (await served.client.get("/healthz")).json() == {"status": "ok"}
    assert (await served.client.get("/readyz")).json() == {"status": "ready"}


async def test_a_server_is_not_ready_while_its_model_loads(serving: Any) -> None:
    may_load = threading.Event()

    def loading() -> ScriptedEngine:
        may_load.wait(20)
        return ScriptedEngine()

    async with serving(loading) as served:
        served.workbench.residency.preload(await served.workbench.models.get("scripted"))
        waiting = await served.client.get("/readyz")
        alive = await served.client.get("/healthz")
        may_load.set()
        await served.chat()
        ready = await served.client.get("/readyz")
    assert waiting.status_code == 503
    assert int(waiting.headers["retry-after"]) > 0
    assert waiting.json()["error"]["code"] == "model_loading"
    assert alive.status_code == 200
    assert ready.status_code == 200


async def test_a_store_out_of_reach_is_a_503(served: Any) -> None:
    whole = served.workbench
    served.client._transport.app.state.workbench = Workbench(
        settings=whole.settings,
        plugins=whole.plugins,
        store=UnreachableStore(),
        catalog=whole.models,
        residency=whole.residency,
        equipment=whole._equipment,
        executor=whole._executor,
        books=whole._books,
        admission=whole.admission,
        semantic=whole.semantic,
        libraries=whole.libraries,
        taker=whole.taker,
    )
    for response in (await served.client.get("/readyz"), await served.chat(), await served.chat(stream=True)):
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["error"]["code"] == "state_unavailable"
