"""Signing in through an OpenID Connect provider: the authorization code flow with PKCE, state and nonce.

OpenID Connect Core 1.0, and RFC 7636 for PKCE. What the browser has to bring back is in a cookie of its own, so that
any process can take up what another began.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import structlog

from jackfield.errors import NotAllowed, NotAuthenticated, SettingsInvalid, Unavailable
from jackfield.identity.local_mode import is_loopback
from jackfield.identity.secrets import new_token, same
from jackfield.settings import IdentitySettings

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client
    from joserfc.jwk import KeySet

CALLBACK = "/api/oidc/callback"
SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TIMEOUT = 10.0
LEEWAY = 60
KEPT_SECONDS = 3600.0

log = structlog.get_logger()


class Flow(msgspec.Struct, frozen=True):
    """What one attempt to sign in is recognised by."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Flow:
        """A new attempt."""
        return cls(new_token(), new_token(), new_token())

    @property
    def cookie(self) -> str:
        """As a cookie's value."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @classmethod
    def of_cookie(cls, value: str | None) -> Flow:
        """What a browser brought back; raises NotAuthenticated."""
        parts = (value or "").split(".")
        if len(parts) != 3 or not all(parts):
            raise NotAuthenticated("This sign-in was not begun in this browser, or too long ago; begin it again.")
        return cls(*parts)


class Endpoints(msgspec.Struct, frozen=True):
    """What a provider's discovery document tells."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None


class Vouched(msgspec.Struct, frozen=True):
    """A verified e-mail address, and the name of whoever has it."""

    email: str
    name: str


class OidcProvider:
    """One provider, as the settings name it; its endpoints and keys are asked for once an hour."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._found: tuple[float, Endpoints, KeySet] | None = None
        self._finding = asyncio.Lock()
        for address in (settings.oidc_issuer, settings.public_url):
            _check_address(address)

    async def address(self, flow: Flow) -> str:
        """Where to send a browser that wants to sign in; raises Unavailable."""
        endpoints, _ = await self._provider()
        async with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoints.authorization_endpoint, state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier
            )
            return str(address)

    async def vouched(self, flow: Flow, *, state: str, code: str) -> Vouched:
        """Who signed in; raises NotAuthenticated, NotAllowed or Unavailable."""
        if not same(state, flow.state):
            raise NotAuthenticated("This sign-in was begun somewhere else; begin it again.")
        endpoints, _ = await self._provider()
        async with self._client() as client, _refusals():
            token = await client.fetch_token(
                endpoints.token_endpoint, grant_type="authorization_code", code=code, code_verifier=flow.verifier
            )
            claims = await self._claims(str(token.get("id_token", "")), flow.nonce)
            if "email" not in claims and endpoints.userinfo_endpoint:
                claims |= await _user_info(endpoints.userinfo_endpoint, str(token["access_token"]), claims["sub"])
        return self._admitted(claims)

    def may_join(self, email: str) -> bool:
        """Whether somebody of this address who is no user becomes one."""
        domain = email.rpartition("@")[2].casefold()
        return domain in {name.casefold().lstrip("@") for name in self._settings.oidc_domains}

    def _admitted(self, claims: dict[str, Any]) -> Vouched:
        email = claims.get("email")
        if not isinstance(email, str) or "@" not in email:
            raise NotAllowed(f"{self._settings.oidc_name} tells no e-mail address of yours.")
        if claims.get("email_verified") not in (True, "true"):
            raise NotAllowed(f"{self._settings.oidc_name} has not verified your e-mail address.")
        if self._settings.oidc_domains and not self.may_join(email):
            raise NotAllowed(f"Addresses of '{email.rpartition('@')[2]}' may not sign in here.")
        name = claims.get("name")
        return Vouched(email, name if isinstance(name, str) and name.strip() else email.partition("@")[0])

    async def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """An ID token's claims, once signature, issuer, audience, times and nonce are right."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        endpoints, keys = await self._provider()
        try:
            try:
                token = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                endpoints, keys = await self._provider(anew=True)
                token = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
            client_id = self._settings.oidc_client_id
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "values": [endpoints.issuer]},
                    "aud": {"essential": True, "value": client_id},
                },
                params={"nonce": nonce, "client_id": client_id},
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError) as error:
            raise NotAuthenticated(
                f"What {self._settings.oidc_name} said of you cannot be trusted ({error})."
            ) from error
        return dict(claims)

    async def _provider(self, *, anew: bool = False) -> tuple[Endpoints, KeySet]:
        """Its endpoints and keys; raises Unavailable."""
        async with self._finding:
            if self._found is None or anew or time.monotonic() - self._found[0] > KEPT_SECONDS:
                self._found = (time.monotonic(), *await self._discovered())
            return self._found[1:]

    async def _discovered(self) -> tuple[Endpoints, KeySet]:
        import httpx
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        issuer = self._settings.oidc_issuer
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, verify=_trusted()) as client:
                described = await client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                described.raise_for_status()
                endpoints = msgspec.json.decode(described.content, type=Endpoints)
                if endpoints.issuer.rstrip("/") != issuer.rstrip("/"):
                    raise ValueError(f"it says that it is '{endpoints.issuer}'")
                keys = await client.get(endpoints.jwks_uri)
                keys.raise_for_status()
                return endpoints, KeySet.import_key_set(msgspec.json.decode(keys.content))
        except (httpx.HTTPError, msgspec.DecodeError, ValueError, JoseError) as error:
            log.warning("the OIDC provider cannot be used", issuer=issuer, reason=str(error))
            raise Unavailable(f"{self._settings.oidc_name} cannot be reached; try again later.") from error

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOAuth2Client]:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        async with AsyncOAuth2Client(
            client_id=self._settings.oidc_client_id,
            client_secret=self._settings.oidc_client_secret.get_secret_value() or None,
            token_endpoint_auth_method="client_secret_basic" if self._has_secret else "none",
            redirect_uri=self._settings.public_url.rstrip("/") + CALLBACK,
            scope=SCOPE,
            code_challenge_method="S256",
            timeout=TIMEOUT,
            verify=_trusted(),
        ) as client:
            yield client

    @property
    def _has_secret(self) -> bool:
        return bool(self._settings.oidc_client_secret.get_secret_value())


async def _user_info(address: str, access_token: str, subject: object) -> dict[str, Any]:
    """What the provider tells of whoever signed in, outside the ID token."""
    import httpx

    async with httpx.AsyncClient(timeout=TIMEOUT, verify=_trusted()) as client:
        answer = await client.get(address, headers={"authorization": f"Bearer {access_token}"})
    answer.raise_for_status()
    told = msgspec.json.decode(answer.content, type=dict[str, Any])
    if told.get("sub") != subject:
        raise NotAuthenticated("The provider told of somebody else; begin again.")
    return {name: told[name] for name in ("email", "email_verified", "name") if name in told}


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """A provider's refusals and failures as errors of ours."""
    import httpx
    from authlib.common.errors import AuthlibBaseError

    try:
        yield
    except AuthlibBaseError as error:
        raise NotAuthenticated(f"The provider did not accept this sign-in ({error.error}); begin it again.") from error
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        log.warning("the OIDC provider failed", reason=str(error))
        raise Unavailable("The provider cannot be reached; try again later.") from error


@cache
def _trusted() -> ssl.SSLContext:
    """The system's certificates, read once."""
    return ssl.create_default_context()


def _check_address(address: str) -> None:
    """Tokens travel over TLS, but on this machine; raises SettingsInvalid."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise SettingsInvalid(
            "Signing in by OIDC needs identity.oidc_issuer and identity.public_url as https addresses; "
            f"'{address}' is none."
        )
