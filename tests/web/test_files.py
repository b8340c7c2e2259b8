"""/v1/files, on the wire and with the official client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from jackfield.contracts.identity import Account, Principal
from jackfield.errors import UploadNotFound
from jackfield_web.files.controller import _found

LONG = b"0123456789" * 200_000


@pytest.fixture
async def client(serving: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a server that takes files of up to 3 MiB."""
    async with (
        serving(uploads={"largest_mb": 3}) as served,
        openai.AsyncOpenAI(base_url=f"{served.client.base_url}/v1", api_key="any", max_retries=0) as client,
    ):
        yield client


async def upload(served: Any, *parts: tuple[str, Any]) -> httpx.Response:
    response: httpx.Response = await served.client.post("/v1/files", files=parts)
    return response


def a_file(content: bytes = b"hello", name: str = "a.txt") -> tuple[str, Any]:
    return ("file", (name, content))


PURPOSE = ("purpose", (None, "user_data"))


async def test_a_file_comes_back_as_it_was(client: openai.AsyncOpenAI) -> None:
    made = await client.files.create(file=("größe.bin", LONG), purpose="user_data")
    again = await client.files.retrieve(made.id)
    content = await client.files.content(made.id)
    assert again == made
    assert (made.bytes, made.filename, made.purpose) == (len(LONG), "größe.bin", "user_data")
    assert content.content == LONG
    assert content.response.headers["content-disposition"] == "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.bin"


async def test_files_are_listed_by_the_page(client: openai.AsyncOpenAI) -> None:
    made = [await client.files.create(file=(f"{n}", b"x"), purpose="batch" if n % 2 else "evals") for n in range(5)]
    newest = [file.id async for file in client.files.list(limit=2)]
    oldest = [file.id async for file in client.files.list(limit=2, order="asc")]
    of_batches = [file.id async for file in client.files.list(purpose="batch")]
    page = await client.files.list(limit=2, after=made[3].id)
    assert oldest == [file.id for file in made]
    assert newest == oldest[::-1]
    assert of_batches == [made[3].id, made[1].id]
    assert [file.id for file in page.data] == [made[2].id, made[1].id]
    assert page.has_more


async def test_bytes_go_with_the_last_file_that_has_them(served: Any) -> None:
    first = (await upload(served, PURPOSE, a_file())).json()
    second = (await upload(served, a_file(name="b.txt"), PURPOSE)).json()
    digest = (await served.workbench.uploads.get(first["id"])).digest
    gone = await served.client.delete(f"/v1/files/{first['id']}")
    kept = await served.client.get(f"/v1/files/{second['id']}/content")
    await served.client.delete(f"/v1/files/{second['id']}")
    assert gone.json() == {"id": first["id"], "object": "file", "deleted": True}
    assert kept.content == b"hello"
    assert not await served.workbench.blobs.remove(digest)
    for missing in ("", "/content"):
        assert (await served.client.get(f"/v1/files/{second['id']}{missing}")).status_code == 404


async def test_an_empty_file_is_one(served: Any) -> None:
    made = (await upload(served, PURPOSE, a_file(b""))).json()
    assert made["bytes"] == 0
    assert (await served.client.get(f"/v1/files/{made['id']}/content")).content == b""


async def test_what_is_too_large_leaves_nothing_behind(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="larger than") as refused:
        await client.files.create(file=("big", b"x" * (3 << 20) + b"x"), purpose="batch")
    assert refused.value.param == "file"
    assert [file async for file in client.files.list()] == []


@pytest.mark.parametrize(
    ("parts", "parameter", "said"),
    [
        ([PURPOSE], "file", "missing"),
        ([a_file()], "purpose", "missing"),
        ([PURPOSE, ("file", (None, "text"))], "file", "no file name"),
        ([("purpose", (None, "fun")), a_file()], "purpose", "expected one of"),
        ([a_file(), a_file(), PURPOSE], "file", "two fields"),
        ([PURPOSE, a_file(), ("expires_after[seconds]", (None, "9"))], "expires_after", "not supported"),
        ([PURPOSE, a_file(), ("color", (None, "red"))], "color", "Unknown field"),
        ([("purpose", (None, "x" * 5000)), a_file()], "purpose", "longer than"),
    ],
)
async def test_a_wrong_form_is_refused_and_leaves_nothing_behind(
    served: Any, parts: list[Any], parameter: str, said: str
) -> None:
    response = await upload(served, *parts)
    fault = response.json()["error"]
    assert response.status_code == 400
    assert fault["param"] == parameter
    assert said in fault["message"]
    assert await served.workbench.uploads.page() == ()
    hello = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"
    assert not await served.workbench.blobs.remove(hello)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"--x--", 400),
        ("multipart/form-data; boundary=x", b"nothing of the kind", 400),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"; file', 400),
        ("multipart/form-data; boundary=x", b"", 400),
    ],
)
async def test_a_body_that_is_no_form_is_refused(served: Any, content_type: str, body: bytes, status: int) -> None:
    response = await served.client.post("/v1/files", content=body, headers={"content-type": content_type})
    assert response.status_code == status, response.text
    assert response.json()["error"]["message"]


async def test_somebody_elses_file_is_not_there(served: Any) -> None:
    made = (await upload(served, PURPOSE, a_file())).json()
    stranger = Principal(
        account=Account(user_id="user_2"), name="Bob", role="member", scopes=("inference", "read", "admin")
    )
    with pytest.raises(UploadNotFound):
        await _found(made["id"], served.workbench, stranger)
