"""What somebody may do in a collection."""

from __future__ import annotations

from jackfield.contracts.files import LEVELS, Actor, Collection, Grant, Level
from jackfield.contracts.identity import Principal
from jackfield.errors import CollectionNotFound, NotAllowed
from jackfield.identity.local_mode import LOCAL
from jackfield.identity.roles import sees_all

PERSONAL = "personal-"
"""How the collection begins that somebody has for themselves, unless they name another; their identifier follows."""


def actor_of(principal: Principal) -> Actor:
    """Whose doing a change is on record as."""
    return Actor(id=principal.account.user_id, name=principal.name)


def level_of(collection: Collection, principal: Principal) -> Level | None:
    """The most that somebody may do there; None where it is not for them to know of it."""
    return "manage" if sees_all(principal) else own_level(collection, principal)


def own_level(collection: Collection, principal: Principal) -> Level | None:
    """The same without what an admin may do with everybody's: as the owner, or by a grant.

    What was made at the terminal, or before anybody signed in, is nobody's; it is the admins' until they grant it.
    """
    if collection.owner_id == principal.account.user_id or (collection.owner_id is None and sees_all(principal)):
        return _as_role_allows("manage", principal)
    levels = [grant.level for grant in collection.grants if _holds(grant, principal)]
    return _as_role_allows(max(levels, key=LEVELS.index), principal) if levels else None


def require_level(collection: Collection, principal: Principal, level: Level) -> None:
    """Raises CollectionNotFound, in the words for one that is not there, or NotAllowed."""
    has = level_of(collection, principal)
    if has is None:
        raise no_collection(collection.name)
    if LEVELS.index(has) < LEVELS.index(level):
        raise NotAllowed(
            f"You may only {has} in collection '{collection.name}', and this takes '{level}'; "
            "ask somebody who manages it, or an admin."
        )


def require_free_name(name: str, principal: Principal) -> None:
    """Raises NotAllowed for what somebody else's own collection is, or will be, called."""
    if principal is not LOCAL and name.casefold().startswith(PERSONAL) and name != personal_name(principal):
        raise NotAllowed(f"Names that begin with '{PERSONAL}' are for people's own collections; choose another.")


def personal_name(principal: Principal) -> str:
    """What the collection is called that somebody has for themselves."""
    return PERSONAL + principal.account.user_id


def no_collection(name: str) -> CollectionNotFound:
    """The error for a collection that is not there, or not for whoever asks."""
    return CollectionNotFound(f"There is no collection '{name}'.", parameter="collection")


def _holds(grant: Grant, principal: Principal) -> bool:
    account = principal.account
    return {"everyone": True, "user": grant.id == account.user_id, "team": grant.id == (account.team_id or "-")}[
        grant.kind
    ]


def _as_role_allows(level: Level, principal: Principal) -> Level:
    """A viewer only reads, whatever they were granted."""
    return "read" if principal.role == "viewer" else level
