"""`jackfield doctor`: what is installed, what is missing, how to mend it."""

from __future__ import annotations

import asyncio
import platform
import socket
import sys
from collections.abc import Sequence

import click

from jackfield.cli.doctor_files import file_findings
from jackfield.cli.doctor_services import service_findings
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.diagnostics import Finding
from jackfield.contracts.models import InstalledModel
from jackfield.errors import JackfieldError
from jackfield.settings_file import settings_path
from jackfield.version import __version__

MARKS = {"ok": ("ok", "green"), "missing": ("missing", "yellow"), "broken": ("broken", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@pass_session
def command(session: Session, as_json: bool) -> None:
    """Say what is installed, what is missing, and how to mend it; exits with 1 where something needed fails."""
    findings = _examined(session)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            _print(finding)
    failing = [finding for finding in findings if finding.health != "ok" and not finding.optional]
    if failing:
        say(f"{len(failing)} of {len(findings)} findings need mending.")
        sys.exit(1)


def _examined(session: Session) -> list[Finding]:
    findings = [
        Finding(subject="jackfield", health="ok", detail=f"{__version__} on Python {platform.python_version()}")
    ]
    try:
        settings = session.settings
    except JackfieldError as error:
        return [
            *findings,
            Finding(subject="settings", health="broken", detail=error.message, remedy="Mend that setting."),
        ]
    path = settings_path()
    findings.append(
        Finding(
            subject="settings",
            health="ok",
            detail=str(path) if path.exists() else f"{path} (not there; defaults hold)",
        )
    )
    findings += _plugins(session)
    findings += _diagnostics(session)
    findings += asyncio.run(service_findings(session))  # first, for what follows brings the tables up to date
    findings += asyncio.run(_state(session))
    findings += asyncio.run(file_findings(session))
    findings.append(_port(settings.server.host, settings.server.port))
    return findings


def _plugins(session: Session) -> list[Finding]:
    reports = session.plugins.reports()
    loaded = [report.name for report in reports if report.state == "loaded"]
    findings = [
        Finding(
            subject=f"plugin {report.name}",
            health="broken",
            detail=report.error or "",
            remedy=f"Mend or uninstall {report.distribution}, or: jackfield plugins disable {report.name}",
            optional=True,
        )
        for report in reports
        if report.state == "failed"
    ]
    return [Finding(subject="plugins", health="ok", detail=", ".join(loaded) or "none loaded"), *findings]


def _diagnostics(session: Session) -> list[Finding]:
    findings: list[Finding] = []
    shelf = session.plugins.registry.diagnostics
    for name in shelf.names():
        try:
            findings += shelf.get(name).examine()
        except JackfieldError as error:
            findings.append(Finding(subject=name, health="broken", detail=error.message))
        except Exception as error:  # noqa: BLE001 - the boundary between the doctor and a plugin's code
            said = f"plugin '{shelf.owner(name)}' failed to examine it: {type(error).__name__}: {error}"
            findings.append(Finding(subject=name, health="broken", detail=said))
    return findings


async def _state(session: Session) -> list[Finding]:
    """The data folder, the database and the installed models, by opening them as every command does."""
    from jackfield.wiring import open_catalog

    where = f"{session.settings.home}"
    try:
        async with open_catalog(session.settings, session.plugins) as catalog:
            models = await catalog.all()
    except JackfieldError as error:
        return [
            Finding(
                subject="data folder",
                health="broken",
                detail=error.message,
                remedy="Mend what the sentence names.",
            )
        ]
    return [
        Finding(subject="data folder", health="ok", detail=where),
        *await asyncio.to_thread(_models, models),
        _search(session.settings.files.embedding_model, models),
    ]


def _models(models: Sequence[InstalledModel]) -> list[Finding]:
    """The models whose files are in place, in one finding, and one for each that is not."""
    from jackfield.models.in_place import file_fault, mending_commands

    if not models:
        remedy = "jackfield models pull starter --default"
        return [
            Finding(subject="models", health="missing", detail="none is installed yet", remedy=remedy, optional=True)
        ]
    faults = {model.name: fault for model in models if (fault := file_fault(model))}
    broken = [
        Finding(
            subject=f"model {model.name}",
            health="broken",
            detail=f"{faults[model.name]}.",
            remedy=" && ".join(mending_commands(model)),
        )
        for model in models
        if model.name in faults
    ]
    whole = ", ".join(model.name for model in models if model.name not in faults)
    return [*([Finding(subject="models", health="ok", detail=whole)] if whole else []), *broken]


def _search(model: str, models: Sequence[InstalledModel]) -> Finding:
    """By what semantic files and memories are found."""
    if model in [each.name for each in models]:
        return Finding(subject="search", health="ok", detail=f"files are found by meaning ({model}) and by their words")
    return Finding(
        subject="search",
        health="missing",
        detail=f"files are found by their words only: '{model}' is not installed (files.embedding_model)",
        remedy="jackfield models pull embeddings",
        optional=True,
    )


def _port(host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=1):
            return Finding(subject="server", health="ok", detail=f"something listens on {host}:{port}")
    except OSError:
        return Finding(
            subject="server",
            health="missing",
            detail=f"nothing listens on {host}:{port}",
            remedy="jackfield serve",
            optional=True,
        )


def _print(finding: Finding) -> None:
    word, colour = MARKS[finding.health]
    click.echo(f"{click.style(f'{word:8}', fg=colour)} {finding.subject}: {finding.detail}")
    if finding.remedy and finding.health != "ok":
        click.echo(f"{'':8} → {finding.remedy}")
