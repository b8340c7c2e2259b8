"""How long the command line takes to start: median and quickest of several runs, in milliseconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
COMMANDS = (["--help"], ["--version"], ["plugins", "list"], ["models", "--help"])


def milliseconds(arguments: list[str]) -> float:
    """One run, in a process of its own."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "jackfield", *arguments], stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """One line a command."""
    for arguments in COMMANDS:
        milliseconds(arguments)
        taken = [milliseconds(arguments) for _ in range(RUNS)]
        name = "jackfield " + " ".join(arguments)
        print(f"{name:28} median {statistics.median(taken):5.0f} ms   quickest {min(taken):5.0f} ms")


if __name__ == "__main__":
    main()
