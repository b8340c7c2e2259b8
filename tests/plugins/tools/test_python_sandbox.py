"""run_python: what code may do, what it may not, and that nothing of it is left; in every way that works here."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
import pytest

from jackfield.contracts.tools import ArgumentPart
from jackfield.errors import ToolFailure
from jackfield_plugins.tools.python_sandbox import isolation
from jackfield_plugins.tools.python_sandbox.diagnostic import SandboxDiagnostic
from jackfield_plugins.tools.python_sandbox.isolation import Isolation, Limits
from jackfield_plugins.tools.python_sandbox.tool import RunPython

pytestmark = pytest.mark.slow

SYSTEM_PYTHON = Path("/usr/bin/python3")
SHORT = Limits(wall=15.0, processor=1)


def only_limits() -> Isolation | None:
    """Limits alone; where tests run as root, its interpreter must be one that everybody may read."""
    way = isolation.only_limits()
    if os.geteuid() != 0:
        return way
    return msgspec.structs.replace(way, python=str(SYSTEM_PYTHON)) if SYSTEM_PYTHON.exists() else None


def working(kind: str) -> Isolation:
    ways = {"bubblewrap": isolation._bubblewrap, "namespaces": isolation._namespaces, "limits": only_limits}
    way = ways[kind]()
    if way is None or not isolation.works(way):
        pytest.skip(f"{kind} does not work on this machine")
    return way


@pytest.fixture(params=["bubblewrap", "namespaces"])
def apart(request: pytest.FixtureRequest) -> RunPython:
    """The tool where code is kept apart."""
    return RunPython(isolation=working(request.param), limits=SHORT)


@pytest.fixture(params=["bubblewrap", "namespaces", "limits"])
def python(request: pytest.FixtureRequest) -> RunPython:
    """The tool, kept apart or only limited."""
    return RunPython(isolation=working(request.param), limits=SHORT, unsandboxed=True)


Beside = dict[int, str]


@pytest.fixture(autouse=True)
def beside() -> Iterator[Beside]:
    """Other tests' servers, which live on; no process and no folder outlives its call."""
    before = set(Path(tempfile.gettempdir()).glob("jackfield-python-*"))
    dead = unburied()
    others = living_below()
    yield others
    assert unburied() <= dead
    assert set(Path(tempfile.gettempdir()).glob("jackfield-python-*")) <= before
    assert left(others) == {}


def unburied() -> set[int]:
    """Dead processes of the sandbox that nobody waited for; some machines' first process never does."""
    found = set()
    for process in psutil.process_iter(["name", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE and process.info["name"] in (
            "bwrap",
            "unshare",
            "sh",
            "setpriv",
        ):
            found.add(process.pid)
    return found


def left(beside: Beside) -> Beside:
    """What lives that did not live before, and is no server's own child."""
    return {pid: told for pid, told in living_below().items() if not ancestry(pid) & beside.keys()}


def ancestry(pid: int) -> set[int]:
    """A process and those that it comes from."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return {pid, *(parent.pid for parent in process.parents())}
    return {pid}


def living_below() -> Beside:
    """Processes below this one, dead ones that nobody waited for among them; other tests' servers may live beside."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found[process.pid] = " ".join(process.cmdline())[:60] + process.status()
    return found


async def said(tool: RunPython, code: str) -> str:
    return (await tool.call({"code": code})).text


async def test_output_value_and_errors_are_told(python: RunPython) -> None:
    assert (await said(python, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")).startswith(
        "Output:\nout\nError output:\nerr\nValue: 42"
    )
    assert (await said(python, "x = 1")).startswith("[The program ran. It printed nothing")
    failed = await python.call({"code": "print(1)\n1 / 0"})
    assert failed.error
    assert "Output:\n1\nThe program failed:" in failed.text
    assert "ZeroDivisionError: division by zero" in failed.text
    assert "status 3" in await said(python, "import sys\nsys.exit(3)")
    assert "ended by itself" in await said(python, "import os\nos._exit(3)")


async def test_each_call_starts_in_an_empty_folder(python: RunPython) -> None:
    code = (
        "import os, tempfile\nopen('kept', 'w').write('x')\nprint(os.listdir('.'), os.environ['HOME'] == os.getcwd())"
    )
    assert "['kept'] True" in await said(python, code)
    assert "['kept'] True" in await said(python, code)


async def test_the_environment_is_not_handed_on(python: RunPython, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "12345")
    assert "12345" not in await said(python, "import os\nprint(dict(os.environ))")


@pytest.mark.parametrize("address", ["('127.0.0.1', PORT)", "('1.1.1.1', 53)", "('::1', PORT, 0, 0)"])
async def test_there_is_no_network(apart: RunPython, address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        target = address.replace("PORT", str(server.getsockname()[1]))
        family = "AF_INET6" if "::" in address else "AF_INET"
        code = f"import socket\nsocket.socket(socket.{family}).connect({target})\nprint('reached')"
        assert "reached" not in await said(apart, code)
        with pytest.raises(BlockingIOError):
            server.accept()


async def test_nothing_of_the_users_can_be_read(apart: RunPython, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    places = [str(secret), str(Path.home()), "/etc/passwd", "/proc/1/environ", "/home", str(Path(__file__))]
    code = f"""
import os
for place in {places!r}:
    try:
        print(os.listdir(place) if os.path.isdir(place) else open(place).read())
    except OSError as error:
        print('no', type(error).__name__)
print(sorted(os.listdir('/')))
"""
    text = await said(apart, code)
    assert "the secret" not in text
    assert "root:" not in text
    assert getpass.getuser() + ":" not in text
    assert text.count("no ") >= 5
    assert "'home'" not in text


@pytest.mark.parametrize("place", ["/usr/x", "/x", "/etc/x", "/dev/x", "/var/tmp/x", "/scratch/../x"])
async def test_nothing_outside_can_be_written(apart: RunPython, place: str) -> None:
    assert "written" not in await said(apart, f"open({place!r}, 'w').write('x')\nprint('written')")


async def test_the_disk_cannot_be_filled(python: RunPython) -> None:
    result = await python.call(
        {"code": "with open('big', 'wb') as big:\n    for _ in range(99):\n        big.write(bytes(1 << 20))"}
    )
    assert result.error
    assert "OSError" in result.text


async def test_an_endless_loop_ends(python: RunPython) -> None:
    text = await said(python, "print('begun')\nwhile True: pass")
    assert "begun" in text
    assert "used up its processor time" in text


async def test_waiting_for_ever_ends(python: RunPython) -> None:
    python._limits = Limits(wall=1.0)
    text = await said(
        python, "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on')\ntime.sleep(99)"
    )
    assert "Output:\non" in text
    assert "[The program was stopped because it took longer than 1 seconds.]" in text


async def test_a_loop_that_catches_everything_ends(python: RunPython) -> None:
    code = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    assert (await python.call({"code": code})).error


async def test_endless_output_is_cut_and_ended(python: RunPython) -> None:
    text = await said(python, "while True: print('x' * 1000)")
    assert "Only the first 4500 characters are shown" in text
    assert "stopped because it wrote more than 4 MB" in text
    assert len(text) < 16_000


async def test_memory_is_limited_for_one_and_for_all(python: RunPython) -> None:
    assert "MemoryError" in await said(python, "x = bytearray(10 ** 10)")
    many = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        x = bytearray(200 << 20)
        for i in range(0, len(x), 4096): x[i] = 1
        time.sleep(60)
time.sleep(60)
"""
    assert "more than 512 MB of memory" in await said(python, many)


async def test_a_fork_bomb_goes_out(python: RunPython, beside: Beside) -> None:
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        os._exit(0)"
    before = len(psutil.pids())
    await said(python, code)
    assert left(beside) == {}
    assert len([pid for pid in psutil.pids() if alive(pid)]) < before + 20


def alive(pid: int) -> bool:
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


async def test_a_daemon_does_not_outlive_its_call(python: RunPython) -> None:
    seconds = f"{time.time():.0f}.25"
    code = f"""
import os, subprocess
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp('sleep', ['sleep', '{seconds}'])
    os._exit(0)
os.wait()
print('daemon started')
"""
    assert "daemon started" in await said(python, code)
    running = [p for p in psutil.process_iter(["cmdline", "status"]) if seconds in (p.info["cmdline"] or [])]
    assert running == []


async def test_closed_outputs_do_no_harm(python: RunPython) -> None:
    assert "Value: 5" in await said(python, "import os\nprint('x')\nos.close(1)\nos.close(2)\n5")
    assert "Output:\nx\nValue: 5" in await said(python, "import sys\nprint('x')\nsys.stdout.close()\n5")


async def test_code_in_pieces_gives_what_it_gives_whole(python: RunPython) -> None:
    code = (
        "import os\nopen('a', 'w').close()\nfor i in range(3):\n    print(i)\nelse:\n    print('end')\nos.listdir('.')"
    )
    token = await python.begin()
    for line in code.splitlines(keepends=True):
        await python.feed(token, ArgumentPart(field="code", value=line, complete=False))
    assert await python.finish(token, {"code": code}) == await python.call({"code": code})


async def test_statements_run_while_the_rest_is_awaited(python: RunPython) -> None:
    token = await python.begin()
    await python.feed(token, ArgumentPart(field="code", value="print('one')\nx = 1\n", complete=False))
    printed = python._begun[token].program._outputs[0].kept
    async with asyncio.timeout(30):
        while not printed:
            await asyncio.sleep(0.02)
    assert (await python.finish(token, {"code": "print('one')\nx = 1\nx"})).text.startswith("Output:\none\nValue: 1")


async def test_a_call_that_turns_out_otherwise_runs_what_it_says(python: RunPython) -> None:
    token = await python.begin()
    await python.feed(token, ArgumentPart(field="code", value="print('fed')\n", complete=False))
    assert (await python.finish(token, {"code": "print('asked')"})).text.startswith("Output:\nasked")


async def test_an_aborted_call_leaves_nothing(python: RunPython, beside: Beside) -> None:
    token = await python.begin()
    await python.feed(token, ArgumentPart(field="code", value="import time\ntime.sleep(60)\nx\n", complete=False))
    await python.abort(token)
    await python.abort(token)
    assert left(beside) == {}


async def test_a_cancelled_call_leaves_nothing(python: RunPython, beside: Beside) -> None:
    call = asyncio.create_task(python.call({"code": "import time\ntime.sleep(60)"}))
    await asyncio.sleep(0.5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert left(beside) == {}


async def test_without_a_sandbox_it_refuses_or_says_so() -> None:
    way = working("limits")
    with pytest.raises(ToolFailure, match=r"tools\.unsandboxed_python"):
        await RunPython(isolation=way).call({"code": "1"})
    assert "[This code was not sandboxed: " in await said(RunPython(isolation=way, unsandboxed=True), "1")


def test_the_doctor_says_what_holds_and_what_does_not() -> None:
    held = SandboxDiagnostic(unsandboxed=False, isolation=lambda: Isolation(kind="bubblewrap")).examine()[0]
    assert (held.health, "no network" in held.detail) == ("ok", True)
    off = SandboxDiagnostic(unsandboxed=False, isolation=lambda: Isolation(kind="limits")).examine()[0]
    assert (off.health, "run_python is off" in off.detail) == ("missing", True)
    opened = SandboxDiagnostic(unsandboxed=True, isolation=lambda: Isolation(kind="limits")).examine()[0]
    assert (opened.health, "nothing keeps code from the network" in opened.detail) == ("broken", True)
    assert SandboxDiagnostic(unsandboxed=True, isolation=lambda: None).examine()[0].health == "missing"
