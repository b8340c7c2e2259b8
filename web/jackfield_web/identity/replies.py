"""What the management routes answer with, beside the records themselves."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jackfield.contracts.identity import Principal, Role, Scope
from jackfield.identity.roles import RIGHTS, Right, may


class SignInWays(msgspec.Struct, frozen=True, kw_only=True):
    """How one comes in: whether the first admin is still to be made, and what the provider is called, if any."""

    identity: bool
    setup_needed: bool
    oidc: str | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: as whom they are known, and what they may do. `csrf` is what changes by a browser must show."""

    user_id: str
    name: str
    role: Role
    rights: list[Right]
    scopes: list[Scope]
    models: list[str]
    team_id: str | None = None
    key_id: str | None = None
    csrf: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, principal: Principal) -> Me:
        """What somebody may know of themselves."""
        session = principal.session
        return cls(
            user_id=principal.account.user_id,
            name=principal.name,
            role=principal.role,
            rights=[right for right in RIGHTS if may(principal, right)],
            scopes=list(principal.scopes),
            models=list(principal.models),
            team_id=principal.account.team_id,
            key_id=principal.account.key_id,
            csrf=session.csrf if session else None,
            expires_at=session.expires_at if session else None,
        )
