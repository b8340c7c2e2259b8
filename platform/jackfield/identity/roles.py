"""The one table of who may do what: the rights of roles, and those that a key's scopes leave of them."""

from __future__ import annotations

from typing import Literal, get_args

from jackfield.contracts.identity import Principal, Role, Scope
from jackfield.errors import ModelNotFound, NotAllowed

Right = Literal["self", "models", "inference", "follow", "read", "keys", "manage", "metrics"]
"""What a route asks for.

`self`: know who one is, and sign out. `models`: see which models and tools there are. `inference`: ask models, upload
and change files, decide on calls. `follow`: look at one run, answer or file that one knows. `read`: list what is on
record, and what was spent. `keys`: manage one's own keys. `manage`: administer everything. `metrics`: the server's
figures.
"""

RIGHTS: tuple[Right, ...] = get_args(Right)
SCOPES: tuple[Scope, ...] = get_args(Scope)

RIGHTS_OF_ROLES: dict[Role, frozenset[Right]] = {
    "admin": frozenset(RIGHTS),
    "member": frozenset({"self", "models", "inference", "follow", "read", "keys"}),
    "viewer": frozenset({"self", "models", "follow", "read"}),
}

RIGHTS_OF_SCOPES: dict[Scope, frozenset[Right]] = {
    "inference": frozenset({"self", "models", "inference", "follow"}),
    "read": frozenset({"self", "models", "follow", "read", "metrics"}),
    "admin": frozenset({"self", "models", "follow", "read", "keys", "manage", "metrics"}),
}

_REFUSALS: dict[Right, str] = {
    "self": "a key needs a scope",
    "models": "a key needs a scope to see which models there are",
    "inference": "asking models or changing what is kept takes the role member or admin, "
    "and of a key the scope 'inference'",
    "follow": "looking at this takes a key with the scope 'inference' or 'read'",
    "read": "looking at what is on record takes a key with the scope 'read'",
    "keys": "managing keys takes the role member or admin, and of a key the scope 'admin'",
    "manage": "this takes the role admin, and of a key the scope 'admin'",
    "metrics": "the server's figures are for admins, and for programs on its own machine",
}


def rights_of(role: Role, scopes: tuple[Scope, ...]) -> frozenset[Right]:
    """What somebody may do: never more than their role, whatever the scopes of their key."""
    by_scope: frozenset[Right] = frozenset().union(*(RIGHTS_OF_SCOPES[scope] for scope in scopes))
    return RIGHTS_OF_ROLES[role] & by_scope


def may(principal: Principal, right: Right) -> bool:
    """Whether somebody has a right."""
    return right in RIGHTS_OF_ROLES[principal.role] and any(
        right in RIGHTS_OF_SCOPES[scope] for scope in principal.scopes
    )


def require(principal: Principal, right: Right) -> None:
    """Raises NotAllowed, saying what it takes."""
    if not may(principal, right):
        raise NotAllowed(f"You may not do this as {principal.name} ({_standing(principal)}): {_REFUSALS[right]}.")


def sees_all(principal: Principal) -> bool:
    """Whether somebody sees what belongs to others; everyone else sees their own runs, keys and files."""
    return may(principal, "manage")


def seen_user(principal: Principal) -> str | None:
    """The user whose things a list is narrowed to; None for whoever sees all."""
    return None if sees_all(principal) else principal.account.user_id


def has_model(principal: Principal, model: str) -> bool:
    """Whether a key is for a model, by the name that it is installed under."""
    return not principal.models or model in principal.models


def require_model(principal: Principal, model: str, *, parameter: str = "model") -> None:
    """Raises ModelNotFound where a key is for other models, in the same words for those that are not installed."""
    if not has_model(principal, model):
        raise ModelNotFound(
            f"There is no model '{model}' for this key; it is for {', '.join(principal.models)}.", parameter=parameter
        )


def _standing(principal: Principal) -> str:
    if principal.session is not None or set(principal.scopes) == set(SCOPES):
        return principal.role
    return f"{principal.role}, with a key for {', '.join(principal.scopes) or 'nothing'}"
