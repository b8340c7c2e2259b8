"""How long llama.cpp's threads wait for each other by spinning before they sleep.

A forward pass has a thousand barriers, and GNU OpenMP spins for milliseconds at each. Where something else runs on the
same cores, a thread spins while the one that it waits for has no core. Milliseconds a token, SmolLM2 512 tokens in,
two threads on two cores (Sapphire Rapids): alone 13 with GNU's own count, 13 with this one, 16 with half of it, 42 with
none; beside a busy process 137 and up to 3,400 with GNU's own, 55 with this one.

Each thread that owns a model has OpenMP threads of its own. Once there are more of them than processors, as with a
second model loaded, GNU's spins a hundred rounds only, though the others sleep: 45 milliseconds a token. The active
policy makes that a thousand: 15.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "GOMP_SPINCOUNT"
POLICY, ACTIVE = "OMP_WAIT_POLICY", "active"
ROUNDS = 2000
"""About 120 microseconds on processors whose PAUSE takes 140 cycles: Intel's since Skylake."""

CPU_INFORMATION = Path("/proc/cpuinfo")


@contextmanager
def limited_spinning(cpu_information: Path = CPU_INFORMATION) -> Iterator[None]:
    """What loads OpenMP inside this block gets our count; someone's own setting and other processors are left alone."""
    if {VARIABLE, POLICY} & set(os.environ) or not _pauses_long(cpu_information):
        yield
        return
    os.environ |= {VARIABLE: str(ROUNDS), POLICY: ACTIVE}
    try:
        yield
    finally:
        del os.environ[VARIABLE], os.environ[POLICY]


def _pauses_long(cpu_information: Path) -> bool:
    try:
        first = cpu_information.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return False
    return "GenuineIntel" in first and " clflushopt " in first
