"""The flags of commands whose answers may be given files as sources, and how the sources are shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from jackfield.cli.call_lines import in_one_line
from jackfield.cli.output import say
from jackfield.contracts.runs import FileUse
from jackfield.errors import InvalidRequest
from jackfield.events import Source, SourcesFound
from jackfield.runs.citations import cited_first, cited_numbers

EXCERPT = 160
"""Characters of a source that are shown."""


def file_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add `--files` and what narrows it to a command, which receives them as `files`."""

    @functools.wraps(function)
    def with_files(
        *args: Any, looks: bool, collections: tuple[str, ...], under: str, sources: int | None, **options: Any
    ) -> None:
        function(*args, files=_chosen(looks, collections, under, sources), **options)

    command: Callable[..., None] = with_files
    for option in (
        click.option("--sources", type=click.IntRange(1, 50), help="With --files: how many passages at most; else 5."),
        click.option("--under", default="", metavar="PATH", help="With --files: only files below this path."),
        click.option(
            "-c",
            "--collection",
            "collections",
            multiple=True,
            metavar="NAME",
            help="With --files: a collection to look in; may be given again. All of them otherwise.",
        ),
        click.option(
            "--files", "looks", is_flag=True, help="Look in your files for what is asked, and cite them in the answer."
        ),
    ):
        command = option(command)
    return command


def show_sources(found: SourcesFound, answer: str) -> None:
    """The sources below an answer, on stderr: those that it cites first, and whatever is to be said of them."""
    if found.sources:
        say("")
        cited = cited_numbers(answer, found.sources)
        say("Sources:" if cited else "Sources (the answer cites none of them):")
        for source in cited_first(answer, found.sources):
            say(_line(source, cited=not cited or source.number in cited))
    else:
        say("(nothing was found in your files)")
    if found.left_out:
        were = "source was" if found.left_out == 1 else "sources were"
        say(f"({found.left_out} more {were} left out: the context has no room for them)")
    if found.notice:
        say(f"({found.notice})")


def _line(source: Source, *, cited: bool) -> str:
    where = f"{source.collection}:{source.path}, version {source.version}, bytes {source.start}-{source.end}"
    named = where if source.kind == "file" else f"remembered as {source.id}"
    aside = "" if cited else " (not cited)"
    return f"  [{source.number}] {named}{aside}\n      {in_one_line(source.text, EXCERPT)}"


def _chosen(looks: bool, collections: tuple[str, ...], under: str, sources: int | None) -> FileUse | None:
    if not looks:
        if collections or under or sources:
            raise InvalidRequest("--collection, --under and --sources are for looking in files; add --files.")
        return None
    use = FileUse(collections=tuple(dict.fromkeys(collections)), under=under)
    return use if sources is None else FileUse(collections=use.collections, under=under, limit=sources)
