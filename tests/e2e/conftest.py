"""`jackfield serve` with the starter model, as its users run it, for whichever official client asks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

STARTER = Path(
    os.environ.get("JACKFIELD_TEST_MODEL")
    or Path.home() / ".cache" / "jackfield-models" / "smollm2-135m-instruct-q4_1.gguf"
)
MODEL = "starter"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a fresh home, with the starter model pulled from its file."""
    if not STARTER.is_file():
        pytest.fail(f"The starter model is not at {STARTER}; `make test` brings it.")
    home = tmp_path_factory.mktemp("home")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
    environment |= {"JACKFIELD_HOME": str(home), "JACKFIELD_SETTINGS": str(home / "jackfield.toml")}
    jackfield = [sys.executable, "-m", "jackfield"]
    subprocess.run(
        [*jackfield, "models", "pull", str(STARTER), "--name", MODEL], env=environment, check=True, timeout=120
    )
    port = _free_port()
    log = (home / "serve.log").open("wb")
    with (
        log,
        subprocess.Popen([*jackfield, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", server, home / "serve.log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            assert server.wait(timeout=30) == 0, (home / "serve.log").read_text()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_ready(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"The server never got ready:\n{log.read_text()}")
