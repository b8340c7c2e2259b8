"""Who is granted something in a collection, as requests name them."""

from __future__ import annotations

from jackfield.contracts.files import Collection, GrantKind
from jackfield.errors import InvalidRequest, NotFound, TeamNotFound, UserNotFound
from jackfield.identity.desk import Identity

NAMED = "The user's identifier or e-mail address, or the team's identifier or name; left out for everyone."


async def holder_id(identity: Identity | None, kind: GrantKind, name: str) -> str:
    """The identifier that a grant keeps; raises InvalidRequest, UserNotFound, TeamNotFound, or NotFound where nobody
    signs in.
    """
    if (kind == "everyone") != (not name):
        raise InvalidRequest("'id' names the user or the team; for everyone it is left out.", parameter="id")
    if kind == "everyone":
        return ""
    if identity is None:
        raise NotFound("This server asks nobody who they are, so there are no users or teams; grant it to everyone.")
    return (await (identity.users if kind == "user" else identity.teams).named(name)).id


async def granted_id(identity: Identity | None, collection: Collection, kind: GrantKind, name: str) -> str:
    """The same for a grant that is to be taken back; who holds one may be gone."""
    if any((grant.kind, grant.id) == (kind, name) for grant in collection.grants):
        return name
    try:
        return await holder_id(identity, kind, name)
    except (UserNotFound, TeamNotFound) as error:
        raise type(error)(f"{error.message} Nobody of that name was granted anything there.", parameter="id") from error
