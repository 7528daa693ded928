"""Signs a person in: in their browser, by a code that they type elsewhere, or by what they paste.

The browser's way is the "OAuth 2.0 Web Server Flow" with PKCE, the code's the "OAuth 2.0 Device
Flow" (both Salesforce Help). Since September 2025 Salesforce blocks the device flow for every
connected app that an administrator has not installed in the account, whoever allowed it before
(Help, article 005132365, "Prepare for Connected App Usage Restrictions Change"); an external client
app must switch it on besides ("isDeviceFlowEnabled"). So it is the second way, not the first.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from crmbridge.adapters import Context, Person, SignIn
from crmbridge.adapters.http import FixedHeader
from crmbridge.adapters.tokens import Token
from crmbridge.errors import ConfigError, SignInError
from crmbridge_salesforce.auth import (
    client_form,
    exchange_refresh,
    said_no,
    token_answer,
    token_of,
)
from crmbridge_salesforce.browser import SCOPES, errand, revoke, trade
from crmbridge_salesforce.codes import DIALECT, code_in
from crmbridge_salesforce.settings import SalesforceSettings

_EXPIRES_SECONDS = 600.0
"""How long a code is good where the answer does not say ("OAuth 2.0 Device Flow", Help)."""
_SLOWER_SECONDS = 5.0
"""RFC 8628, section 3.5: each ``slow_down`` adds so much to the pause."""
_OF_SESSION = "!"
"""Divides the organisation's id from the rest in every session; no refresh token has one."""


def connect(settings: BaseModel, context: Context, person: Person, way: str) -> Token:
    """The token that a person's sign-in gives.

    Raises:
        SignInError: Salesforce or the person said no.
        ConfigError: there is no such way.
    """
    ways: Mapping[str, Callable[[], Token]] = {
        "browser": lambda: _by_browser(context, person),
        "device": lambda: _by_device(context, person),
        "paste": lambda: _by_paste(settings, context, person),
    }
    if way not in ways:
        where = f"connections.{context.connection}"
        raise ConfigError(where, f"one of {', '.join(ways)}", repr(way))
    return ways[way]()


def disconnect(settings: BaseModel, context: Context, token: Token) -> None:
    """End a token at Salesforce: a refresh token with all sessions that came of it."""
    del settings
    revoke(context, token)


def _by_browser(context: Context, person: Person) -> Token:
    asked = errand(context, person.redirect_uri)
    back = person.visit(asked.url)
    if not secrets.compare_digest(back.get("state", ""), asked.state):
        raise _refused(context, "an answer to our own question", "one with another state")
    if back.get("error") or not back.get("code"):
        words = f"{back.get('error', 'no code')}: {back.get('error_description', '')}"
        raise _refused(context, "a code from the browser", words.strip(": ")[:200])
    return trade(context, asked, back["code"])


def _by_device(context: Context, person: Person) -> Token:
    form = {
        "response_type": "device_code",
        "scope": " ".join(context.auth.get("scopes") or SCOPES),
        **client_form(context),
    }
    answer = token_answer(context, form)
    found = answer.data
    if answer.status != 200 or not isinstance(found, dict) or not found.get("device_code"):
        raise said_no(context, answer)
    person.show(f"Open {found.get('verification_uri')} and enter: {found.get('user_code')}")
    return _polled(context, found)


def _polled(context: Context, found: Mapping[str, Any]) -> Token:
    """Ask until the person has decided, as slowly as Salesforce wants it.

    Raises:
        SignInError: they said no, or did not come in time.
    """
    clock, pause = context.clock, float(found.get("interval") or _SLOWER_SECONDS)
    deadline = clock.monotonic() + float(found.get("expires_in") or _EXPIRES_SECONDS)
    form = {"grant_type": "device", "code": str(found["device_code"]), **client_form(context)}
    while clock.monotonic() < deadline:
        clock.sleep(pause)
        answer = token_answer(context, form)
        if answer.status == 200:
            return token_of(context, answer)
        code = code_in(answer.body)
        if code == "slow_down":
            pause += _SLOWER_SECONDS
        elif code != "authorization_pending":
            raise said_no(context, answer)
    raise _refused(context, "the code to be entered in time", "nobody who did")


def _by_paste(settings: BaseModel, context: Context, person: Person) -> Token:
    """A session's id is tried out, a refresh token traded at once: neither is kept unproven."""
    text = person.paste("Session id or refresh token").strip()
    if not text or not text.isascii() or not text.isprintable():
        raise _refused(context, "a session id or a refresh token", "another text")
    if _OF_SESSION not in text:
        return exchange_refresh(context, Token(access="", refresh=text))
    version = SalesforceSettings.model_validate(settings.model_dump()).api_version
    header = {"Authorization": f"Bearer {text}"}
    sign = FixedHeader(connection=context.connection, value=header)
    http = context.need_http().at(context.url, sign, DIALECT)
    http.get(f"/services/data/v{version}/limits", accept=frozenset({403}))
    return Token(access=text, extra={"instance_url": context.url})


def _refused(context: Context, expected: str, got: str) -> SignInError:
    again = f"Run again: crmbridge connect {context.connection}"
    return SignInError(f"connections.{context.connection}.auth", expected, got, again)


SIGN_IN = SignIn(ways=("browser", "device", "paste"), connect=connect, disconnect=disconnect)
