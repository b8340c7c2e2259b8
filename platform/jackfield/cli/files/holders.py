"""Who is granted something in a collection, as the command line names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jackfield.cli.session import Session
from jackfield.cli.with_identity import named_team, with_identity
from jackfield.contracts.files import Grant, GrantKind
from jackfield.errors import InvalidRequest

if TYPE_CHECKING:
    from jackfield.identity.desk import Identity


class Holder(msgspec.Struct, frozen=True):
    """A user, a team or everyone."""

    kind: GrantKind
    id: str = ""


def named_holder(session: Session, who: str) -> Holder:
    """`everyone`, `user:E-MAIL` or `team:NAME`; identifiers do too. Raises UserNotFound or TeamNotFound."""
    kind, _, name = who.partition(":")
    if who == "everyone":
        return Holder("everyone")
    if kind not in ("user", "team") or not name:
        raise InvalidRequest(f"'{who}' is nobody; say everyone, user:E-MAIL or team:NAME.")

    async def found(identity: Identity) -> Holder:
        if kind == "user":
            return Holder("user", (await identity.users.named(name)).id)
        return Holder("team", (await named_team(identity, name)).id)

    return with_identity(session, found)


def shown_grant(grant: Grant) -> str:
    """Who, and what they may do."""
    return f"{grant.kind}{':' if grant.id else ''}{grant.id} {grant.level}"
