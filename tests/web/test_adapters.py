"""Adapters over HTTP: a field names one, models are listed without them, and faults are told with their parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from jackfield.contracts.models import InstalledModel
from jackfield.testing.scripted_engine import ScriptedEngine, replying
from jackfield.workbench import Workbench


def engine_with_adapters() -> ScriptedEngine:
    """Answers in verse under one adapter, and knows no other."""
    return ScriptedEngine(replying("prose"), adapters={"poet": replying("verse")})


async def installed(workbench: Workbench, folder: Path, name: str) -> None:
    """Put an adapter on record, its file in place."""
    path = folder / f"{name}.gguf"
    path.write_bytes(b"\x00")
    description = msgspec.structs.replace(ScriptedEngine().model, name=name, generates=False, is_adapter=True)
    await workbench._store.models.put(
        InstalledModel(
            name=name,
            path=path,
            reference=name,
            sha256=name.ljust(64, "0"),
            pulled_at=datetime.now(UTC),
            description=description,
        )
    )


def text_of(body: dict[str, Any]) -> str:
    choice = body["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


async def test_an_answer_is_the_adapters_where_one_is_named(serving, tmp_path: Path) -> None:
    async with serving(engine_with_adapters) as served:
        await installed(served.workbench, tmp_path, "poet")
        assert text_of((await served.chat()).json()) == "prose"
        assert text_of((await served.chat(adapter="poet")).json()) == "verse"
        assert text_of((await served.chat(adapter=None)).json()) == "prose"
        run = await served.workbench.run(await served.newest_run())
        assert run.request.adapter is None
        assert (await served.complete(adapter="poet", max_tokens=4)).status_code == 200
        assert (await served.workbench.run(await served.newest_run())).request.adapter == "poet"


async def test_openais_client_names_one_in_its_extra_body(serving, tmp_path: Path) -> None:
    async with serving(engine_with_adapters) as served:
        await installed(served.workbench, tmp_path, "poet")
        async with openai.AsyncOpenAI(base_url=f"{served.client.base_url}/v1", api_key="any") as client:
            answer = await client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "hello"}], extra_body={"adapter": "poet"}
            )
        assert answer.choices[0].message.content == "verse"


@pytest.mark.parametrize(
    ("fields", "status", "parameter", "words"),
    [
        ({"adapter": "stranger"}, 400, "adapter", "'stranger' is not for this model: it has no script"),
        ({"adapter": "stranger", "stream": True}, 400, "adapter", "it has no script"),
        ({"adapter": "poetess"}, 404, "adapter", "Adapter 'poetess' is not installed. Did you mean 'poet'?"),
        ({"adapter": "scripted"}, 400, "adapter", "is a model and no adapter"),
        ({"model": "poet"}, 400, "model", "is an adapter, which writes nothing by itself"),
        ({"adapter": 7}, 400, "adapter", "Expected `str | null`"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(
    serving, tmp_path: Path, fields: dict[str, Any], status: int, parameter: str, words: str
) -> None:
    async with serving(engine_with_adapters) as served:
        for name in ("poet", "stranger"):
            await installed(served.workbench, tmp_path, name)
        refused = await served.chat(**fields)
        error = refused.json()["error"]
        assert (refused.status_code, error["param"]) == (status, parameter)
        assert words.lower() in error["message"].lower()


async def test_an_adapter_is_no_model_in_the_list_and_no_default(serving, tmp_path: Path) -> None:
    async with serving(engine_with_adapters) as served:
        await installed(served.workbench, tmp_path, "poet")
        models = (await served.client.get("/v1/models")).json()["data"]
        assert [model["id"] for model in models] == ["scripted"]
        assert (await served.chat(model="default")).status_code == 200
        embedded = await served.client.post("/v1/embeddings", json={"model": "poet", "input": "hello"})
        assert embedded.status_code == 400
        assert "is an adapter" in embedded.json()["error"]["message"]
