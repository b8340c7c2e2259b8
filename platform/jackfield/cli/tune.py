"""`jackfield models tune`: what a model's other formats cost and give on this machine, and the best one kept."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jackfield.cli.model_session import make_default, with_catalog
from jackfield.cli.output import print_json, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.stage_progress import shown_stages
from jackfield.cli.trade_off_pages import show, tuning_object
from jackfield.contracts.models import InstalledModel
from jackfield.errors import InvalidRequest

if TYPE_CHECKING:
    from jackfield.models.catalog import ModelCatalog
    from jackfield.models.tuning.trade_off import Choice
    from jackfield.models.tuning.tuner import Tuning

SUFFIX = "-tuned"
SECONDS_FOR_A_MILLION = 2.0
"""Of tuning, for a million parameters, on two cores."""


@click.command("tune")
@click.argument("name", metavar="MODEL")
@click.option("--format", "formats", multiple=True, metavar="FORMAT", help="Measure only this one; may be repeated.")
@click.option("--text", "text_file", type=click.Path(path_type=Path), help="Compare predictions over this file.")
@click.option("--max-kl", type=click.FloatRange(min=0), help="The most divergence, in nats, of what is chosen.")
@click.option("--keep", metavar="FORMAT", help="Keep this format, whatever is measured of it.")
@click.option("--no-keep", is_flag=True, help="Only measure.")
@click.option("--alias", metavar="NAME", help=f"What to call what is kept; MODEL{SUFFIX} otherwise.")
@click.option(
    "--default/--no-default", "as_default", default=None, help="Make it the default model; as MODEL is, otherwise."
)
@click.option(
    "--plot", "chart", type=click.Path(path_type=Path), help="Draw the trade-off to a .svg, .png or .pdf file."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
@pass_session
def tune_model(
    session: Session,
    name: str,
    formats: tuple[str, ...],
    text_file: Path | None,
    max_kl: float | None,
    keep: str | None,
    no_keep: bool,
    alias: str | None,
    as_default: bool | None,
    chart: Path | None,
    as_json: bool,
) -> None:
    """Find the format in which a model runs best on this machine.

    Writes the model in other formats, one after the other, and measures of each how fast it reads and writes and how
    far its predictions are from those of the file as pulled. Keeps the fastest whose divergence is small enough under
    a name of its own; if MODEL was the default, that becomes the default.
    """
    _check(keep, no_keep=no_keep, bounded=max_kl is not None, chart=chart)
    tuning, was_default = _tuned(
        session,
        name,
        choice=_choice(keep, max_kl),
        only=(*formats, keep) if keep else formats,
        text=_read(text_file) if text_file else None,
        keep_as=None if no_keep else alias or "",
    )
    if chart:
        from jackfield.cli.trade_off_chart import draw

        draw(tuning, chart)
    if as_json:
        print_json(tuning_object(tuning))
    else:
        show(tuning)
    _settle_default(session, tuning, was_default=was_default, wanted=as_default)


def offer_tuning(session: Session, model: InstalledModel, *, wanted: bool | None) -> None:
    """After a pull: tune where that is wanted, ask where someone can be asked, else say how to."""
    if wanted is None and not _is_untuned(session, model):
        return
    about = _about(model.description.parameters)
    if wanted is None and sys.stdin.isatty() and sys.stderr.isatty():
        wanted = click.confirm(f"Find out now which format is the fastest here, and keep it ({about})?", err=True)
    if wanted:
        click.get_current_context().invoke(tune_model, name=model.name)
    else:
        say(f"Another format may be faster on this machine: `jackfield models tune {model.name}` finds out ({about}).")


def _is_untuned(session: Session, model: InstalledModel) -> bool:
    """Whether a model writes, and nothing was made from it yet."""
    from jackfield.models.tuned_references import tuned_origin

    async def origins(catalog: ModelCatalog) -> set[str]:
        return {origin[0] for each in await catalog.all() if (origin := tuned_origin(each.reference))}

    return model.description.generates and model.name not in with_catalog(session, origins)


def _about(parameters: int) -> str:
    minutes = parameters / 1e6 * SECONDS_FOR_A_MILLION / 60
    return f"about {max(1, round(minutes))} minutes" if minutes >= 1.5 else "about a minute"


def _check(keep: str | None, *, no_keep: bool, bounded: bool, chart: Path | None) -> None:
    """Refuse what contradicts itself, and a chart that could not be drawn, before anything is measured."""
    if keep and (no_keep or bounded):
        raise InvalidRequest(f"--keep names what is kept: leave out {'--no-keep' if no_keep else '--max-kl'}.")
    if chart:
        from jackfield.cli.trade_off_chart import require_drawable

        require_drawable(chart)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"The text {path} cannot be read: {error.strerror}.", parameter="text") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The text {path} is not in UTF-8.", parameter="text") from error


def _choice(keep: str | None, max_kl: float | None) -> Choice:
    from jackfield.models.tuning.trade_off import MOST_DIVERGENCE, best_within, named

    return named(keep) if keep else best_within(MOST_DIVERGENCE if max_kl is None else max_kl)


def _tuned(
    session: Session, name: str, *, choice: Choice, only: tuple[str, ...], text: str | None, keep_as: str | None
) -> tuple[Tuning, bool]:
    """What came of it, and whether the model was the default; `keep_as` "" is the usual name, None keeps nothing."""
    from jackfield.wiring import open_tuner

    async def done() -> tuple[Tuning, bool]:
        async with open_tuner(session.settings, session.plugins) as (catalog, tuner):
            model = await catalog.get(name)
            was_default = model.name == await catalog.default_name()
            alias = f"{model.name}{SUFFIX}" if keep_as == "" else keep_as
            with shown_stages() as report:
                tuning = await tuner.tune(model, choice=choice, keep_as=alias, report=report, only=only, text=text)
            return tuning, was_default

    try:
        return asyncio.run(done())
    except KeyboardInterrupt:
        say("Stopped; nothing was kept.")
        raise


def _settle_default(session: Session, tuning: Tuning, *, was_default: bool, wanted: bool | None) -> None:
    """Let what was kept be the default where the model was, unless told otherwise."""
    if tuning.kept is None:
        return
    if was_default if wanted is None else wanted:
        make_default(tuning.kept.name)
        if was_default:
            say(f"The file as pulled is still there: `jackfield models default {tuning.model}` goes back to it.")
    elif was_default and not session.settings.default_model:
        make_default(tuning.model)  # it was so as the only model, which it is no longer
