"""/api/oidc: signing in through a provider, in a browser."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from jackfield.errors import NotAuthenticated, NotFound
from jackfield.identity.desk import Identity
from jackfield.workbench import Workbench
from jackfield_web.documentation import BAD_PARAMETER, FORBIDDEN, NOT_FOUND, NOT_READY, UNRECOGNISED
from jackfield_web.identity.asked import DESK
from jackfield_web.identity.cookies import is_secure, passing_cookie, passing_value
from jackfield_web.identity.oidc import Flow, OidcProvider
from jackfield_web.identity.recognise import address_of
from jackfield_web.identity.rights import PUBLIC
from jackfield_web.identity.sign_in_controller import cookies_of

FLOW = "jackfield_oidc"
FLOW_SECONDS = 600

Text = Annotated[str | None, QueryParameter(description="As the provider sends it.")]


def provider_dependency(request: Request[Any, Any, Any], workbench: NamedDependency[Workbench]) -> OidcProvider:
    """The provider that settings name; raises NotFound where they name none."""
    settings = workbench.settings.identity
    if not settings.oidc_issuer:
        raise NotFound("No provider is set up to sign in with; identity.oidc_issuer names one.")
    if "oidc" not in request.app.state:
        request.app.state["oidc"] = OidcProvider(settings)
    provider: OidcProvider = request.app.state["oidc"]
    return provider


PROVIDING = {**DESK, "provider": Provide(provider_dependency, sync_to_thread=False)}


class OidcController(Controller):
    """There and back."""

    path = "/api/oidc"
    tags = ("Identity",)
    opt = PUBLIC
    dependencies = PROVIDING

    @get(
        "/start",
        operation_id="startOidc",
        response_description="On to the provider",
        summary="Sign in with the provider",
        status_code=302,
        responses=NOT_FOUND | NOT_READY,
    )
    async def start(
        self,
        identity: NamedDependency[Identity],
        provider: NamedDependency[OidcProvider],
        request: Request[Any, Any, Any],
    ) -> Response[None]:
        """For browsers: it sends them on."""
        flow = Flow.new()
        return _onward(
            await provider.address(flow),
            [passing_cookie(FLOW, flow.cookie, FLOW_SECONDS, secure=is_secure(request))],
        )

    @get(
        "/callback",
        operation_id="finishOidc",
        response_description="Signed in, and on to the front page",
        summary="Come back from the provider",
        status_code=302,
        responses=BAD_PARAMETER | UNRECOGNISED | FORBIDDEN | NOT_FOUND | NOT_READY,
    )
    async def callback(
        self,
        identity: NamedDependency[Identity],
        provider: NamedDependency[OidcProvider],
        workbench: NamedDependency[Workbench],
        request: Request[Any, Any, Any],
        code: Text = None,
        flow_state: Annotated[
            str | None, QueryParameter(name="state", description="As it was sent to the provider.")
        ] = None,
        error: Text = None,
    ) -> Response[None]:
        """The provider sends browsers here."""
        flow = Flow.of_cookie(passing_value(request, FLOW))
        if error or not code:
            raise NotAuthenticated(f"The provider did not sign you in ({(error or 'no code')[:60]}); begin again.")
        vouched = await provider.vouched(flow, state=flow_state or "", code=code)
        settings = workbench.settings.identity
        signed_in = await identity.sign_in.with_provider(
            vouched.email,
            vouched.name,
            role=settings.oidc_role,
            may_join=provider.may_join(vouched.email),
            address=address_of(request),
            issuer=settings.oidc_issuer,
        )
        gone = passing_cookie(FLOW, "", 0, secure=is_secure(request))
        return _onward("/", [*cookies_of(request, signed_in), gone])


def _onward(address: str, cookies: list[Cookie]) -> Response[None]:
    return Response(None, status_code=302, headers={"location": address, "cache-control": "no-store"}, cookies=cookies)
