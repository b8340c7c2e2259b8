"""The door: its port, its signals, its last seconds. It runs as its users run it, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from jackfield.contracts.doors import Listen
from jackfield.errors import PortInUse, SettingsInvalid
from jackfield_web.door import WebDoor
from jackfield_web.sockets import listening_socket

SCRIPT = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from jackfield.contracts.doors import Listen
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield_web.door import WebDoor

def slow():
    return ScriptedEngine(endless, timing=Timing(per_row=0.05))

@asynccontextmanager
async def opened():
    async with temporary_workbench(Path(sys.argv[1]), slow) as workbench:
        yield workbench
    print("closed", flush=True)

WebDoor().serve(
    opened,
    Listen(host=sys.argv[2], port=0),
    on_ready=lambda listen: print(f"ready {listen.host} {listen.port}", flush=True),
)
print("returned", flush=True)
"""

CHAT = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}


class Door:
    """A door in another process."""

    def __init__(self, process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> None:
        self.process = process
        self.client = client

    async def output(self) -> str:
        """What it printed until it ended."""
        written, _ = await self.process.communicate()
        return written.decode()


@asynccontextmanager
async def door(folder: Path, host: str = "127.0.0.1") -> AsyncIterator[Door]:
    """A door that is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, folder, host, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        address = f"http://127.0.0.1:{await _port(process)}"
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            yield Door(process, client)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout
    async for line in process.stdout:
        if line.startswith(b"ready "):
            return int(line.split()[-1])
    raise AssertionError("the door never got ready")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    async with door(tmp_path) as opened:
        assert (await opened.client.get("/healthz")).status_code == 200
        opened.process.send_signal(number)
        output = await opened.output()
        assert opened.process.returncode == 0
        assert output.split()[-2:] == ["closed", "returned"]


@pytest.mark.slow
async def test_a_signal_ends_open_answers_within_seconds(tmp_path: Path) -> None:
    async with door(tmp_path) as opened:
        whole = asyncio.create_task(opened.client.post("/v1/chat/completions", json=CHAT))
        async with opened.client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as response:
            lines = response.aiter_lines()
            await anext(lines)
            opened.process.send_signal(signal.SIGTERM)
            rest = [line async for line in lines if line.startswith("data: ")]
        error = msgspec.json.decode(rest[-1].removeprefix("data: "))["error"]
        refused = await whole
        output = await opened.output()
        assert error["code"] == "shutting_down"
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "shutting_down"
        assert refused.headers["retry-after"]
        assert opened.process.returncode == 0
        assert "Traceback" not in output
        assert "returned" in output


@pytest.mark.slow
async def test_a_client_that_reads_and_says_nothing_cannot_keep_it_open(tmp_path: Path) -> None:
    async with door(tmp_path) as opened:
        _, writer = await asyncio.open_connection("127.0.0.1", opened.client.base_url.port)
        body = msgspec.json.encode({**CHAT, "stream": True})
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        opened.process.send_signal(signal.SIGTERM)
        output = await opened.output()
        writer.close()
        assert opened.process.returncode == 0
        assert "Traceback" not in output


async def test_it_does_not_serve_where_others_can_reach_it_and_nobody_is_asked_who_they_are(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        tmp_path,
        "0.0.0.0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, fault = await process.communicate()
    assert process.returncode != 0
    assert b"ready" not in output
    assert b"SettingsInvalid" in fault
    assert b"JACKFIELD_IDENTITY__ENABLED=true" in fault


def test_a_port_in_use_is_known_before_anything_is_opened() -> None:
    def opened() -> None:
        raise AssertionError("nothing may be opened")

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse) as caught:
            WebDoor().serve(opened, Listen(host="127.0.0.1", port=port), on_ready=print)  # type: ignore[arg-type]
    assert str(port) in caught.value.message
    assert "127.0.0.1" in caught.value.message
    assert "--port" in caught.value.message


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="--host"):
        listening_socket(Listen(host=host, port=0))


def test_port_zero_is_any_free_port() -> None:
    with listening_socket(Listen(host="localhost", port=0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.getsockname()[1] > 0
