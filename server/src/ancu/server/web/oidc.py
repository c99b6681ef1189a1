"""OpenID Connect: a province's own identity provider says who an officer is (code flow, PKCE, signed id token)."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from ancu.models.config import Settings, read_secret
from ancu.models.errors import AncuError

__all__ = ["Claimed", "OidcSettings", "Provider", "ProviderFailed"]

_PATIENCE_S = 10.0
_ALGORITHMS = (
    "RS256",
    "PS256",
    "ES256",
    "EdDSA",
)  # signed with a private key only; never 'none', never a shared secret
_LEEWAY_S = 60


class OidcSettings(Settings, frozen=True, kw_only=True):
    """`[web.oidc]` in server.toml, for a province that has an identity provider."""

    issuer: str
    """Its address; the rest is read from /.well-known/openid-configuration."""
    client_id: str
    client_secret_file: Path
    name: str
    """What the button says, like 'Sở Y tế'."""
    login_claim: str = "preferred_username"
    """The claim that holds an officer's login here, the first time he comes; then he is known by his subject."""


class ProviderFailed(AncuError):
    """The provider is silent, or what it said does not hold."""

    code = "provider_failed"


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who the provider says has signed in."""

    issuer: str
    subject: str
    login: str


class Provider:
    """One provider. Its description and keys are read anew at each sign-in: they are rare, and keys change."""

    def __init__(self, settings: OidcSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.settings, self._transport = settings, transport
        self._secret = read_secret(settings.client_secret_file).decode().strip()

    async def begin(self, back: str, state: str) -> tuple[str, str, str]:
        """The address to send a browser to, and the nonce and verifier to keep; raises ProviderFailed."""
        async with self._client() as client:
            about = await self._about(client)
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": _s256(verifier),
            "code_challenge_method": "S256",
        }
        return f"{about['authorization_endpoint']}?{urlencode(query)}", nonce, verifier

    async def finish(self, code: str, back: str, nonce: str, verifier: str) -> Claimed:
        """Exchange a code and hold its id token against the provider's keys; raises ProviderFailed."""
        async with self._client() as client:
            about = await self._about(client)
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": back,
                "code_verifier": verifier,
            }
            answer = await self._json(
                client, "POST", about["token_endpoint"], data=form, auth=(self.settings.client_id, self._secret)
            )
            keys = await self._json(client, "GET", about["jwks_uri"])
        return self._claimed(answer.get("id_token", ""), keys, nonce)

    def _claimed(self, token: str, keys: dict[str, Any], nonce: str) -> Claimed:
        from joserfc import jwt  # noqa: PLC0415 - most installations have no provider
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        required = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            decoded = jwt.decode(token, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=list(_ALGORITHMS))
            required.validate(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(f"the id token does not hold ({type(error).__name__})") from None
        claims = decoded.claims
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise ProviderFailed("the id token is another client's")
        return Claimed(self.settings.issuer, str(claims["sub"]), str(claims.get(self.settings.login_claim, "")))

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_PATIENCE_S, transport=self._transport, follow_redirects=False)

    async def _about(self, client: httpx.AsyncClient) -> dict[str, Any]:
        about = await self._json(client, "GET", self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if about.get("issuer") != self.settings.issuer:
            raise ProviderFailed("the provider calls itself otherwise")
        return about

    async def _json(self, client: httpx.AsyncClient, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            answer = await client.request(method, url, **more)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderFailed(f"the provider does not answer ({type(error).__name__})") from None
        return found


def _s256(verifier: str) -> str:
    """RFC 7636, 4.2."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
