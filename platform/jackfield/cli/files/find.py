"""`jackfield files find`: passages that answer a question."""

from __future__ import annotations

import shutil
import sys
from typing import get_args

import click

from jackfield.cli.files.addresses import Address, addressed, json_option
from jackfield.cli.files.passages import place, snippet, words_of
from jackfield.cli.files.sentences import cell
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_workbench import with_workbench
from jackfield.contracts.files import Found, SearchMode, SearchResult
from jackfield.workbench import Workbench

COLUMNS = ("COLLECTION", "PATH", "VERSION", "START", "END", "SCORE", "HEADING", "TEXT")
INDENT = "    "
WIDEST = 100


@click.command("find")
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--mode",
    type=click.Choice(get_args(SearchMode)),
    default="hybrid",
    show_default=True,
    help="By words, by meaning, or both.",
)
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True, help="How many at most.")
@click.option("--files", "whole_files", is_flag=True, help="Each file once, by its best passage.")
@click.option("--in", "under", default="", metavar="FOLDER", help="Only below this path.")
@click.option("--rerank", is_flag=True, help="Look at the best again, more closely and more slowly.")
@click.option(
    "-c", "--collection", "collections", multiple=True, metavar="NAME", help="Only there; may be given again."
)
@json_option
@pass_session
def command(
    session: Session,
    words: tuple[str, ...],
    mode: SearchMode,
    limit: int,
    whole_files: bool,
    under: str,
    rerank: bool,
    collections: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find passages in the newest versions of files, by words and by meaning, in all collections.

    A passage is shown with its file, its heading, its version, and where it is in the text, in bytes.
    """
    question = " ".join(words)
    address = Address(None, under) if collections else addressed(under, None)
    if address.collection:
        collections = (address.collection,)

    async def searched(workbench: Workbench) -> tuple[SearchResult, bool]:
        result = await workbench.library().search(
            question,
            collections=collections,
            under=address.path,
            mode=mode,
            limit=limit,
            whole_files=whole_files,
            rerank=rerank,
        )
        return result, await workbench.semantic.embedder.key() is not None

    result, knows_meaning = with_workbench(session, searched)
    if as_json:
        print_json(result)
        return
    if sys.stdout.isatty():
        _show(result, question)
    else:
        print_table(COLUMNS, map(_row, result.found))
    if not result.found:
        say("Nothing was found.")
    if result.notice:
        say(result.notice)
    if not knows_meaning:
        say("To find them by meaning too: jackfield models pull embeddings && jackfield files index")


def _show(result: SearchResult, question: str) -> None:
    columns = min(WIDEST, shutil.get_terminal_size().columns) - len(INDENT)
    words = words_of(question)
    several = len({found.collection for found in result.found}) > 1
    for found in result.found:
        click.echo((f"{cell(found.collection)}:" if several else "") + place(found))
        for line in snippet(found.text, words, columns):
            click.echo(INDENT + line)
        click.echo()


def _row(found: Found) -> tuple[str, ...]:
    text = cell(" ".join(found.text.split()))
    where = (cell(found.collection), cell(found.path), str(found.version), str(found.start), str(found.end))
    return (*where, f"{found.score:.4f}", cell(found.heading), text)
