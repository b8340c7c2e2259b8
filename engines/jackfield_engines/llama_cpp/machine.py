"""What this process may use of the machine: cores and memory, inside a container too."""

from __future__ import annotations

import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cpus: Path = CPUS, cgroup: Path = CGROUP) -> int:
    """Physical cores that this process may run on, at least 1: threads that share a core only wait for each other."""
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        cores = len({_siblings(cpus, number) for number in allowed})
    else:
        cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    quota = _quota(cgroup)
    return max(1, min(cores, int(quota) if quota else cores))


def available_memory(cgroup: Path = CGROUP) -> int:
    """Bytes that can be taken without swapping, within the container's limit if there is one."""
    free = int(psutil.virtual_memory().available)
    limit = _read(cgroup / "memory.max")
    used = _read(cgroup / "memory.current")
    if not limit.isdigit() or not used.isdigit():
        return free
    return max(0, min(free, int(limit) - int(used) + _reclaimable(cgroup)))


def _siblings(cpus: Path, number: int) -> str:
    return _read(cpus / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number)


def _quota(cgroup: Path) -> float | None:
    """Processors' worth of time that a container may use, None when it is not limited."""
    share, _, period = _read(cgroup / "cpu.max").partition(" ")
    return int(share) / int(period) if share.isdigit() and period.isdigit() else None


def _reclaimable(cgroup: Path) -> int:
    """File pages that the container would give up first; mapped weights are among them."""
    for line in _read(cgroup / "memory.stat").splitlines():
        name, _, size = line.partition(" ")
        if name == "inactive_file":
            return int(size)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
