"""Signs requests: with a private app's token, or with OAuth tokens that are refreshed.

The addresses are those of HubSpot's OAuth API 2026-03 (developers.hubspot.com, "Manage OAuth
tokens"): everything travels in a form's body, `code_verifier` included. The API v1 answers the
same way and ends on 2027-02-16 ("Migrate from the OAuth v1 API"); `auth.token_url` names another
address, such as a proxy's. A refresh token is not replaced by its use today; if an answer brings a
successor, that is what is kept.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crmbridge.adapters import Context, ErrorClass
from crmbridge.adapters.http import Authorize, Dialect, Effect, FixedHeader, HttpClient, StoredToken
from crmbridge.adapters.tokens import Token
from crmbridge.errors import ConfigError, SignInError
from crmbridge_hubspot.dialect import DIALECT

TOKEN_PATH = "oauth/2026-03/token"  # noqa: S105  an address
REVOKE_PATH = "oauth/2026-03/token/revoke"
LIFE_SECONDS = 1800
"""How long an access token lives where the answer does not say."""


def sign(context: Context) -> Authorize:
    """How requests of a connection are signed.

    A private app's token is `auth.access_token`, or was pasted at a sign-in. OAuth wants the app's
    `client_id` and `client_secret`, and a refresh token: in `auth.refresh_token`, or saved by a
    sign-in.

    Raises:
        ConfigError: the host keeps no tokens, and `auth` has none either.
    """
    if "access_token" in context.auth:
        token = context.auth_text("access_token")
        value = {"Authorization": f"Bearer {token}"}
        return FixedHeader(connection=context.connection, value=value)
    if context.tokens is None:
        raise ConfigError(
            f"connections.{context.connection}.auth",
            "access_token, or client_id with client_secret",
            "neither",
            "Make a private app in HubSpot and name its token",
        )
    return StoredToken(
        connection=context.connection,
        store=context.tokens,
        clock=context.clock,
        refresh=lambda token: refreshed(context, token),
        sign_in=(lambda: _first(context)) if "refresh_token" in context.auth else None,
    )


def refreshed(context: Context, token: Token) -> Token:
    """A token in exchange for one that ended; the successor of its refresh token is kept.

    Raises:
        SignInError: HubSpot refuses, or the token was pasted and cannot be refreshed.
    """
    held = token.refresh
    if not held and "refresh_token" in context.auth:
        held = context.auth_text("refresh_token")
    if not held:
        raise SignInError(
            f"connections.{context.connection}",
            "HubSpot to take the private app's token",
            "a refusal",
            f"Look whether it was rotated, then: crmbridge connect {context.connection}",
        )
    fresh = ask_token(context, {"grant_type": "refresh_token", "refresh_token": held})
    extra = {**token.extra, **fresh.extra}
    return Token(
        access=fresh.access,
        refresh=fresh.refresh or held,
        expires_at=fresh.expires_at,
        extra=extra,
    )


def _first(context: Context) -> Token:
    return refreshed(context, Token(access=""))


def ask_token(context: Context, form: Mapping[str, str]) -> Token:
    """Ask the token endpoint.

    Raises:
        SignInError: it refuses.
    """
    endpoint, path = endpoint_of(context, "token_url", TOKEN_PATH)
    # A refresh token stays good after its use, so a lost answer may be asked for again. A code is
    # good once: asked for again it is refused, and the person signs in again.
    answer = endpoint.post(path, form={**form, **app_of(context)}, effect=Effect.KEYED)
    return _token(context, answer.data)


def endpoint_of(context: Context, key: str, path: str) -> tuple[HttpClient, str]:
    """A client for an address of OAuth, signed by nothing, and the address."""
    address = str(context.auth.get(key) or "")
    return context.need_http().at(address or context.url, None, _DIALECT), address or path


def app_of(context: Context) -> dict[str, str]:
    """What names the app; HubSpot wants its secret beside the proof of PKCE."""
    return {name: context.auth_text(name) for name in ("client_id", "client_secret")}


def _token(context: Context, found: Any) -> Token:
    if not isinstance(found, dict) or not found.get("access_token"):
        raise SignInError(f"connections.{context.connection}.auth", "an access token", "none")
    seconds = float(found.get("expires_in") or LIFE_SECONDS)
    return Token(
        access=str(found["access_token"]),
        refresh=str(found.get("refresh_token") or ""),
        expires_at=context.clock.now() + timedelta(seconds=seconds),
        extra={"hub_id": str(found["hub_id"])} if found.get("hub_id") else {},
    )


def _classify(status: int, headers: Mapping[str, str], body: bytes) -> ErrorClass | None:
    """Every refusal of the token endpoint is one of the sign-in: no retry helps it.

    It is told as RFC 6749 has it (``error``) and as before (``status``); HubSpot's changelog,
    "New OAuth v3 API endpoints and standardized error responses".
    """
    return ErrorClass.SIGN_IN if status in {400, 401} else DIALECT.classify(status, headers, body)


_DIALECT = Dialect(classify=_classify, explain=DIALECT.explain, request_id=DIALECT.request_id)
