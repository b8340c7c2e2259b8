"""`jackfield files summarise`: what files say, in a few sentences with their sources."""

from __future__ import annotations

import click

from jackfield.cli.call_lines import without_steering
from jackfield.cli.files.addresses import all_addressed, collection_option, json_option
from jackfield.cli.files.sentences import cell
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_workbench import with_workbench
from jackfield.errors import InvalidRequest
from jackfield.events import Source
from jackfield.files.asking import ChatModel
from jackfield.files.summaries import PASSAGES, Summary, summary_of_files, summary_of_topic
from jackfield.workbench import Workbench


@click.command("summarise")
@click.argument("topic", nargs=-1)
@click.option("--file", "paths", multiple=True, metavar="PATH", help="Sum up this whole file; may be given again.")
@click.option("--in", "under", default="", metavar="FOLDER", help="Only below this path.")
@click.option(
    "--limit", type=click.IntRange(1, 50), default=PASSAGES, show_default=True, help="Passages to go by, at most."
)
@click.option("-m", "--model", default="", metavar="NAME", help="The model to ask; the default model if none.")
@collection_option
@json_option
@pass_session
def command(
    session: Session,
    topic: tuple[str, ...],
    paths: tuple[str, ...],
    under: str,
    limit: int,
    model: str,
    collection: str | None,
    as_json: bool,
) -> None:
    """Sum up what files say of a TOPIC, or whole files with --file; [1] and so on are the sources below."""
    asked = " ".join(topic)
    if not asked and not paths:
        raise InvalidRequest("Say a topic, or name files with --file.")
    name, named = all_addressed(paths, collection) if paths else (collection, [])

    async def summed_up(workbench: Workbench) -> Summary:
        opened = await workbench.library().opened(name)
        chat = ChatModel(workbench, name=model)
        if named:
            return await summary_of_files(chat, opened, named, asked)
        return await summary_of_topic(chat, (opened.name,), asked, under=under, limit=limit)

    summary = with_workbench(session, summed_up)
    if as_json:
        print_json(summary)
        return
    click.echo(without_steering(summary.text))
    click.echo()
    for source in summary.sources:
        click.echo(_place(source))
    if not summary.whole:
        say("(the answer came to its longest, and was cut)")
    if summary.notice:
        say(summary.notice)


def _place(source: Source) -> str:
    heading = f" · {cell(source.heading)}" if source.heading else ""
    span = f"version {source.version}, bytes {source.start}-{source.end}"
    return f"[{source.number}] {cell(source.path)}{heading} {click.style(f'· {span}', dim=True)}"
