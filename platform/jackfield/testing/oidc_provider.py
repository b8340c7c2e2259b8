"""An OpenID Connect provider on loopback, that signs in whoever it is told, and misbehaves when it is told to."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

    Key = RSAKey | ECKey

CLIENT_ID = "jackfield"
CLIENT_SECRET = "the client's secret"  # noqa: S105 - of a provider that serves one test
EXPECTED = ("openid", "code", "S256", CLIENT_ID)


class OidcServer:
    """Serves the code flow with PKCE while entered.

    `person` are the claims about whoever is signed in; `lies` replace claims of the ID token, and None leaves one out.
    With `forged` the ID token is signed by another key than is published; `in_userinfo` moves the address there.
    """

    def __init__(self) -> None:
        self._key: Key = _rsa_key("published")
        self._codes: dict[str, dict[str, str]] = {}
        self.person: dict[str, Any] = {
            "sub": "42",
            "email": "ada@example.org",
            "email_verified": True,
            "name": "Ada",
        }
        self.lies: dict[str, Any] = {}
        self.forged = False
        self.in_userinfo = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def issuer(self) -> str:
        """The provider's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def rotate(self) -> None:
        """Sign with a new key of another kind, and publish that."""
        from joserfc.jwk import ECKey

        self._key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"})

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def _authorized(self, asked: dict[str, str]) -> str | None:
        """Where the browser goes on, with a code; None for what is not asked as it should be."""
        given = (asked.get("scope", "").split()[0], *(asked.get(name) for name in ASKED[1:]))
        if given != EXPECTED or not asked.get("nonce") or not asked.get("state"):
            return None
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _token(self, asked: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """What a code is worth, once."""
        begun = self._codes.pop(asked.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if begun is None or authorization != f"Basic {client}" or asked.get("redirect_uri") != begun["redirect_uri"]:
            return None
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != begun["code_challenge"]:
            return None
        return {
            "access_token": "opens userinfo",
            "token_type": "Bearer",
            "expires_in": 60,
            "id_token": self._id_token(begun["nonce"]),
        }

    def _id_token(self, nonce: str) -> str:
        from joserfc import jwt

        now = int(time.time())
        person = {"sub": self.person["sub"]} if self.in_userinfo else self.person
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": nonce, **person}
        told = {name: value for name, value in (claims | self.lies).items() if value is not None}
        header = {"alg": self._key.alg or "", "kid": self._key.kid or ""}
        return jwt.encode(header, told, _rsa_key("of somebody else") if self.forged else self._key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                match parts.path:
                    case "/.well-known/openid-configuration":
                        self._answer(provider._described())
                    case "/keys":
                        self._answer({"keys": [provider._key.as_dict(private=False)]})
                    case "/userinfo" if self.headers["Authorization"] == "Bearer opens userinfo":
                        self._answer(provider.person)
                    case "/authorize" if onward := provider._authorized(_flat(parts.query)):
                        self.send_response(HTTPStatus.FOUND)
                        self.send_header("Location", onward)
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                    case _:
                        self._answer({"error": "invalid_request"}, HTTPStatus.BAD_REQUEST)

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                token = provider._token(_flat(form), self.headers["Authorization"] or "")
                if token is None:
                    self._answer({"error": "invalid_grant"}, HTTPStatus.BAD_REQUEST)
                else:
                    self._answer(token)

            def log_message(self, *args: object) -> None:
                """Quiet."""

            def _answer(self, value: object, status: HTTPStatus = HTTPStatus.OK) -> None:
                body = msgspec.json.encode(value)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


ASKED = ("scope", "response_type", "code_challenge_method", "client_id")


@cache
def _rsa_key(name: str) -> RSAKey:
    """A key for all of a process's providers, since making one takes a while."""
    from joserfc.jwk import RSAKey

    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
