"""Every management controller of who uses the server."""

from __future__ import annotations

from litestar import Controller

from jackfield_web.identity.audit_controller import AuditController
from jackfield_web.identity.invitation_controller import InvitationController
from jackfield_web.identity.key_controller import KeyController
from jackfield_web.identity.oidc_controller import OidcController
from jackfield_web.identity.sign_in_controller import SignInController
from jackfield_web.identity.team_controller import TeamController
from jackfield_web.identity.user_controller import UserController

IDENTITY_CONTROLLERS: tuple[type[Controller], ...] = (
    SignInController,
    OidcController,
    UserController,
    TeamController,
    InvitationController,
    KeyController,
    AuditController,
)
