"""What a route declares of who may use it; see the package's docstring."""

from __future__ import annotations

from typing import Any

from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler

from jackfield.contracts.identity import Principal
from jackfield.errors import JackfieldError
from jackfield.identity.roles import Right, sees_all

KEY = "needs"
EVERYBODY = "everybody"

PUBLIC: dict[str, Any] = {KEY: EVERYBODY}
"""For routes that ask nobody who they are."""


def needs(right: Right) -> dict[str, Any]:
    """The `opt` of a route that takes a right."""
    return {KEY: right}


def declared(handler: BaseRouteHandler) -> Right | None:
    """The right that a route takes, None where it is for everybody; raises ImproperlyConfiguredException."""
    right = handler.opt.get(KEY)
    if right is None:
        raise ImproperlyConfiguredException(
            f"The route '{handler}' does not declare who may use it: give it opt=needs(...) or opt=PUBLIC."
        )
    return None if right == EVERYBODY else right


def check_owner(principal: Principal, owner_id: str | None, missing: JackfieldError) -> None:
    """Raises `missing` for what belongs to somebody else, as if it did not exist."""
    if not sees_all(principal) and owner_id != principal.account.user_id:
        raise missing
