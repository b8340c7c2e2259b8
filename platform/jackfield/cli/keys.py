"""`jackfield keys`: API keys."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from jackfield.cli.model_pages import moment
from jackfield.cli.model_session import with_catalog
from jackfield.cli.output import print_json, print_table, say
from jackfield.cli.session import Session, pass_session
from jackfield.cli.with_identity import all_of, json_option, with_identity
from jackfield.contracts.identity import ApiKey, Scope

if TYPE_CHECKING:
    from jackfield.identity.desk import Identity
    from jackfield.identity.keys import NewKey

LIST_COLUMNS = ("KEY", "NAME", "BEGINS", "OWNER", "SCOPES", "MODELS", "STATE", "USED")
SCOPES: tuple[Scope, ...] = ("inference", "read", "admin")

key_argument = click.argument("key_id", metavar="KEY")


@click.group("keys")
def group() -> None:
    """List, create, show and revoke API keys."""


@group.command("list")
@click.option("--user", "owner", metavar="USER", help="Only this user's, by e-mail address or identifier.")
@json_option
@pass_session
def list_keys(session: Session, owner: str | None, as_json: bool) -> None:
    """List API keys, the newest first, also those that were revoked."""

    async def listed(identity: Identity) -> list[ApiKey]:
        user_id = (await identity.users.named(owner)).id if owner else None
        return await all_of(partial(identity.keys.page, user_id=user_id))

    keys = with_identity(session, listed)
    if as_json:
        print_json(keys)
    elif keys or not sys.stdout.isatty():
        print_table(LIST_COLUMNS, map(_row, keys))
    else:
        say("There are no keys; `jackfield keys create USER` makes one.")


@group.command("create")
@click.argument("owner", metavar="USER")
@click.option("--name", default="made at the terminal", show_default=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it may do: inference and read, and a viewer's key read, unless you say.",
)
@click.option("--model", "models", metavar="NAME", multiple=True, help="A model it may ask; all of them otherwise.")
@click.option("--requests-per-minute", type=click.IntRange(min=1), help="How many at most.")
@click.option("--tokens-per-minute", type=click.IntRange(min=1), help="How many at most, read and written.")
@click.option("--days", type=click.IntRange(1, 36500), help="How long it holds; for ever otherwise.")
@json_option
@pass_session
def create_key(
    session: Session,
    owner: str,
    name: str,
    scopes: tuple[Scope, ...],
    models: tuple[str, ...],
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    days: int | None,
    as_json: bool,
) -> None:
    """Make an API key for a user and print its secret, once.

    USER is an e-mail address or an identifier.
    """
    from jackfield.identity.audit import COMMAND_LINE
    from jackfield.identity.keys import KeyWish, usual_scopes

    async def made(identity: Identity) -> tuple[NewKey, bool]:
        user = await identity.users.named(owner)
        wish = KeyWish(
            name=name,
            scopes=scopes or usual_scopes(user.role),
            models=models,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
        )
        return await identity.keys.make(COMMAND_LINE, user, wish), "admin" in wish.scopes and user.role != "admin"

    _note_missing(session, models)
    new, managing_own = with_identity(session, made)
    if managing_own:
        say("It manages its owner's own keys; what admins do takes the role admin as well.")
    if as_json:
        print_json(new)
        return
    say(f"Key {new.key.id} for {', '.join(new.key.scopes)} was made. This is its secret, which is not shown again:")
    click.echo(new.secret)


@group.command("show")
@key_argument
@json_option
@pass_session
def show_key(session: Session, key_id: str, as_json: bool) -> None:
    """Show a key, without its secret, which nobody knows but who wrote it down."""
    key = with_identity(session, lambda identity: identity.keys.get(key_id))
    if as_json:
        print_json(key)
        return
    for column, cell in zip(LIST_COLUMNS, _row(key), strict=True):
        click.echo(f"{column.lower()}\t{cell}")


@group.command("revoke")
@key_argument
@json_option
@pass_session
def revoke_key(session: Session, key_id: str, as_json: bool) -> None:
    """Revoke a key for good; servers that run know it within two seconds."""
    from jackfield.identity.audit import COMMAND_LINE

    key = with_identity(session, lambda identity: identity.keys.revoke(COMMAND_LINE, key_id))
    if as_json:
        print_json(key)
    else:
        say(f"Key {key.id} ({key.hint}…) is revoked.")


def _note_missing(session: Session, models: tuple[str, ...]) -> None:
    """Say which models a key is for that are not installed (yet)."""
    installed = {model.name for model in with_catalog(session, lambda catalog: catalog.all())} if models else set()
    for name in dict.fromkeys(models):
        if name not in installed:
            say(f"No model '{name}' is installed here; the key can ask it once there is one of this very name.")


def _row(key: ApiKey) -> tuple[str, ...]:
    return (
        key.id,
        key.name,
        f"{key.hint}…",
        key.user_id,
        ", ".join(key.scopes),
        ", ".join(key.models) or "all",
        _state(key),
        moment(key.last_used_at) if key.last_used_at else "never",
    )


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {moment(key.revoked_at)}"
    if key.expires_at is None:
        return "holds"
    word = "holds until" if key.expires_at > datetime.now(UTC) else "expired"
    return f"{word} {moment(key.expires_at)}"
