"""/api/setup and /api/session: the first admin, signing in, signing out, and who one is."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import RequestBody

from jackfield.contracts.identity import Principal
from jackfield.errors import InvalidRequest
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield.identity.recognition import of_session
from jackfield.identity.sign_in import SignedIn
from jackfield.workbench import Workbench
from jackfield_web.documentation import BAD_BODY, BAD_PARAMETER, CONFLICT, NOT_FOUND, REFUSED, TOO_MANY, UNRECOGNISED
from jackfield_web.identity.asked import MANAGING
from jackfield_web.identity.bodies import Acceptance, Credentials, FirstAdmin, PasswordChange
from jackfield_web.identity.cookies import Connection, is_secure, signed_in_cookies, signed_out_cookies
from jackfield_web.identity.recognise import address_of
from jackfield_web.identity.replies import Me, SignInWays
from jackfield_web.identity.rights import PUBLIC, needs

COMING_IN = BAD_PARAMETER | UNRECOGNISED | REFUSED | NOT_FOUND | CONFLICT | BAD_BODY | TOO_MANY


class SignInController(Controller):
    """How people come in."""

    path = "/api"
    tags = ("Identity",)
    dependencies = MANAGING

    @get(
        "/setup",
        operation_id="getSetup",
        opt=PUBLIC,
        response_description="How one comes in",
        summary="How does one come in?",
    )
    async def ways(self, workbench: NamedDependency[Workbench]) -> SignInWays:
        """What a page that lets people sign in has to know."""
        identity, settings = workbench.identity, workbench.settings.identity
        return SignInWays(
            identity=identity is not None,
            setup_needed=identity is not None and await identity.set_up.needed(),
            oidc=settings.oidc_name if settings.oidc_issuer else None,
        )

    @post(
        "/setup",
        operation_id="createFirstAdmin",
        opt=PUBLIC,
        response_description="Who one is now",
        summary="Become the first admin",
        description="Takes the set-up token from the server's settings or its log; it works once. Signs in as well.",
        responses=COMING_IN,
    )
    async def set_up(
        self, data: RequestBody[FirstAdmin], identity: NamedDependency[Identity], request: Request[Any, Any, Any]
    ) -> Response[Me]:
        """Of several who try at once, one gets it."""
        user = await identity.set_up.first_admin(
            data.token, email=data.email, name=data.name, password=data.password, address=address_of(request)
        )
        return _came_in(request, await identity.sign_in.begin(user))

    @post(
        "/invitations/accept",
        operation_id="acceptInvitation",
        opt=PUBLIC,
        response_description="Who one is now",
        summary="Become a user by an invitation",
        description="Takes the token that the invitation gave. Signs in as well.",
        responses=COMING_IN,
    )
    async def accept(
        self, data: RequestBody[Acceptance], identity: NamedDependency[Identity], request: Request[Any, Any, Any]
    ) -> Response[Me]:
        """It works once."""
        user = await identity.invitations.accept(
            data.token, name=data.name, password=data.password, address=address_of(request)
        )
        return _came_in(request, await identity.sign_in.begin(user))

    @post(
        "/session",
        operation_id="signIn",
        opt=PUBLIC,
        response_description="Who one is",
        summary="Sign in",
        description="The answer sets a session's cookie, which goes for a key from then on.",
        responses=COMING_IN,
    )
    async def sign_in(
        self, data: RequestBody[Credentials], identity: NamedDependency[Identity], request: Request[Any, Any, Any]
    ) -> Response[Me]:
        """What is wrong is not told."""
        signed_in = await identity.sign_in.with_password(data.email, data.password, address=address_of(request))
        return _came_in(request, signed_in)

    @get(
        "/session",
        operation_id="getSession",
        opt=needs("self"),
        response_description="Who one is",
        summary="Who am I, and what may I do?",
    )
    async def me(self, principal: NamedDependency[Principal]) -> Me:
        """Also for keys, and while identity is off."""
        return Me.of(principal)

    @delete(
        "/session",
        operation_id="signOut",
        opt=needs("self"),
        response_description="Signed out",
        summary="Sign out",
        status_code=204,
        responses=BAD_PARAMETER | NOT_FOUND,
    )
    async def sign_out(
        self,
        principal: NamedDependency[Principal],
        identity: NamedDependency[Identity],
        request: Request[Any, Any, Any],
    ) -> Response[None]:
        """The cookie is worth nothing from then on, on any device that has a copy."""
        if principal.session is None:
            raise InvalidRequest("You came with a key and not with a session, so there is nothing to sign out of.")
        await identity.sign_in.out(principal.session)
        return Response(None, status_code=204, cookies=signed_out_cookies(secure=is_secure(request)))

    @put(
        "/session/password",
        operation_id="changePassword",
        opt=needs("self"),
        response_description="Changed",
        summary="Change one's password",
        description="It signs out everywhere else.",
        status_code=204,
        responses=COMING_IN,
    )
    async def change_password(
        self,
        data: RequestBody[PasswordChange],
        principal: NamedDependency[Principal],
        actor: NamedDependency[Actor],
        identity: NamedDependency[Identity],
        request: Request[Any, Any, Any],
    ) -> Response[None]:
        """Takes the current one too."""
        if principal.session is None:
            raise InvalidRequest("A password is changed by whoever signed in; you came with a key.")
        user = await identity.users.get(principal.account.user_id)
        await identity.users.change_password(actor, user, current=data.current, new=data.new)
        again = await identity.sign_in.begin(user)
        return Response(None, status_code=204, cookies=cookies_of(request, again))


def cookies_of(request: Connection, signed_in: SignedIn) -> list[Cookie]:
    """What makes a browser signed in."""
    return signed_in_cookies(signed_in.token, signed_in.session, secure=is_secure(request))


def _came_in(request: Request[Any, Any, Any], signed_in: SignedIn) -> Response[Me]:
    me = Me.of(of_session(signed_in.session, signed_in.user))
    return Response(me, headers={"location": "/api/session"}, cookies=cookies_of(request, signed_in))
