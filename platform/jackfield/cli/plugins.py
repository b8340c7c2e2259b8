"""`jackfield plugins`: what is plugged in, what is not and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
import msgspec

from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.errors import PluginNotFound
from jackfield.plugin_host import PluginHost, PluginReport, disabled_by_variable, set_enabled
from jackfield.settings_file import settings_path

COLUMNS = ("NAME", "VERSION", "FROM", "STATE", "HOOKS")
COLOURS = {"loaded": "green", "failed": "red", "disabled": "yellow", "skipped": "yellow"}


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a plugin offers, and through which hook."""

    hook: str
    name: str
    summary: str


@click.group("plugins")
def group() -> None:
    """List, enable and disable plugins."""


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the plugins as JSON.")
@pass_session
def list_plugins(session: Session, as_json: bool) -> None:
    """List every installed plugin, with the reason where one failed."""
    reports = session.plugins.reports()
    if as_json:
        print_json(reports)
    else:
        _print_reports(reports)


@group.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the plugin as JSON.")
@pass_session
def show_plugin(session: Session, name: str, as_json: bool) -> None:
    """Show one plugin and what it offers."""
    report = _report(session.plugins, name)
    offers = _registrations(session.plugins, name)
    if as_json:
        print_json({**msgspec.structs.asdict(report), "offers": offers})
        return
    click.echo(f"{report.name} {report.version} ({report.distribution}, module {report.module})")
    click.echo(f"state: {click.style(report.state, fg=COLOURS[report.state])}")
    if report.error:
        click.echo(click.style(f"reason: {report.error}", fg="red"))
    for offer in offers:
        click.echo(f"  {offer.hook.removeprefix('jackfield_')}: {offer.name}  {offer.summary}".rstrip())


@group.command("enable")
@click.argument("name")
def enable_plugin(name: str) -> None:
    """Let a plugin load from the next start on."""
    set_enabled(name, True)
    say(f"Plugin '{name}' loads from the next start on (kept in {settings_path()}).")
    _say_what_wins()


@group.command("disable")
@click.argument("name")
def disable_plugin(name: str) -> None:
    """Keep a plugin off from the next start on."""
    set_enabled(name, False)
    say(f"Plugin '{name}' stays off from the next start on (kept in {settings_path()}).")
    _say_what_wins()


def _say_what_wins() -> None:
    if by_variable := disabled_by_variable():
        variable, names = by_variable
        say(f"As long as {variable} is set, what it names stays off instead: {', '.join(names) or 'nothing'}.")


def _print_reports(reports: Sequence[PluginReport]) -> None:
    rows = [
        (
            report.name,
            report.version,
            report.distribution,
            click.style(report.state, fg=COLOURS[report.state]),
            ", ".join(hook.removeprefix("jackfield_") for hook in report.hooks),
        )
        for report in reports
    ]
    if not sys.stdout.isatty():
        errors = (report.error or "" for report in reports)
        print_table((*COLUMNS, "ERROR"), [(*row, error) for row, error in zip(rows, errors, strict=True)])
        return
    print_table(COLUMNS, rows)
    for report in reports:
        if report.error:
            click.echo(click.style(f"{report.name}: {report.error}", fg="red"))


def _report(host: PluginHost, name: str) -> PluginReport:
    for report in host.reports():
        if report.name == name:
            return report
    names = ", ".join(report.name for report in host.reports()) or "none"
    raise PluginNotFound(f"No plugin named '{name}' is installed; there are {names}.")


def _registrations(host: PluginHost, plugin: str) -> list[Registration]:
    return [
        Registration(hook=hook, name=name, summary=host.registry.shelf(hook).summary(name))
        for hook in _report(host, plugin).hooks
        for name in host.registry.shelf(hook).names()
        if host.registry.shelf(hook).owner(name) == plugin
    ]
