"""Signs a person in: by a browser, or with a private app's token that they paste.

The browser opens HubSpot's install page (developers.hubspot.com, "Manage OAuth tokens": client_id,
redirect_uri, scope, optional_scope, state). The challenge of PKCE (RFC 7636) goes with it: the
token endpoint takes its `code_verifier`, and a page that does not know it leaves it unread. Who
serves the page that the browser returns to, and keeps the token, is the host.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel

from crmbridge.adapters import Context, Person, SignIn
from crmbridge.adapters.http import Answer, Effect
from crmbridge.adapters.tokens import Token
from crmbridge.errors import CannotError, ConfigError, SignInError
from crmbridge_hubspot.auth import REVOKE_PATH, app_of, ask_token, endpoint_of

PAGE = "https://app.hubspot.com/oauth/authorize"
_API_HOSTS = (".hubapi.com", ".hubspot.com")

SCOPES = (
    "oauth", "crm.objects.companies.read", "crm.objects.companies.write",
    "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read",
    "crm.schemas.companies.read", "crm.schemas.contacts.read",
)  # fmt: skip
"""What no account works without. Meetings, calls and the other activities have no scope of their
own: those of contacts let them be read and written."""
OPTIONAL = (
    "crm.objects.deals.read", "crm.lists.read", "crm.lists.write", "e-commerce",
    "crm.objects.orders.read", "marketing.campaigns.read", "crm.schemas.companies.write",
    "crm.schemas.contacts.write", "communication_preferences.read",
)  # fmt: skip
"""What an account may lack, or its administrator may withhold; doctor says what that costs."""


def connect(settings: BaseModel, context: Context, person: Person, way: str) -> Token:
    """Sign in by one of the ways.

    Raises:
        SignInError: HubSpot or the person said no, or somebody else's answer came back.
        ConfigError: the browser is to be used, and `auth` does not name the app.
    """
    del settings
    if way == "paste":
        return Token(access=_pasted(context, person))
    return _by_browser(context, person)


def _pasted(context: Context, person: Person) -> str:
    text = person.paste("Access token of the private app").strip()
    if not text or not text.isascii() or any(one.isspace() for one in text):
        where = f"connections.{context.connection}"
        raise SignInError(where, "one token", "something else", "Copy it from the private app")
    return text


def _by_browser(context: Context, person: Person) -> Token:
    _must_have_app(context)
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    redirect_uri = person.redirect_uri
    answer = person.visit(page_of(context, redirect_uri, state, verifier))
    code = _code(context, answer, state)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return ask_token(context, form)


def _must_have_app(context: Context) -> None:
    missing = [name for name in ("client_id", "client_secret") if not context.auth.get(name)]
    if missing:
        raise ConfigError(
            f"connections.{context.connection}.auth",
            "client_id and client_secret of a HubSpot app",
            f"no {' and no '.join(missing)}",
            f"Set them, or: crmbridge connect {context.connection} --way paste",
        )


def page_of(context: Context, redirect_uri: str, state: str, verifier: str) -> str:
    """The address to open."""
    digest = hashlib.sha256(verifier.encode()).digest()
    named = context.auth.get("scopes")
    query = {
        "client_id": context.auth_text("client_id"),
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(named or SCOPES),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    if not named:
        query["optional_scope"] = " ".join(OPTIONAL)
    return f"{_page(context)}?{urlencode(query)}"


def _page(context: Context) -> str:
    """HubSpot signs people in at another host than its interface; any other server does both."""
    if context.auth.get("authorize_url"):
        return str(context.auth["authorize_url"])
    host = urlsplit(context.url).hostname or ""
    return PAGE if host.endswith(_API_HOSTS) else f"{context.url.rstrip('/')}/oauth/authorize"


def _code(context: Context, answer: Mapping[str, str], state: str) -> str:
    where = f"connections.{context.connection}"
    again = f"Connect again: crmbridge connect {context.connection}"
    if not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise SignInError(where, "the answer to our own request", "another one", again)
    if answer.get("error") or not answer.get("code"):
        raise SignInError(where, "HubSpot's consent", answer.get("error") or "no code", again)
    return answer["code"]


def disconnect(settings: BaseModel, context: Context, token: Token) -> None:
    """End a token: the refresh token. Its access token runs out by itself within half an hour
    (developers.hubspot.com, "Revoke an OAuth token").

    Raises:
        CannotError: it is a private app's, which only HubSpot's own settings end.
    """
    del settings
    if not token.refresh:
        raise CannotError(
            f"connections.{context.connection}",
            "a token that HubSpot's interface can end",
            "a private app's",
            "Rotate it in HubSpot: Settings, Integrations, Private apps",
        )
    endpoint, path = endpoint_of(context, "revoke_url", REVOKE_PATH)
    form = {"token": token.refresh, "token_type_hint": "refresh_token", **app_of(context)}
    endpoint.post(path, form=form, effect=Effect.KEYED, answer=Answer.BYTES)


SIGN_IN = SignIn(ways=("browser", "paste"), connect=connect, disconnect=disconnect)
