"""`jackfield bench calls`: how well a model calls, and how little it waits for what it called."""

from __future__ import annotations

import click

from jackfield_plugins.function_calls.bench import accuracy_command, latency_command


@click.group("calls")
def group() -> None:
    """Measure calls of tools: whether they are the right ones, and how soon their results are there."""


group.add_command(latency_command.command)
group.add_command(accuracy_command.command)
