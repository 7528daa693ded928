"""Signs requests: with a private app's token, or with OAuth tokens that are refreshed."""

from datetime import timedelta
from typing import Any

from crmbridge.adapters import Context
from crmbridge.adapters.http import Authorize, Effect, FixedHeader, StoredToken
from crmbridge.adapters.tokens import Token
from crmbridge.errors import ConfigError
from crmbridge_hubspot.dialect import DIALECT

TOKEN_PATH = "oauth/v1/token"  # noqa: S105  an address; newer versions answer the same way
LIFE_SECONDS = 1800
"""How long an access token lives where the answer does not say."""


def sign(context: Context) -> Authorize:
    """How requests of a connection are signed.

    A private app's token is `auth.access_token`. OAuth wants the app's `client_id` and
    `client_secret`, and a refresh token: in `auth.refresh_token`, or saved by a sign-in.

    Raises:
        ConfigError: `auth` has neither.
    """
    if "access_token" in context.auth:
        token = context.auth_text("access_token")
        value = {"Authorization": f"Bearer {token}"}
        return FixedHeader(connection=context.connection, value=value)
    if context.tokens is None or "client_id" not in context.auth:
        raise ConfigError(
            f"connections.{context.connection}.auth",
            "access_token, or client_id with client_secret",
            "neither",
            "Make a private app in HubSpot and name its token",
        )
    grants = _Grants(context)
    return StoredToken(
        connection=context.connection,
        store=context.tokens,
        clock=context.clock,
        refresh=grants.refresh,
        sign_in=grants.sign_in if "refresh_token" in context.auth else None,
    )


class _Grants:
    """Trades refresh tokens for access tokens."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def sign_in(self) -> Token:
        return self._trade(self._context.auth_text("refresh_token"))

    def refresh(self, token: Token) -> Token:
        return self._trade(token.refresh or self._context.auth_text("refresh_token"))

    def _trade(self, refresh_token: str) -> Token:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._context.auth_text("client_id"),
            "client_secret": self._context.auth_text("client_secret"),
            "refresh_token": refresh_token,
        }
        context = self._context
        address = str(context.auth.get("token_url") or "")
        plain = context.need_http().at(address or context.url, None, DIALECT)
        # A refresh token stays good after its use, so a lost answer may be asked for again.
        got: dict[str, Any] = plain.post(address or TOKEN_PATH, form=form, effect=Effect.KEYED).data
        seconds = float(got.get("expires_in") or LIFE_SECONDS)
        return Token(
            access=str(got["access_token"]),
            refresh=str(got.get("refresh_token") or refresh_token),
            expires_at=context.clock.now() + timedelta(seconds=seconds),
        )
