"""How a program is kept from the rest of the machine: the best of three ways that works here."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import msgspec
import psutil  # type: ignore[import-untyped]

Kind = Literal["bubblewrap", "namespaces", "limits"]

SCRATCH = "/scratch"
SCRATCH_BYTES = 64 << 20
NOBODY = 65534
PROBE_SECONDS = 20
PROGRAM = "import socket, subprocess\nopen('written', 'w').write('x')\n6 * 7"
WORKED = b'"42"'
HERE = Path(__file__).parent
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": SCRATCH, "TMPDIR": SCRATCH}

MOUNTED = ("/usr",)
LINKED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
NAMESPACES = ("--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one program may use: seconds, bytes and counts. `wall` counts from when all of the code is there."""

    wall: float = 20.0
    processor: int = 10
    memory: int = 512 << 20
    file_size: int = 32 << 20
    processes: int = 32
    open_files: int = 64

    def of_a_process(self, beside: int) -> dict[str, int]:
        """As `resource` names them; the user's processes count, `beside` of which are not the program's."""
        return {
            "RLIMIT_CPU": self.processor,
            "RLIMIT_AS": self.memory,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NPROC": self.processes + beside,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
        }


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """One way; `user` is whom the program becomes, `wrapper` what goes before the interpreter."""

    kind: Kind
    wrapper: tuple[str, ...] = ()
    user: int | None = None
    python: str = msgspec.field(default_factory=lambda: interpreter())

    @property
    def holds(self) -> bool:
        """Whether the network and the machine's files are out of reach."""
        return self.kind != "limits"

    def driver(self, result: int, limits: Limits) -> list[str]:
        """The driver, which tells its result on a descriptor; the reaper is above all."""
        settings = {"result": result, "user": self.user, "limits": limits.of_a_process(self._beside())}
        code = (HERE / "driver.py").read_text(encoding="utf-8")
        reaper = [interpreter(), "-I", "-S", "-c", (HERE / "reaper.py").read_text(encoding="utf-8")]
        return [*reaper, *self.wrapper, self.python, "-I", "-B", "-X", "utf8", "-c", code, json.dumps(settings)]

    def scratch(self) -> Path | None:
        """A new folder for one program, where none of its own is made for it."""
        if self.holds:
            return None
        folder = Path(tempfile.mkdtemp(prefix="jackfield-python-"))
        if self.user is not None:
            os.chown(folder, self.user, self.user)
        return folder

    def _beside(self) -> int:
        """Threads of the same user that count against its limit: none in namespaces of an unprivileged user's own."""
        user = self.user if self.user is not None else os.getuid()
        if self.holds and self.user is None and _kernel() >= (5, 14):
            return 0
        return sum(threads for threads, owner in _threads() if owner == user)


@functools.cache
def working_isolation() -> Isolation | None:
    """The best way that works on this machine, found out once by trying, which takes up to a second; None: no way."""
    candidates = (_bubblewrap(), _namespaces(), only_limits())
    return next((way for way in candidates if way and works(way)), None)


def works(way: Isolation) -> bool:
    """Whether a program runs in it to its end."""
    result, told = os.pipe()
    folder = way.scratch()
    try:
        subprocess.run(  # noqa: S603 - the command is our own
            way.driver(told, Limits()),
            input=f"{json.dumps(PROGRAM)}\nnull\n".encode(),
            env=ENVIRONMENT,
            cwd=folder or "/",
            capture_output=True,
            pass_fds=(told,),
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        os.close(told)
        with os.fdopen(result, "rb") as file:
            said = file.read()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return WORKED in said


def only_limits() -> Isolation:
    """No way to keep a program apart, only to keep it small; root gives its rights away, lest limits mean nothing."""
    return Isolation(kind="limits", user=NOBODY if os.geteuid() == 0 else None)


def interpreter() -> str:
    """The interpreter that a virtual environment was made from."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def shown_folders() -> list[str]:
    """What the interpreter needs that is not under /usr."""
    wanted = {sys.base_prefix, sys.base_exec_prefix, str(Path(interpreter()).parent)}
    outside = sorted(
        os.path.realpath(path) for path in wanted if not Path(os.path.realpath(path)).is_relative_to("/usr")
    )
    return [
        path for path in outside if not any(path != other and Path(path).is_relative_to(other) for other in outside)
    ]


def _bubblewrap() -> Isolation | None:
    program = shutil.which("bwrap")
    if program is None:
        return None
    root = os.geteuid() == 0
    rights = (
        "--cap-drop",
        "ALL",
        *(("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID") if root else ("--unshare-user",)),
    )
    apart = ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    scratch = ("--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH, "--symlink", SCRATCH, "/tmp")  # noqa: S108
    closed = ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH, "--")
    wrapper = (program, *rights, *apart, "--die-with-parent", *_seen(), "--dev", "/dev", *scratch, *closed)
    return Isolation(kind="bubblewrap", wrapper=wrapper, user=NOBODY if root else None)


def _seen() -> list[str]:
    """What bubblewrap shows of the machine, for reading."""
    seen = []
    for path in (*MOUNTED, *LINKED):
        if Path(path).is_symlink():
            seen += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).is_dir():
            seen += ["--ro-bind", path, path]
    for path in shown_folders():
        for above in reversed(Path(path).parents[:-1]):
            seen += ["--perms", "0755", "--dir", str(above)]
        seen += ["--ro-bind", path, path]
    return [*seen, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def _namespaces() -> Isolation | None:
    needed = [shutil.which(name) for name in ("unshare", "setpriv", "sh")]
    unshare, setpriv, shell = needed
    if unshare is None or setpriv is None or shell is None:
        return None
    root = os.geteuid() == 0
    mapped = () if root else ("--user", "--map-root-user")
    script = (HERE / "namespaces.sh").read_text(encoding="utf-8")
    build = (shell, "-c", script, "sandbox", "keep" if root else "drop", str(SCRATCH_BYTES), "\n".join(shown_folders()))
    wrapper = (unshare, *mapped, *NAMESPACES, "--", *build)
    return Isolation(kind="namespaces", wrapper=wrapper, user=NOBODY if root else None)


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2] if part.isdigit())


def _threads() -> list[tuple[int, int]]:
    """How many threads each process has, and whose they are."""
    found = []
    for process in psutil.process_iter(["num_threads", "uids"]):
        threads, uids = process.info["num_threads"], process.info["uids"]
        if threads is not None and uids is not None:
            found.append((threads, uids.real))
    return found
