"""Servers that speak MCP over streamable HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jackfield.errors import Unavailable

pytestmark = pytest.mark.slow


async def test_tools_are_listed_and_called(opening: Any, http_trial: Any) -> None:
    await http_trial.start()
    async with opening(far={"type": "http", "url": http_trial.url}) as opened:
        assert (await opened.tools())["far__add"].description.permission == "read"
        result = await opened.call("far__add", a=20, b=22)
        assert (result.text, result.error, result.provenance) == ("42", False, "remote")


async def test_headers_are_sent_and_may_come_from_the_environment(
    opening: Any, http_trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "s3cr3t")
    await http_trial.start(TOKEN="s3cr3t")
    entry = {"url": http_trial.url, "headers": {"Authorization": "Bearer ${KEY}", "X-Team": "blue"}}
    async with opening(far=entry) as opened:
        assert (await opened.call("far__header", name="x-team")).text == "blue"


async def test_who_lacks_a_key_is_told_where_it_goes(opening: Any, http_trial: Any) -> None:
    await http_trial.start(TOKEN="s3cr3t")
    async with opening(far={"url": http_trial.url}) as opened:
        with pytest.raises(Unavailable, match=r"wants to know who asks \(HTTP 401\).*headers"):
            await opened.tools()


async def test_an_address_that_is_no_mcp_server_says_so(opening: Any, http_trial: Any) -> None:
    await http_trial.start()
    async with opening(far={"url": http_trial.url.replace("/mcp", "/other?key=hidden")}) as opened:
        with pytest.raises(Unavailable, match="HTTP 404") as caught:
            await opened.tools()
        assert "hidden" not in caught.value.message


async def test_a_server_that_is_not_there_is_found_once_it_is(opening: Any, http_trial: Any) -> None:
    async with opening(far={"url": http_trial.url}) as opened:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await opened.tools()
        await http_trial.start()
        assert "far__add" in await opened.tools()


async def test_ten_megabytes_arrive_whole(opening: Any, http_trial: Any) -> None:
    await http_trial.start()
    async with opening(far={"url": http_trial.url}) as opened:
        assert len((await opened.call("far__huge")).text) == 10_000_000


async def test_a_server_that_dies_ends_the_call_and_is_asked_again_at_the_next(opening: Any, http_trial: Any) -> None:
    await http_trial.start()
    async with opening(far={"url": http_trial.url}) as opened:
        tools = await opened.tools()
        result = await tools["far__die"].call({})
        assert result.error
        assert "during the call" in result.text
        assert "is asked again at the next call" in result.text
        assert ".." not in result.text
        await http_trial.stop()
        await http_trial.start()
        assert (await tools["far__add"].call({"a": 1, "b": 2})).text == "3"


@pytest.mark.parametrize("environment", [{}, {"LEGACY": "1"}])
async def test_a_server_that_was_started_anew_between_two_calls_is_no_fault(
    opening: Any, http_trial: Any, environment: dict[str, str]
) -> None:
    await http_trial.start(**environment)
    async with opening(far={"url": http_trial.url}) as opened:
        add = (await opened.tools())["far__add"]
        assert (await add.call({"a": 1, "b": 2})).text == "3"
        await http_trial.stop()
        await http_trial.start(**environment)
        assert (await add.call({"a": 2, "b": 2})).text == "4"


@pytest.mark.parametrize("environment", [{}, {"LEGACY": "1"}])
async def test_the_list_follows_what_a_server_says_of_it(
    opening: Any, http_trial: Any, environment: dict[str, str]
) -> None:
    await http_trial.start(**environment)
    async with opening(far={"url": http_trial.url}) as opened:
        await opened.call("far__learn", name="later")
        while "far__later" not in await opened.tools():
            await asyncio.sleep(0.01)


async def test_a_call_that_hangs_can_be_cancelled(opening: Any, http_trial: Any) -> None:
    await http_trial.start()
    async with opening(far={"url": http_trial.url}) as opened:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await opened.call("far__hang")
        assert (await opened.call("far__add", a=1, b=2)).text == "3"
