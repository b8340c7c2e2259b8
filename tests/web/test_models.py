"""GET /v1/models and /api/models/loaded."""

from __future__ import annotations

from typing import Any

import msgspec


async def test_installed_models_are_listed(served: Any) -> None:
    body = (await served.client.get("/v1/models")).json()
    (model,) = body["data"]
    assert body["object"] == "list"
    assert (model["id"], model["object"], model["owned_by"]) == ("scripted", "model", "jackfield")
    assert isinstance(model["created"], int)


async def test_one_model_is_found_by_a_name_with_slashes_too(served: Any) -> None:
    installed = await served.workbench.models.get("scripted")
    store = served.workbench._store
    await store.models.put(msgspec.structs.replace(installed, name="ada/writer:Q4_0"))
    plain = await served.client.get("/v1/models/scripted")
    slashed = await served.client.get("/v1/models/ada/writer:Q4_0")
    assert plain.json()["id"] == "scripted"
    assert slashed.json()["id"] == "ada/writer:Q4_0"


async def test_a_model_that_is_not_here_is_not_found(served: Any) -> None:
    response = await served.client.get("/v1/models/no/such")
    error = response.json()["error"]
    assert response.status_code == 404
    assert error["code"] == "model_not_found"
    assert error["type"] == "invalid_request_error"
    assert "no/such" in error["message"]


async def test_models_in_memory_are_listed_once_they_are_used(served: Any) -> None:
    before = (await served.client.get("/api/models/loaded")).json()
    await served.chat()
    (after,) = (await served.client.get("/api/models/loaded")).json()
    assert before == []
    assert (after["name"], after["purpose"], after["requests"]) == ("scripted", "generate", 0)


async def test_what_sharing_spares_is_listed_where_a_model_writes(served: Any) -> None:
    for question in ("one", "two"):
        await served.complete(prompt="x" * 97 + question, max_tokens=1)
    await served.client.post("/v1/embeddings", json={"model": "scripted", "input": "hello"})
    writes, embeds = (await served.client.get("/api/models/loaded")).json()
    assert writes["cache"] == {"used_cells": 100, "cells": 2048, "hit_rate": 97 / 200}
    assert embeds["cache"] is None
