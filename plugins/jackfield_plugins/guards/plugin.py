"""Registers the guards, which every run with tools has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.guards import Guard


@hookimpl
def jackfield_guards() -> list[Provided[Guard]]:
    """The guard that asks where a call comes from."""
    return [Provided("provenance", _provenance, "text from tools, files and remote models commands nothing by itself")]


def _provenance() -> Guard:
    from jackfield_plugins.guards.provenance import ProvenanceGuard

    return ProvenanceGuard()
