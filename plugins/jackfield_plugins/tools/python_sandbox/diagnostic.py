"""What `jackfield doctor` says of the Python sandbox."""

from __future__ import annotations

from collections.abc import Callable

from jackfield.contracts.diagnostics import Finding, Health
from jackfield_plugins.tools.python_sandbox.isolation import Isolation, working_isolation

SUBJECT = "Python sandbox"
REMEDY = "Install bubblewrap, or let unprivileged users make user namespaces."
OPEN = "neither bubblewrap nor namespaces work here, so nothing keeps code from the network and this machine's files"


class SandboxDiagnostic:
    """Tries the sandbox."""

    def __init__(self, *, unsandboxed: bool, isolation: Callable[[], Isolation | None] = working_isolation) -> None:
        self._unsandboxed = unsandboxed
        self._isolation = isolation

    def examine(self) -> tuple[Finding, ...]:
        """One finding: what keeps a program apart, or what does not hold."""
        return (self._finding(self._isolation()),)

    def _finding(self, way: Isolation | None) -> Finding:
        if way is not None and way.holds:
            detail = f"{way.kind}: no network, no files of this machine but Python's own, limits on time and memory"
            return Finding(subject=SUBJECT, health="ok", detail=detail)
        if way is None:
            detail = f"{OPEN}; run_python does not work"
            return Finding(subject=SUBJECT, health="missing", detail=detail, remedy=REMEDY, optional=True)
        state = (
            "run_python runs it all the same (tools.unsandboxed_python)" if self._unsandboxed else "run_python is off"
        )
        health: Health = "broken" if self._unsandboxed else "missing"
        return Finding(subject=SUBJECT, health=health, detail=f"{OPEN}; {state}", remedy=REMEDY, optional=True)
