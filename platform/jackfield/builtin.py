"""What the platform itself plugs in, by the same hooks as everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.executors import ExecutorFactory


@hookimpl
def jackfield_executors() -> list[Provided[ExecutorFactory]]:
    """Runs in the process that asks, or on workers."""
    return [
        Provided("inline", _inline, "runs execute in this process"),
        Provided("celery", _celery, "runs execute on workers, which `jackfield worker` starts"),
    ]


def _inline() -> ExecutorFactory:
    from jackfield.jobs.inline import InlineExecutor

    return InlineExecutor


def _celery() -> ExecutorFactory:
    from jackfield.jobs.celery_executor import CeleryExecutor

    return CeleryExecutor
