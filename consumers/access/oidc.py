"""OpenID Connect with one provider: discovery, the code with PKCE, and what its ID token proves.

Nothing of a provider is remembered between logins: two small requests more, and a rotated key or a
moved endpoint is never a fault of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from consumers.access.mail_addresses import clean_mail
from consumers.access.permissions import Role
from consumers.access.tokens import same
from schemas.errors import Fatal, Rejected, Retryable

TIMEOUT_S = 10.0
LEEWAY_S = 60
SUBJECT_LONGEST = 255
"""OpenID Connect Core 2: ASCII, not longer."""
SCOPES = "openid email profile"
# What signs with a key of the provider's; never "none", never one made of the client's secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Provider(BaseModel):
    """An identity provider as the cloud's operators set it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    issuer: str
    client_id: str
    client_secret: SecretStr
    organisation: str
    """Slug of the organisation whose people it knows."""
    role: Role = Role.VIEWER
    """Of those who come for the first time without an invitation."""
    domains: tuple[str, ...] = ()
    """Mail domains that this provider speaks for; of others nobody is let in by address."""

    def speaks_for(self, mail: str) -> bool:
        """Tell whether an address that it calls verified is taken as its owner's."""
        return mail.rpartition("@")[2] in {domain.lower() for domain in self.domains}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who somebody is, by a provider's word."""

    issuer: str
    subject: str
    mail: str | None
    """Only if the provider has verified it; in lower case."""
    name: str


def read_providers(text: str) -> dict[str, Provider]:
    """Read ``SIGHTLINE_OIDC`` by the providers' names.

    Raises:
        Fatal: it cannot be read; the message holds no secret.
    """
    if not text.strip():
        return {}
    try:
        found = TypeAdapter(tuple[Provider, ...]).validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the whole"
        raise Fatal(
            f"SIGHTLINE_OIDC is no list of providers: {where}: {fault['msg']}; see docs/cloud.md"
        ) from None
    for provider in found:
        url = urlsplit(provider.issuer)
        if url.scheme != "https" and (url.scheme != "http" or url.hostname not in _LOOPBACK):
            raise Fatal(
                f"SIGHTLINE_OIDC: the issuer of {provider.name} does not begin with https://"
            )
    return {provider.name: provider for provider in found}


class Conversation:
    """One login with a provider; use it with ``async with``."""

    def __init__(self, provider: Provider, redirect_url: str) -> None:
        self._provider = provider
        self._redirect_url = redirect_url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S)

    async def __aenter__(self) -> Self:
        """Connect to nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what was opened."""
        await self._client.aclose()

    async def authorize_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Return the address of the provider's login page.

        Raises:
            Retryable: the provider does not answer as one.
        """
        metadata = await self._discover()
        url = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._provider.client_id,
            "code",
            redirect_uri=self._redirect_url,
            scope=SCOPES,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return str(url)

    async def claims(self, *, code: str, nonce: str, verifier: str) -> Claims:
        """Exchange the code and return what the verified ID token says.

        Raises:
            Rejected: the provider does not take the code, or its token proves nothing.
            Retryable: the provider does not answer as one.
        """
        metadata = await self._discover()
        tokens = await self._exchange(metadata, code, verifier)
        keys = await self._get(metadata["jwks_uri"])
        return verified_claims(self._provider, str(tokens.get("id_token", "")), keys, nonce=nonce)

    async def _exchange(
        self, metadata: Mapping[str, Any], code: str, verifier: str
    ) -> Mapping[str, Any]:
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._redirect_url, code=code, code_verifier=verifier
        )
        name = self._provider.client_id
        secret = self._provider.client_secret.get_secret_value()
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth: httpx.Auth = httpx.Auth()
        if "client_secret_basic" in methods:
            # Form-encoded within the header: RFC 6749, 2.3.1.
            auth = httpx.BasicAuth(quote(name, safe=""), quote(secret, safe=""))
        else:
            body += f"&client_id={quote(name, safe='')}&client_secret={quote(secret, safe='')}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = await self._client.post(
                metadata["token_endpoint"], content=body, headers=headers, auth=auth
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from None
        if answer.is_server_error:
            raise Retryable(
                f"the identity provider {self._provider.name} answers {answer.status_code}"
            )
        if not answer.is_success:
            raise Rejected(
                f"{self._provider.name} does not take the code: begin again", reason="bad-code"
            )
        return self._document(answer)

    async def _discover(self) -> Mapping[str, Any]:
        issuer = self._provider.issuer
        metadata = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if metadata.get("issuer") != issuer or not all(name in metadata for name in needed):
            # OpenID Connect Discovery 4.3: anything else may be another's in its name.
            raise Retryable(f"what answers at {issuer} does not call itself so")
        return metadata

    async def _get(self, url: str) -> Mapping[str, Any]:
        try:
            answer = await self._client.get(url)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from None
        return self._document(answer)

    def _document(self, answer: httpx.Response) -> Mapping[str, Any]:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Retryable(f"the identity provider {self._provider.name} answers no JSON object")
        return document

    def _away(self, error: Exception) -> Retryable:
        return Retryable(
            f"the identity provider {self._provider.name} does not answer ({type(error).__name__})"
        )


def verified_claims(
    provider: Provider, id_token: str, keys: Mapping[str, Any], *, nonce: str
) -> Claims:
    """Return what an ID token says, after all that OpenID Connect Core 3.1.3.7 asks for.

    Raises:
        Rejected: it is not signed by the provider, or not for this login.
    """
    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        token = jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        registry.validate(token.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise _untrusted(provider, type(error).__name__) from None
    claims = token.claims
    party = claims.get("azp")
    if party is not None and party != provider.client_id:
        raise _untrusted(provider, "issued to another")
    if not same(str(claims.get("nonce", "")), nonce):
        raise _untrusted(provider, "of another login")
    subject = str(claims["sub"])
    if (
        not subject.isascii()
        or not subject.isprintable()
        or not 0 < len(subject) <= SUBJECT_LONGEST
    ):
        raise _untrusted(provider, "an odd subject")
    return Claims(
        issuer=provider.issuer,
        subject=subject,
        mail=_proved_mail(claims),
        name=str(claims.get("name", "")),
    )


def _proved_mail(claims: Mapping[str, Any]) -> str | None:
    if claims.get("email_verified") is not True:
        return None
    try:
        return clean_mail(str(claims.get("email", "")))
    except ValueError:
        return None


def _untrusted(provider: Provider, why: str) -> Rejected:
    return Rejected(
        f"the ID token of {provider.name} is not trusted ({why}): begin again", reason="bad-token"
    )
