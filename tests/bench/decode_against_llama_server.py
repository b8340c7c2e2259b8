"""`jackfield bench decode` beside the llama-server that tests/bench/build_llama_server made, on the same model file.

usage: python tests/bench/decode_against_llama_server.py [--file MODEL.gguf] [--server-flags="…"] [BENCH OPTIONS]

The file is $JACKFIELD_TEST_MODEL unless named. The server gets as many slots as the largest burst has clients, room in
each for the longest workload, and the engine's own number of threads; everything else is its default, with which every
slot has KV cells of its own. `--server-flags` adds to that: "--kv-unified" is the other way to lay them out, "-fa off"
the attention that Jackfield takes on a CPU, "--cache-ram 0" spares it from keeping old prompts in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS = 8
SLOT_TOKENS = 2560
START_SECONDS = 120
BUILD = Path(__file__).with_name("build_llama_server")


def main() -> int:
    """Bench both; gives the bench's exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server outlives this
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--file", metavar="MODEL.gguf", default=os.environ.get("JACKFIELD_TEST_MODEL"))
    parser.add_argument("--server-flags", default="", metavar="FLAGS")
    parser.add_argument("--threads", type=int, default=default_threads())
    chosen, options = parser.parse_known_args()
    if not chosen.file:
        parser.error("name a model file, or set JACKFIELD_TEST_MODEL")
    with tempfile.TemporaryDirectory() as folder:
        jackfield = Jackfield(Path(folder))
        jackfield.run("models", "pull", chosen.file, "--name", "bench", "--link", check=True)
        flags = shlex.split(chosen.server_flags)
        with llama_server(chosen.file, chosen.threads, flags, Path(folder, "server.log")) as address:
            asked = ("bench", "decode", "--model", "bench", "--peer", address, "--threads", str(chosen.threads))
            return jackfield.run(*asked, *options).returncode


class Jackfield:
    """The command, with settings and data that are gone afterwards."""

    def __init__(self, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "JACKFIELD_HOME": str(folder / "home"),
            "JACKFIELD_SETTINGS": str(folder / "jackfield.toml"),
        }

    def run(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end, its output ours."""
        command = [sys.executable, "-m", "jackfield", *arguments]
        return subprocess.run(command, env=self._environment, check=check)


@contextmanager
def llama_server(model: str, threads: int, flags: list[str], log: Path) -> Iterator[str]:
    """A llama-server's address while it runs."""
    address = f"http://127.0.0.1:{free_port()}"
    host, port = address.removeprefix("http://").split(":")
    layout = ["-np", str(SLOTS), "-c", str(SLOTS * SLOT_TOKENS), "-t", str(threads)]
    command = [built_server(), "-m", model, "--host", host, "--port", port, *layout, *flags]
    print(f"llama-server {shlex.join(command[3:])}", file=sys.stderr, flush=True)
    with log.open("wb") as record, subprocess.Popen(command, stdout=record, stderr=record) as server:
        try:
            wait_for_health(address, server, log)
            yield address
        finally:
            server.terminate()


def built_server() -> str:
    """The binary; ends with a sentence where it has not been built, which takes too long to come as a surprise."""
    known = subprocess.run([sys.executable, BUILD, "--where"], capture_output=True, text=True, check=True)
    binary = known.stdout.strip()
    if not Path(binary).exists():
        sys.exit(f"No llama-server is built yet; that takes about eleven minutes: {sys.executable} {BUILD}")
    return binary


def wait_for_health(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the model is loaded; ends with the log's last lines where that fails."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
                if json.load(answer).get("status") == "ok":
                    return
        except OSError:
            time.sleep(0.2)
    sys.exit("llama-server did not start:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-20:]))


def default_threads() -> int:
    """What the engine would choose."""
    from jackfield_engines.llama_cpp.machine import usable_cores

    return usable_cores()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
