"""Build llama-cpp-python once for this machine and keep the wheel.

It comes as source and compiles for minutes. pip's own wheel cache does not know which CMAKE_ARGS a wheel was
built with, nor for which processor, so the wheel is kept in a folder of its own whose name says both.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from watched_command import CommandFailed, Stage, run_watched

PACKAGE = "llama-cpp-python"
C_COMPILERS = ["cc", "gcc", "clang"]
CXX_COMPILERS = ["c++", "g++", "clang++"]
SWITCHES = "-DLLAVA_BUILD=OFF"
PRESETS = Path(__file__).with_name("engine_only.cmake")
PIP_WHEEL = (
    *(sys.executable, "-m", "pip", "wheel", "--verbose", "--no-input", "--disable-pip-version-check"),
    *("--no-cache-dir", "--no-deps", "--require-hashes"),
)
COMPILED = re.compile(r"^\s*\[\s*(?:(\d+)/(\d+)|(\d+)%)\]")
STAGES = {
    "Downloading": "fetching the source",
    "Installing build dependencies": "fetching build tools",
    "Preparing metadata": "reading the source",
    "Configuring CMake": "configuring",
    "Installing project": "packing",
}


class ToolMissing(Exception):
    """Something must be installed first; the message says what and how."""


def main(arguments: list[str]) -> int:
    """Print the path of the wheel of a lock's engine, which an image is built with; gives an exit status."""
    try:
        print(engine_wheel(Path(arguments[0])))
    except (ToolMissing, CommandFailed) as error:
        tail = f"{error.tail()}\n\n" if isinstance(error, CommandFailed) else ""
        print(f"{tail}error: {error}", file=sys.stderr)
        return 1
    return 0


def engine_wheel(lock: Path) -> Path:
    """The wheel for this machine and CMAKE_ARGS, built if need be; raises ToolMissing or CommandFailed."""
    requirement = pinned_requirement(lock)
    folder = wheel_folder(requirement, os.environ.get("CMAKE_ARGS", ""))
    return built_wheel(folder) or _build(requirement, folder)


def pinned_requirement(lock: Path) -> str:
    """The lock's lines for the engine: its version and the hashes its source may have."""
    block = re.search(rf"^{PACKAGE}==.*\n(?:    --hash.*\n?)+", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if block is None:
        raise ToolMissing(f"{lock} does not pin {PACKAGE}; run `make lock`.")
    return block[0]


def wheel_folder(requirement: str, cmake_args: str) -> Path:
    """Where a wheel of this source, these options and this processor is kept."""
    made_of = (
        requirement,
        SWITCHES,
        cmake_args,
        PRESETS.read_text(encoding="utf-8"),
        sysconfig.get_platform(),
        _processor(),
    )
    digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]
    version = re.split(r"[=\s]+", requirement)[1]
    return cache_folder() / "wheels" / f"{PACKAGE}-{version}-{digest}"


def cache_folder() -> Path:
    """Jackfield's folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jackfield"


def built_wheel(folder: Path) -> Path | None:
    """The wheel in a folder, None where it has not been built."""
    return next(iter(folder.glob("*.whl")), None)


def stage_of(line: str) -> Stage | None:
    """How far the build is, from a line of pip's, CMake's, ninja's or make's."""
    if compiled := COMPILED.match(line):
        step, steps, percent = compiled.groups()
        return Stage("compiling", int(step or percent), int(steps or 100))
    return next((Stage(name) for sign, name in STAGES.items() if sign in line), None)


def _build(requirement: str, folder: Path) -> Path:
    _check_compilers()
    log = cache_folder() / "build-engine.log"
    print(f"{PACKAGE} comes as source: it is compiled once for this machine and kept in {folder.parent}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as scratch:
        pinned = Path(scratch, "engine.txt")
        pinned.write_text(requirement, encoding="utf-8")
        out = Path(scratch, "wheel")
        command = [*PIP_WHEEL, "--requirement", str(pinned), "--wheel-dir", str(out)]
        env = {**os.environ, "CMAKE_ARGS": _cmake_args()}
        run_watched(f"Compiling {PACKAGE}", command, stage_of, log, env=env)
        if not folder.exists():
            out.rename(folder)
    wheel = built_wheel(folder)
    assert wheel is not None
    return wheel


def _cmake_args() -> str:
    """Ours first, so that the user's CMAKE_ARGS win."""
    presets = shlex.quote(f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={PRESETS}")
    return f"{SWITCHES} {presets} {os.environ.get('CMAKE_ARGS', '')}"


def _check_compilers() -> None:
    for variable, language, names in (("CC", "C", C_COMPILERS), ("CXX", "C++", CXX_COMPILERS)):
        chosen = shlex.split(os.environ.get(variable, ""))[:1] or names
        if not any(shutil.which(name) for name in chosen):
            raise ToolMissing(
                f"No {language} compiler was found (looked for {', '.join(chosen)}); install one, "
                "with `apt install build-essential`, `dnf install gcc-c++` or `xcode-select --install`."
            )


def _processor() -> str:
    """What the compiler tunes for; a cache folder may be shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
