"""`jackfield files group`: files in groups, by words or by meaning."""

from __future__ import annotations

import click

from jackfield.cli.files.addresses import collection_option, json_option
from jackfield.cli.files.sentences import cell
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_workbench import with_workbench
from jackfield.errors import InvalidRequest
from jackfield.files.asking import ChatModel
from jackfield.files.grouping import Grouping, grouped_by_meaning, grouped_by_words
from jackfield.workbench import Workbench


@click.command("group")
@click.argument("words", nargs=-1)
@click.option("--in", "under", default="", metavar="FOLDER", help="Only below this path.")
@click.option(
    "--count", type=click.IntRange(2, 100), metavar="N", help="How many groups; as many as part best if none."
)
@click.option("--names", is_flag=True, help="Let a model name the groups.")
@click.option("-m", "--model", default="", metavar="NAME", help="The model that names them; the default model if none.")
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    words: tuple[str, ...],
    under: str,
    count: int | None,
    names: bool,
    model: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Sort files into groups, by which of some WORDS they hold, or without WORDS by what they are about."""
    if words and (count or names):
        raise InvalidRequest("Groups by words are those words: leave out --count and --names.")

    async def grouped(workbench: Workbench) -> Grouping:
        library = workbench.library()
        if words:
            return await grouped_by_words(library, collection, words, under=under)
        namer = ChatModel(workbench, name=model) if names else None
        return await grouped_by_meaning(await library.opened(collection), under=under, count=count, namer=namer)

    found = with_workbench(session, grouped)
    if as_json:
        print_json(found)
        return
    for group in found.groups:
        _show(group.name, group.paths)
    if found.others:
        _show("in none of them", found.others)
    if not found.groups and not found.others:
        say("There are no files.")
    if found.notice:
        say(found.notice)


def _show(name: str, paths: tuple[str, ...]) -> None:
    click.echo(f"{click.style(cell(name), bold=True)} ({len(paths)})")
    for path in paths:
        click.echo(f"  {cell(path)}")
