"""Debian's packages for tests, where CI runs as root; what cannot be installed leaves its tests out, no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache

WAIT_FOR_OTHERS = "DPkg::Lock::Timeout=120"
GIVE_UP = ("-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30")
SECONDS = 300.0


def install_in_ci(package: str) -> None:
    """Install a package if this is CI, we are root and apt is here; it starts no service of the machine's own."""
    if os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get") and _lists_are_new():
        print(f"Installing {package} …", flush=True)
        _apt("install", "--yes", "--no-install-recommends", package)


@cache
def _lists_are_new() -> bool:
    return _apt("update")


def _apt(*arguments: str) -> bool:
    """Whether apt did as it was told; what it complains of is shown."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["/usr/bin/env", "apt-get", "-q", "-o", WAIT_FOR_OTHERS, *GIVE_UP, *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (subprocess.TimeoutExpired, OSError) as error:
        print(f"apt-get {arguments[0]} gave no result: {error}", file=sys.stderr, flush=True)
        return False
    if done.returncode:
        print(f"apt-get {arguments[0]} failed:\n{done.stderr[-2000:]}", file=sys.stderr, flush=True)
    return done.returncode == 0
