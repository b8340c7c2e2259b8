"""GET /metrics, read as a Prometheus server would."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_metrics

from jackfield.contracts.engine import EngineLimits
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless

Samples = dict[tuple[str, str], float]


def samples(families: Iterable[Metric]) -> Samples:
    """The models' samples by name and model."""
    return {
        (sample.name.removeprefix("jackfield_"), sample.labels["model"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("jackfield_") and sample.labels.keys() == {"model"}
    }


async def scraped(served: Any) -> Samples:
    """What a scrape gives now."""
    return samples(text_metrics((await served.client.get("/metrics")).text))


async def test_a_model_has_figures_once_it_is_loaded(served: Any) -> None:
    before = await scraped(served)
    await served.complete(prompt="x" * 100, max_tokens=10)
    first = await scraped(served)
    await served.complete(prompt="x" * 100, max_tokens=10)
    second = await scraped(served)
    assert before == {}
    assert first["prompt_tokens_total", "scripted"] == 100
    assert first["cached_prompt_tokens_total", "scripted"] == 0
    assert first["written_tokens_total", "scripted"] == 10
    assert second["prompt_tokens_total", "scripted"] == 200
    assert second["cached_prompt_tokens_total", "scripted"] == 99
    assert second["prefilled_tokens_total", "scripted"] < 2 * first["prefilled_tokens_total", "scripted"]
    assert second["kv_cells", "scripted"] == ScriptedEngine().limits.cells
    assert 100 < second["kv_cells_used", "scripted"] < 200
    assert second["steps_total", "scripted"] > first["steps_total", "scripted"] > 0
    assert second["step_seconds_total", "scripted"] >= second["evaluation_seconds_total", "scripted"] > 0


async def test_what_waits_and_what_runs_is_told_apart(serving: Any) -> None:
    limits = EngineLimits(context_length=4096, cells=8192, sequences=8, batch_tokens=64, running=2)
    async with serving(lambda: ScriptedEngine(endless, limits=limits)) as served:
        asked = [asyncio.create_task(served.complete(prompt=f"number {n}", max_tokens=4000)) for n in range(5)]
        while (now := await scraped(served)).get(("requests_running", "scripted"), 0) < 2 or now[
            "requests_waiting", "scripted"
        ] < 3:
            await asyncio.sleep(0.005)
        assert (now["requests_running", "scripted"], now["requests_waiting", "scripted"]) == (2, 3)
        for run in await served.workbench.runs.recent():
            await served.workbench.cancel(run.id)
        await asyncio.gather(*asked)
        then = await scraped(served)
    assert (then["requests_running", "scripted"], then["requests_waiting", "scripted"]) == (0, 0)


async def test_a_name_that_means_two_files_for_a_while_has_one_sum(served: Any) -> None:
    await served.complete(prompt="x" * 100, max_tokens=1)
    catalog = served.workbench.models
    await catalog._records.put(msgspec.structs.replace(await catalog.get("scripted"), sha256="1" * 64))
    await served.complete(prompt="x" * 50, max_tokens=1)
    now = await scraped(served)
    assert len(served.workbench.residency.loaded()) == 2
    assert now["prompt_tokens_total", "scripted"] == 150


async def test_the_format_is_the_one_that_is_asked_for(served: Any) -> None:
    await served.complete(max_tokens=1)
    plain = await served.client.get("/metrics")
    modern = await served.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")
    read = samples(open_metrics(modern.text))
    assert read["written_tokens_total", "scripted"] == 1
    assert read.keys() == (await scraped(served)).keys()


async def test_the_process_has_figures_too(served: Any) -> None:
    assert "process_resident_memory_bytes" in (await served.client.get("/metrics")).text


async def test_the_readme_names_every_figure(served: Any) -> None:
    await served.complete(max_tokens=1)
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`jackfield_([a-z_]+)`", readme))
    assert told == {name for name, _ in await scraped(served)}


async def test_the_team_has_figures_whichever_process_tells_them(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(endless, timing=Timing(per_pass=0.01))) as served:
        asked = asyncio.create_task(served.complete(max_tokens=4000))
        await served.state_of(await served.newest_run(), "running")
        text = (await served.client.get("/metrics")).text
        await served.workbench.cancel(await served.newest_run())
        await asked
    assert 'jackfield_dependency_up{dependency="database"} 1.0' in text
    assert 'jackfield_dependency_up{dependency="broker"} 1.0' in text
    assert 'jackfield_runs{state="running"} 1.0' in text
    assert 'jackfield_runs{state="queued"} 0.0' in text
    assert "jackfield_workers 1.0" in text
    assert re.search(r'jackfield_worker_runs\{model="scripted",state="running",worker="[^"]+"\} 1.0', text)
    assert re.search(r'jackfield_worker_tokens_total\{kind="prompt",model="scripted",worker="[^"]+"\} 5.0', text)
