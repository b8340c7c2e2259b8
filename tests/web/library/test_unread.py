"""Nothing that a request says is passed over: an answer would be to another question."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("query", "code", "sentence"),
    [
        ("path=a.md&verison=1", "unknown_parameter", "Unknown parameter 'verison'; known are at, path, version."),
        ("path=a.md&path=b.md", "invalid_request", "Parameter 'path' is there 2 times; say it once."),
        ("path=%ff.md", "invalid_request", "The address has a parameter that is not UTF-8 text."),
    ],
)
async def test_a_parameter_that_nobody_reads_is_refused(files: Any, query: str, code: str, sentence: str) -> None:
    await files.write("a.md", "one")
    refused = await files.client.get(f"{files.at}/content?{query}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    assert refused.json()["error"]["message"] == sentence


async def test_an_address_without_parameters_takes_none(files: Any) -> None:
    refused = await files.client.get(f"{files.at}?deep=1")
    assert refused.json()["error"]["message"] == "Unknown parameter 'deep'; this address takes none."
    assert (await files.client.get("/api/memory?kind=fact&limit=3")).status_code == 200
    assert (await files.client.get("/api/memory?knid=fact")).status_code == 400


async def test_a_condition_on_a_change_that_takes_none_is_refused(files: Any) -> None:
    await files.write("a.md", "one")
    body = {"path": "a.md", "new_path": "b.md"}
    refused = await files.client.post(f"{files.at}/rename", json=body, headers={"if-match": '"7"'})
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        400,
        "This change takes no 'If-Match'; leave the header out.",
    )
    assert (await files.read("a.md")).text == "one"
    appended = await files.client.post(
        f"{files.at}/content", params={"path": "a.md"}, content=b"two", headers={"if-none-match": "*"}
    )
    assert appended.status_code == 400
    assert (await files.write("a.md", "two", if_match='"1"')).status_code == 200


@pytest.mark.parametrize(("name", "value"), [("version", "-1"), ("version", "x"), ("path", "")])
async def test_the_parameter_at_fault_is_named(files: Any, name: str, value: str) -> None:
    refused = (await files.read(**{"path": "a.md", name: value})).json()["error"]
    assert (refused["code"], refused["param"]) == ("invalid_request", name)
    assert refused["message"].startswith(f"Parameter '{name}'")
