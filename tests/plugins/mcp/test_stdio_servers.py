"""Programs that speak MCP over their standard input and output, well and badly."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
import pytest
import structlog

from jackfield.errors import Unavailable

pytestmark = pytest.mark.slow


async def test_tools_have_the_servers_name_and_what_their_annotations_permit(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        tools = await opened.tools()
        permissions = {name: tools[f"trials__{name}"].description.permission for name in ("add", "look_up", "note")}
        assert permissions == {"add": "read", "look_up": "network", "note": "write"}
        assert tools["trials__add"].description.description == "Add two numbers."
        assert tools["trials__add"].description.parameters["required"] == ["a", "b"]
        result = await opened.call("trials__add", a=2, b=3)
        assert (result.text, result.error, result.provenance) == ("5", False, "remote")


async def test_the_configuration_outweighs_annotations(opening: Any, program: Any) -> None:
    permissions = {"note": "read", "add": "execute", "*": "network"}
    async with opening(trials=program(permissions=permissions, timeout=7)) as opened:
        tools = await opened.tools()
        found = {name: tools[f"trials__{name}"].description.permission for name in ("add", "note", "die")}
        assert found == {"note": "read", "add": "execute", "die": "network"}
        assert tools["trials__add"].description.timeout == 7


async def test_a_program_sees_only_what_it_is_given(
    opening: Any, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    monkeypatch.setenv("TOKEN", "t0k3n")
    async with opening(trials=program(env={"GIVEN": "${TOKEN}"})) as opened:
        assert (await opened.call("trials__environment", name="SECRET")).text == "not there"
        assert (await opened.call("trials__environment", name="GIVEN")).text == "t0k3n"


async def test_a_tool_that_raises_answers_with_an_error(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        result = await opened.call("trials__fail")
        assert result.error
        assert result.provenance == "remote"


async def test_what_is_no_text_is_described(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        picture = await opened.call("trials__picture")
        assert "image/png, 3,004 bytes" in picture.text
        assert not picture.error


async def test_ten_megabytes_arrive_whole(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        assert len((await opened.call("trials__huge")).text) == 10_000_000


async def test_stray_output_does_no_harm(opening: Any, program: Any, capfd: pytest.CaptureFixture[str]) -> None:
    async with opening(trials=program()) as opened:
        assert (await opened.call("trials__chatter")).text == "done"
        assert (await opened.call("trials__add", a=1, b=1)).text == "2"
    assert "Traceback" not in capfd.readouterr().err


async def test_a_server_that_dies_ends_the_call_and_is_started_anew_at_the_next(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        first = await opened.call("trials__process_id")
        result = await opened.call("trials__die")
        assert result.error
        assert "'trials' ended" in result.text
        assert "out of cheese" in result.text
        second = await opened.call("trials__process_id")
        assert second.text != first.text
        assert not psutil.pid_exists(int(first.text))


async def test_a_server_that_dies_over_and_over_is_left_alone_for_a_while(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        die = (await opened.tools())["trials__die"]
        for _ in range(2):
            assert (await die.call({})).error
        with pytest.raises(Unavailable, match="tried again in") as caught:
            await die.call({})
        assert caught.value.retry_after


async def test_a_call_that_is_cancelled_leaves_the_session_as_it_was(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        number = await opened.call("trials__process_id")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await opened.call("trials__hang")
        assert await opened.call("trials__process_id") == number


async def test_calls_run_beside_each_other(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        hanging = asyncio.create_task(opened.call("trials__hang"))
        results = await asyncio.gather(*(opened.call("trials__add", a=n, b=n) for n in range(8)))
        assert [result.text for result in results] == [str(2 * n) for n in range(8)]
        hanging.cancel()
        await asyncio.wait([hanging])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"command": "no-such-program-here"}, "there is no program 'no-such-program-here'"),
        ({"command": "/"}, "cannot be started"),
        ({"command": "true"}, "ended before it answered"),
        ({"command": "true", "cwd": "/no/such/folder"}, "/no/such/folder, is no folder"),
        ({"command": "cat", "timeout": 0.5}, "did not answer|ended|refused"),
    ],
)
async def test_a_program_that_is_no_server_says_why(opening: Any, entry: dict[str, Any], reason: str) -> None:
    async with opening(broken=entry) as opened:
        with pytest.raises(Unavailable, match=reason) as caught:
            await opened.tools()
        assert caught.value.message.startswith("MCP server 'broken' ")


async def test_a_server_that_refuses_is_quoted_and_the_others_work(opening: Any, program: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        async with opening(no=program("trial_server.py", "refuse"), old=program("legacy_server.py")) as opened:
            assert list(await opened.tools()) == ["old__first", "old__second", "old__third"]
    told = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["server"] for entry in told] == ["no"]
    assert "no licence found" in told[0]["reason"]
    assert {"server": "no", "line": "no licence found", "log_level": "debug", "event": "an MCP server wrote"} in logs


async def test_a_server_that_hangs_at_its_start_times_out_and_leaves_no_process(opening: Any, program: Any) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with opening(slow=program("trial_server.py", "hang", timeout=0.5)) as opened:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.5 s of its start"):
            await opened.tools()
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


async def test_closing_ends_the_programs_even_in_the_middle_of_a_call(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        number = int((await opened.call("trials__process_id")).text)
        hanging = asyncio.create_task((await opened.tools())["trials__hang"].call({}))
        await asyncio.sleep(0)
    assert not psutil.pid_exists(number)
    result = (await asyncio.gather(hanging, return_exceptions=True))[0]
    assert isinstance(result, Unavailable) or result.error


async def test_a_closed_source_opens_again(opening: Any, program: Any) -> None:
    async with opening(old=program("legacy_server.py")) as opened:
        assert len(await opened.tools()) == 3
        await opened.source.close()
        await opened.source.close()
        assert len(await opened.tools()) == 3


def test_a_source_serves_one_event_loop_after_another(opening: Any, program: Any) -> None:
    async def counted() -> int:
        async with opening(old=program("legacy_server.py")) as opened:
            return len(await opened.tools())

    assert [asyncio.run(counted()) for _ in range(2)] == [3, 3]


async def test_the_list_follows_what_a_server_says_of_it(opening: Any, program: Any) -> None:
    async with opening(trials=program()) as opened:
        await opened.tools()
        await opened.call("trials__learn", name="later")
        while "trials__later" not in await opened.tools():
            await asyncio.sleep(0.01)
        assert (await opened.call("trials__later")).text == "learnt"


async def test_an_older_server_lists_in_pages_and_tells_of_changes_unasked(opening: Any, program: Any) -> None:
    async with opening(old=program("legacy_server.py")) as opened:
        assert list(await opened.tools()) == ["old__first", "old__second", "old__third"]
        assert (await opened.call("old__second")).text == "second part\nand another"
        while "old__fourth" not in await opened.tools():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("endless", "on more than 100 pages"),
        ("malformed", "in a way that MCP does not know"),
        ("silent", "did not list its tools within 1 s"),
        ("unable", "does not list its tools: Method not found"),
    ],
)
async def test_a_server_that_cannot_list_its_tools_says_so(
    opening: Any, program: Any, manner: str, reason: str
) -> None:
    async with opening(old=program("legacy_server.py", manner, timeout=1)) as opened:
        with pytest.raises(Unavailable, match=reason):
            await opened.tools()


async def test_a_permission_for_no_tool_is_told_once(opening: Any, program: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        async with opening(old=program("legacy_server.py", permissions={"frist": "read"})) as opened:
            await opened.tools()
            await opened.tools()
    assert [entry["tools"] for entry in logs if entry["log_level"] == "warning"] == [["frist"]]


async def test_every_kind_of_part_is_told_in_words(opening: Any, program: Any) -> None:
    async with opening(old=program("legacy_server.py")) as opened:
        assert (await opened.call("old__third")).text.splitlines() == [
            "[a sound, audio/wav, 3 bytes; it cannot be played here]",
            "[a link to file:///plan.txt (plan; text/plain)]",
            "[the file file:///a.txt]",
            "the letter a",
            "[the file file:///b.bin, of an unknown kind, 4 bytes; it cannot be shown here]",
            '{"size":3}',
        ]
