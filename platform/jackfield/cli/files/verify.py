"""`jackfield files verify`: whether files, versions, bytes and index agree."""

from __future__ import annotations

import sys

import click
import msgspec

from jackfield.cli.call_lines import count
from jackfield.cli.files.addresses import json_option
from jackfield.cli.files.sentences import cell
from jackfield.cli.files.with_library import with_library
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.contracts.files import Fault

COLUMNS = ("FAULT", "WHERE", "WHAT", "")


@click.command("verify")
@click.option("--deep", is_flag=True, help="Read every byte, which may take long.")
@click.option("--repair", is_flag=True, help="Mend the index and counts, and remove bytes that nothing refers to.")
@json_option
@pass_session
def command(session: Session, deep: bool, repair: bool, as_json: bool) -> None:
    """Hold the files, versions, bytes and index of all collections against each other.

    Exits with 1 where anything is left that does not agree.
    """
    report = with_library(session, lambda library: library.verify(deep=deep, repair=repair))
    left = [fault for fault in report.faults if not fault.mended]
    if as_json:
        print_json({**msgspec.structs.asdict(report), "sound": report.sound})
    else:
        if report.faults:
            print_table(COLUMNS, map(_row, report.faults))
        looked_at = {"file": report.files, "version": report.versions, "blob": report.blobs, "passage": report.passages}
        listed = ", ".join(count(number, thing) for thing, number in looked_at.items())
        say(f"Looked at {listed}: {_found(len(report.faults), len(left))}")
    if not report.sound:
        sys.exit(1)


def _row(fault: Fault) -> tuple[str, ...]:
    return (fault.kind.replace("_", " "), cell(fault.where), cell(fault.detail), "mended" if fault.mended else "")


def _found(faults: int, left: int) -> str:
    if not faults:
        return "all agree."
    if not left:
        return f"{count(faults, 'fault')}, mended."
    return f"{count(left, 'fault')} left. `--repair` mends what can be mended; lost bytes it only reports."
