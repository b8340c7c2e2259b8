"""A workbench that has served a thousand requests of every kind holds no more than one that has served some."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

import msgspec
import psutil
import pytest

pytest.importorskip("llama_cpp")

from jackfield.decoding.constraints.compiler import MOST_KEPT
from jackfield.plugin_host import loaded_host
from jackfield.settings import load_settings
from jackfield.testing.tiny_gguf import write_chat_model
from jackfield.testing.varied_requests import VariedRequests
from jackfield.wiring import open_workbench
from jackfield.workbench import Workbench

REQUEST_STATE = {
    "DecodingSequence",
    "DecodeRequest",
    "SequenceHandle",
    "TextStream",
    "RunControl",
    "RunJournal",
    "RunRecord",
    "RunRequest",
}
"""What each request has of its own while it is under way."""


class Held(msgspec.Struct, frozen=True):
    """Bytes and Python objects of this process, and how many objects of our own classes by name."""

    resident: int
    objects: int
    ours: Counter[str]


def held() -> Held:
    gc.collect()
    objects = gc.get_objects()
    ours = Counter(type(each).__name__ for each in objects if str(type(each).__module__).startswith("jackfield"))
    return Held(psutil.Process().memory_info().rss, len(objects), ours)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_thousand_requests_leave_nothing(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path / "home",
        engine={"context_length": 512, "cells": 2048, "sequences": 8, "threads": 1},
        prefixes={"memory_mb": 1, "disk_mb": 1},
    )
    before, looks = held(), list[Held]()
    async with open_workbench(settings, loaded_host()) as workbench:
        model = await workbench.models.pull(str(write_chat_model(tmp_path / "tiny.gguf")), name="tiny")
        loop = await workbench.residency.decoder(model)
        varied = VariedRequests(model)

        async def look(done: int) -> None:
            await _nothing_runs(workbench)
            looks.append(held())

        await varied.serve(workbench, 1000, every=250, then=look)
        cache, saved = loop._cache, loop._saved
        assert cache.idle_sequences + len(cache._free) == loop.engine.limits.sequences
        assert cache.used_cells <= loop.engine.limits.cells
        assert loop._scheduler._deficits._credit == {}
        assert len(loop.engine._constraints._kept) <= MOST_KEPT
        assert saved.memory_bytes <= 1 << 20
        assert saved.disk_bytes <= 1 << 20
    assert varied.ends["finished"] > 800
    assert varied.ends["failed"] == 20
    assert varied.ends["cancelled"] > 20
    early, late = looks[1], looks[-1]
    # Other tests of this process may hold some of their own.
    assert not {name: count for name, count in (late.ours - before.ours).items() if name in REQUEST_STATE}
    assert not {name: count for name, count in (late.ours - early.ours).items() if count > 100}
    assert late.objects - early.objects < 2000
    # Heaps of several threads take their time to settle; 60 kB a request would be more than their share.
    assert late.resident - early.resident < 30_000_000


async def _nothing_runs(workbench: Workbench) -> None:
    executor = workbench._executor
    assert not any(loaded.requests for loaded in workbench.residency.loaded())
    while executor._tasks:
        await next(iter(executor._tasks))
    assert not executor._journals
    assert not executor._controls
