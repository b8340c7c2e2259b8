"""POST /v1/embeddings."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest


async def embed(served: Any, **fields: Any) -> Any:
    return await served.client.post("/v1/embeddings", json={"model": "scripted", "input": "hello", **fields})


async def test_a_text_becomes_one_vector_of_unit_length(served: Any) -> None:
    response = await embed(served)
    body = response.json()
    (entry,) = body["data"]
    assert response.status_code == 200
    assert body["object"] == "list"
    assert body["model"] == "scripted"
    assert (entry["object"], entry["index"]) == ("embedding", 0)
    assert np.linalg.norm(entry["embedding"]) == pytest.approx(1)
    assert body["usage"] == {"prompt_tokens": 5, "total_tokens": 5}


async def test_texts_keep_their_order(served: Any) -> None:
    apart = [(await embed(served, input=text)).json()["data"][0]["embedding"] for text in ("one", "two")]
    together = (await embed(served, input=["one", "two"])).json()["data"]
    assert [entry["index"] for entry in together] == [0, 1]
    assert [entry["embedding"] for entry in together] == apart


async def test_base64_is_the_same_vector(served: Any) -> None:
    numbers = (await embed(served, encoding_format="float")).json()["data"][0]["embedding"]
    text = (await embed(served, encoding_format="base64")).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(text), dtype="<f4").tolist() == pytest.approx(numbers)


async def test_the_models_own_dimensions_may_be_named(served: Any) -> None:
    width = len((await embed(served)).json()["data"][0]["embedding"])
    assert (await embed(served, dimensions=width)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "parameter", "part"),
    [
        ({"input": [1, 2]}, "input", "texts are expected"),
        ({"input": [[1, 2]]}, "input", "texts are expected"),
        ({"input": ["a", 1]}, "input", "texts are expected"),
        ({"input": ""}, "input", "not empty"),
        ({"input": []}, "input", "not empty"),
        ({"input": ["a", ""]}, "input", "not empty"),
        ({"input": ["a"] * 2049}, "input", "2048"),
        ({"input": None}, "input", "expected"),
        ({"dimensions": 7}, "dimensions", "7"),
        ({"dimensions": 0}, "dimensions", ">= 1"),
        ({"encoding_format": "hex"}, "encoding_format", "one of base64, float"),
        ({"normalize": True}, "normalize", "Unknown"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_it_is_refused_by_name(served: Any, fields: dict[str, Any], parameter: str, part: str) -> None:
    response = await embed(served, **fields)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == parameter
    assert part in response.json()["error"]["message"]


async def test_an_unknown_model_is_not_found(served: Any) -> None:
    response = await embed(served, model="nope")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"


async def test_a_text_that_is_too_long_is_never_cut(served: Any) -> None:
    response = await embed(served, input="x" * 5000)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"
    assert response.json()["error"]["param"] == "input"
