"""Signs a person in by a browser: the address to open, and the code that comes back.

"OAuth 2.0 Web Server Flow" with PKCE (RFC 7636), Salesforce Help. Who runs the page that the
browser returns to, and keeps the token, is the host: ``crmbridge connect``.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from crmbridge.adapters import Context
from crmbridge.adapters.http import Answer, Effect
from crmbridge.adapters.tokens import Token
from crmbridge.errors import ConfigError
from crmbridge_salesforce.auth import ask_token, client_form
from crmbridge_salesforce.codes import code_in

AUTHORIZE_PATH = "/services/oauth2/authorize"
REVOKE_PATH = "/services/oauth2/revoke"
SCOPES = ("api", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What must be remembered while a person is at the browser; made anew for each try.

    Args:
        url: what the browser opens.
        state: what the answer must bear, or it is somebody else's.
        verifier: proves that who trades the code is who asked for it.
    """

    url: str
    state: str
    verifier: str
    redirect_uri: str


def errand(context: Context, redirect_uri: str) -> Errand:
    """The address to open in a browser that comes back to `redirect_uri` on this machine."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": context.auth_text("client_id"),
        "redirect_uri": redirect_uri,
        "scope": " ".join(context.auth.get("scopes") or SCOPES),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    page = str(context.auth.get("authorize_url") or context.url.rstrip("/") + AUTHORIZE_PATH)
    return Errand(
        url=f"{page}?{urlencode(query)}", state=state, verifier=verifier, redirect_uri=redirect_uri
    )


def trade(context: Context, asked: Errand, code: str) -> Token:
    """Trade the code that the browser brought back for a token; keep it in the token store.

    Raises:
        SignInError: Salesforce refuses the code.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked.redirect_uri,
        "code_verifier": asked.verifier,
        **client_form(context),
    }
    return ask_token(context, form)


def revoke(context: Context, token: Token) -> None:
    """End a token at Salesforce: the refresh token, and with it all sessions that came of it.

    One that is over already is as it should be ("Revoke OAuth Tokens", Help: ``invalid_token``).

    Raises:
        ConfigError: Salesforce does not revoke tokens of this kind.
    """
    url = str(context.auth.get("revoke_url") or context.url)
    path = REVOKE_PATH if url == context.url else url
    form = {"token": token.refresh or token.access}
    accept = frozenset({400})
    answer = (
        context.need_http()
        .at(url)
        .post(path, form=form, effect=Effect.KEYED, answer=Answer.BYTES, accept=accept)
    )
    if answer.status == 400 and code_in(answer.body) != "invalid_token":
        where, got = f"connections.{context.connection}.auth", code_in(answer.body) or "a refusal"
        raise ConfigError(where, "a token that can be revoked", got, "End the session in Setup")
