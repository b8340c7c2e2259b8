"""What this process may use, as the system tells it."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from jackfield_engines.llama_cpp.machine import available_memory, usable_cores
from jackfield_engines.llama_cpp.spinning import VARIABLE, limited_spinning

NOWHERE = Path("/nowhere")


def cpus(folder: Path, siblings: str) -> Path:
    """A machine whose processors all say this of who shares their core; `{}` stands for themselves."""
    for number in os.sched_getaffinity(0):
        topology = folder / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(siblings.format(number) + "\n")
    return folder


def cgroup(folder: Path, **files: str) -> Path:
    """A container's limits."""
    for name, content in files.items():
        (folder / name.replace("_", ".", 1)).write_text(content + "\n")
    return folder


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell which cores are allowed")
def test_threads_that_share_a_core_count_once(tmp_path: Path) -> None:
    allowed = len(os.sched_getaffinity(0))
    assert usable_cores(cpus(tmp_path / "own", "{}"), NOWHERE) == allowed
    assert usable_cores(cpus(tmp_path / "shared", "0-63"), NOWHERE) == 1
    assert usable_cores(NOWHERE, NOWHERE) == allowed


def test_a_container_s_share_of_the_processors_is_the_limit(tmp_path: Path) -> None:
    unlimited = usable_cores(cgroup=cgroup(tmp_path, cpu_max="max 100000"))
    assert usable_cores(cgroup=cgroup(tmp_path, cpu_max="100000 100000")) == 1
    assert usable_cores(cgroup=cgroup(tmp_path, cpu_max="50000 100000")) == 1
    assert usable_cores(cgroup=cgroup(tmp_path, cpu_max="6400000 100000")) == unlimited


def test_a_container_s_memory_is_the_limit(tmp_path: Path) -> None:
    free = psutil.virtual_memory().available
    assert available_memory(NOWHERE) == pytest.approx(free, rel=0.2)
    small = cgroup(tmp_path, memory_max="1000000", memory_current="700000", memory_stat="anon 5\ninactive_file 200000")
    assert available_memory(small) == 500_000
    assert available_memory(cgroup(tmp_path, memory_max="max")) == pytest.approx(free, rel=0.2)
    full = cgroup(tmp_path, memory_max="1000000", memory_current="2000000")
    assert available_memory(full) == 0


def test_spinning_is_limited_where_it_was_measured_and_nobody_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = tmp_path / "known", tmp_path / "other"
    known.write_text("vendor_id : GenuineIntel\nflags : sse2 clflushopt avx2\n\nprocessor : 1\n")
    other.write_text("vendor_id : AuthenticAMD\nflags : sse2 clflushopt avx2\n\n")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with limited_spinning(known):
        assert os.environ[VARIABLE] == "2000"
    for place in (other, NOWHERE):
        with limited_spinning(place):
            assert VARIABLE not in os.environ
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with limited_spinning(known):
        assert VARIABLE not in os.environ
    monkeypatch.setenv(VARIABLE, "7")
    with limited_spinning(known):
        assert os.environ[VARIABLE] == "7"
