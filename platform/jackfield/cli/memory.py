"""`jackfield memory`: what is remembered across conversations."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import IO, Any, TypeVar

import click

from jackfield.cli.model_pages import moment
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_workbench import with_workbench
from jackfield.contracts.memory import Asker, Memory, MemoryUnit, Recalled
from jackfield.errors import InvalidRequest, MemoryNotFound
from jackfield.workbench import Workbench

T = TypeVar("T")

LIST_COLUMNS = ("MEMORY", "KIND", "TEXT", "CHANGED", "UNTIL", "RECALLED")
SHOWN = 72
"""Characters of a text in a list."""
RUNS_NAMED = 5
"""That still have what was forgotten."""

OFF = (
    "Memory is off: nothing is taken from conversations. --memory switches it on for one, and memory.enabled in the "
    "settings for all at this terminal."
)

unit_argument = click.argument("unit_id", metavar="MEMORY")
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group("memory")
def group() -> None:
    """See, add and forget what is remembered of you.

    Facts are taken from what you say while memory is on, and recalled where they bear on a question. A kept text is
    what prompts begin with; a model reads it once.
    """


@group.command("ls")
@click.option("--about", metavar="WORDS", help="Only what would be recalled for these words, with how much it bears.")
@json_option
@pass_session
def list_units(session: Session, about: str | None, as_json: bool) -> None:
    """List what is remembered, the newest first."""

    async def listed(memory: Memory) -> tuple[MemoryUnit, ...] | tuple[Recalled, ...]:
        return await (memory.recall(about, asker=Asker(), limit=50) if about else _all(memory))

    found = _with_memory(session, listed)
    units = [one.unit if isinstance(one, Recalled) else one for one in found]
    if as_json:
        print_json(found)
    elif units or not sys.stdout.isatty():
        print_table(LIST_COLUMNS, map(_row, units))
    else:
        say("Nothing that bears on it is remembered." if about else "Nothing is remembered.")
    if not session.settings.memory.enabled and not as_json and sys.stdout.isatty():
        say(OFF)


@group.command("show")
@unit_argument
@json_option
@pass_session
def show_unit(session: Session, unit_id: str, as_json: bool) -> None:
    """Show one memory whole, with where it came from and what it said before."""

    async def found(memory: Memory) -> tuple[MemoryUnit, ...]:
        return await memory.versions((await _named(memory, unit_id)).id, asker=Asker())

    versions = _with_memory(session, found)
    if as_json:
        print_json(versions)
        return
    newest = versions[-1]
    facts = {
        "memory": newest.id,
        "kind": newest.kind,
        "model": newest.model,
        "from": newest.source or "the terminal",
        "said by": newest.provenance,
        "remembered": moment(newest.remembered_at),
        "until": moment(newest.expires_at) if newest.expires_at else "it is forgotten",
        "recalled": "once" if newest.recalled == 1 else f"{newest.recalled} times",
    }
    click.echo("\n".join(f"{name:<12} {value}" for name, value in facts.items() if value))
    for version in reversed(versions):
        click.echo(f"\nversion {version.version}, {moment(version.changed_at)}:\n{version.text}")


@group.command("add")
@click.argument("words", nargs=-1, required=True)
@click.option("--days", type=click.IntRange(1, 36500), help="For how long; until it is forgotten otherwise.")
@json_option
@pass_session
def add_unit(session: Session, words: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Remember a sentence."""
    from datetime import timedelta

    from jackfield.identifiers import new_identifier

    now = datetime.now(UTC)
    unit = MemoryUnit(
        id=new_identifier("mem"),
        text=" ".join(words),
        provenance="user",
        owner_id=Asker().id,
        remembered_at=now,
        changed_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    kept = _with_memory(session, lambda memory: memory.remember(unit))
    if as_json:
        print_json(kept)
    else:
        say(f"Remembered as {kept.id}." if kept.id == unit.id else f"That is remembered already, as {kept.id}.")


@group.command("keep")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("-m", "--model", default="", metavar="NAME", help="The model that reads it; the default model otherwise.")
@json_option
@pass_session
def keep_text(session: Session, file: IO[str], model: str, as_json: bool) -> None:
    """Keep a text that prompts begin with, and let a model read it now.

    `jackfield ask --begin-with MEMORY` then begins with it, and nothing of it is read again.
    """
    from jackfield.memory.kept_prefix import kept_prefix

    text = file.read()
    kept = with_workbench(
        session, lambda workbench: kept_prefix(workbench, text, model=model, asker=Asker(), source=file.name)
    )
    if as_json:
        print_json(kept)
    else:
        say(f"Kept as {kept.id} for model '{kept.model}'; begin with it:  jackfield ask --begin-with {kept.id} …")


@group.command("forget")
@click.argument("unit_ids", metavar="MEMORY…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def forget_units(session: Session, unit_ids: tuple[str, ...], everything: bool, yes: bool) -> None:
    """Forget memories for good, with what they said before."""
    if bool(unit_ids) == everything:
        raise InvalidRequest("Name the memories to forget, or say --all.")
    if everything and not yes:
        _confirm_all()

    async def forgotten(workbench: Workbench) -> tuple[int, list[str]]:
        memory = workbench.semantic.memory
        units = await _all(memory) if everything else [await _named(memory, unit_id) for unit_id in unit_ids]
        ids = dict.fromkeys(unit.id for unit in units)
        sources = [version.source for unit_id in ids for version in await memory.versions(unit_id, asker=Asker())]
        runs = [source for source in dict.fromkeys(sources) if source and await workbench.runs.get(source)]
        if everything:
            return await memory.forget_all(asker=Asker()), runs
        for unit_id in ids:
            await memory.forget(unit_id, asker=Asker())
        return len(ids), runs

    count, runs = with_workbench(session, forgotten)
    say(f"Forgot {count} {'memory' if count == 1 else 'memories'}.")
    if runs:
        say(_kept_by(runs, session.settings.runs.keep_days))


@group.command("export")
@pass_session
def export_units(session: Session) -> None:
    """Print everything that is remembered, with all versions, as JSON."""

    async def exported(memory: Memory) -> list[dict[str, Any]]:
        units = await _all(memory)
        return [{"unit": unit, "versions": await memory.versions(unit.id, asker=Asker())} for unit in units]

    print_json(_with_memory(session, exported))


def _confirm_all() -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidRequest("Nobody can be asked whether to forget everything: say --yes if you mean it.")
    click.confirm("Forget everything that is remembered?", abort=True, err=True)


def _kept_by(runs: Sequence[str], days: int) -> str:
    """Which runs still have what was said, and until when."""
    named = ", ".join(runs[:RUNS_NAMED]) + (f" and {len(runs) - RUNS_NAMED:,} more" if len(runs) > RUNS_NAMED else "")
    who = f"Run {named} keeps" if len(runs) == 1 else f"Runs {named} keep"
    end = f"; runs are pruned {days} days after their end" if days else ", for good"
    return f"{who} what was said there{end} (runs.keep_days)."


def _with_memory(session: Session, work: Callable[[Memory], Awaitable[T]]) -> T:
    async def done(workbench: Workbench) -> T:
        return await work(workbench.semantic.memory)

    return with_workbench(session, done)


async def _all(memory: Memory) -> tuple[MemoryUnit, ...]:
    units: list[MemoryUnit] = []
    while page := await memory.page(asker=Asker(), limit=500, before=units[-1].id if units else None):
        units += page
    return tuple(units)


async def _named(memory: Memory, beginning: str) -> MemoryUnit:
    """The unit with an identifier, or the only one that has it begin so; raises MemoryNotFound or InvalidRequest."""
    try:
        return await memory.get(beginning, asker=Asker())
    except MemoryNotFound:
        matching = [unit for unit in await _all(memory) if beginning and unit.id.startswith(beginning)]
        if len(matching) > 1:
            raise InvalidRequest(f"{len(matching)} memories begin with '{beginning}'; give more of it.") from None
        if not matching:
            raise
        return matching[0]


def _row(unit: MemoryUnit) -> tuple[str, ...]:
    text = " ".join(unit.text.split())
    shown = text if len(text) <= SHOWN or not sys.stdout.isatty() else f"{text[: SHOWN - 1]}…"
    until = moment(unit.expires_at) if unit.expires_at else "-"
    return (unit.id, unit.kind, shown, moment(unit.changed_at), until, str(unit.recalled))
