"""Registers the call protocols, each imported when a run first needs it, and the bench of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from jackfield.contracts.protocols import CallProtocol


@hookimpl
def jackfield_call_protocols() -> list[Provided[CallProtocol]]:
    """Calls as models were trained to write them, calls that cannot be broken, calls that are answered meanwhile."""
    return [
        Provided("native", _native, "calls as the model's own template teaches them"),
        Provided("constrained", _constrained, "the same, held to the tools' names and schemas"),
        Provided("cautious", _cautious, "held likewise, and shown only tools that seem made for what is asked"),
        Provided("interrupts", _interrupts, "results reach the model while it writes"),
    ]


@hookimpl
def jackfield_commands() -> list[Provided[click.Command]]:
    """`jackfield bench calls`."""
    return [Provided("bench calls", _bench, "How well models call, and how little they wait.")]


def _native() -> CallProtocol:
    from jackfield_plugins.function_calls.native import NativeProtocol

    return NativeProtocol()


def _constrained() -> CallProtocol:
    from jackfield_plugins.function_calls.constrained import ConstrainedProtocol

    return ConstrainedProtocol()


def _cautious() -> CallProtocol:
    from jackfield_plugins.function_calls.cautious import CautiousProtocol

    return CautiousProtocol()


def _interrupts() -> CallProtocol:
    from jackfield_plugins.function_calls.interrupts import InterruptsProtocol

    return InterruptsProtocol()


def _bench() -> click.Command:
    from jackfield_plugins.function_calls.bench.command import group

    return group
