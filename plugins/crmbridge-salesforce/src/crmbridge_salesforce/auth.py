"""Ways to sign in, and the session that comes of it.

Grant types and what the token endpoint answers: Salesforce Help, "OAuth Authorization Flows". The
device flow was taken away in September 2025, so that it is not offered. The username-password
flow and SOAP's login() end in 2027; see `removals`.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from crmbridge.adapters import Context
from crmbridge.adapters.http import Authorize, Effect, FixedHeader, HttpClient, StoredToken
from crmbridge.adapters.tokens import Token
from crmbridge.errors import ConfigError, SignInError
from crmbridge.records import Finding
from crmbridge_salesforce.codes import errors_in, in_words

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105  a path
_HOSTS = (".salesforce.com", ".force.com", ".salesforce.mil", ".sfcrmproducts.cn")
"""Where Salesforce serves; a token answer that names another place is not believed."""
_ASSERTION_SECONDS = 180
"""Help, "OAuth 2.0 JWT Bearer Flow": an assertion must expire within 3 minutes."""
METHODS = ("session", "client_credentials", "jwt", "refresh_token", "password")


def method_of(auth: Mapping[str, Any]) -> str:
    """The way that the settings name, or the one that their keys allow; "" for a browser's."""
    if auth.get("method"):
        return str(auth["method"])
    if auth.get("session_id") or auth.get("access_token"):
        return "session"
    if auth.get("private_key"):
        return "jwt"
    if auth.get("refresh_token"):
        return "refresh_token"
    if auth.get("password"):
        return "password"
    return "client_credentials" if auth.get("client_secret") else ""


def signing(context: Context) -> Authorize:
    """What signs requests.

    Raises:
        ConfigError: the settings name a way that there is not, or lack a key of it.
    """
    method = method_of(context.auth)
    if method == "session":
        key = "session_id" if context.auth.get("session_id") else "access_token"
        header = {"Authorization": f"Bearer {context.auth_text(key)}"}
        return FixedHeader(connection=context.connection, value=header)
    if method not in {"", *METHODS}:
        where = f"connections.{context.connection}.auth.method"
        raise ConfigError(where, f"one of {', '.join(METHODS)}", repr(method))
    if context.tokens is None:
        raise ConfigError(f"connections.{context.connection}", "a token store from the host")
    sign_in = {"": None, "refresh_token": lambda: _first_refresh(context)}.get(
        method, lambda: ask_token(context, _FORMS[method](context))
    )
    refreshes = method in {"", "refresh_token"}
    return StoredToken(
        connection=context.connection,
        store=context.tokens,
        clock=context.clock,
        refresh=(lambda token: _refreshed(context, token)) if refreshes else None,
        sign_in=sign_in,
    )


def instance_of(context: Context) -> str:
    """Where the account's interfaces are: the token says it, else the settings' URL does.

    Raises:
        SignInError: the token names an address that is not Salesforce's.
    """
    token = context.tokens.get(context.connection) if context.tokens else None
    found = token.extra.get("instance_url", "") if token else ""
    return found if found and method_of(context.auth) != "session" else context.url


def removals(context: Context) -> list[Finding]:
    """Ways to sign in that Salesforce is switching off."""
    if method_of(context.auth) != "password":
        return []
    return [
        Finding(
            code="salesforce.password_ends",
            example="auth.method = password; Salesforce switches it off during 2027",
            remedy="Sign in by client_credentials or jwt instead",
        )
    ]


def _first_refresh(context: Context) -> Token:
    return _refreshed(context, Token(access="", refresh=context.auth_text("refresh_token")))


def _refreshed(context: Context, token: Token) -> Token:
    """Trade a refresh token; with rotation on, its successor replaces it."""
    held = token.refresh or (
        context.auth_text("refresh_token") if context.auth.get("refresh_token") else ""
    )
    form = {"grant_type": "refresh_token", "refresh_token": held, **_client(context)}
    fresh = ask_token(context, form)
    return Token(
        access=fresh.access,
        refresh=fresh.refresh or held,
        expires_at=fresh.expires_at,
        extra={**token.extra, **fresh.extra},
    )


def ask_token(context: Context, form: Mapping[str, str]) -> Token:
    """Ask the token endpoint.

    Raises:
        SignInError: it refuses.
    """
    answer = _endpoint(context).post(
        str(context.auth.get("token_url") or TOKEN_PATH),
        form=form,
        effect=Effect.KEYED,  # a rotated refresh token that is lost here needs a person anyway
        accept=frozenset({400, 401, 403}),
    )
    if answer.status != 200:
        words = in_words(errors_in(answer.body)) or f"{answer.status}"
        raise SignInError(
            f"connections.{context.connection}.auth",
            "Salesforce to accept the sign-in",
            words,
            f"Look at the app's policies, or run: crmbridge connect {context.connection}",
        )
    return _token(context, answer.json())


def _endpoint(context: Context) -> HttpClient:
    url = str(context.auth.get("token_url") or context.url)
    return context.need_http().at(url)


def _token(context: Context, found: Mapping[str, Any]) -> Token:
    if not isinstance(found, dict) or not found.get("access_token"):
        raise SignInError(f"connections.{context.connection}.auth", "an access token", "none")
    instance = str(found.get("instance_url") or "")
    if instance and not _is_theirs(context, instance):
        raise SignInError(
            f"connections.{context.connection}.auth",
            "an instance at Salesforce or at the configured url",
            instance[:80],
        )
    seconds = found.get("expires_in")
    expires_at = context.clock.now() + timedelta(seconds=float(seconds)) if seconds else None
    return Token(
        access=str(found["access_token"]),
        refresh=str(found.get("refresh_token") or ""),
        expires_at=expires_at,
        extra={"instance_url": instance} if instance else {},
    )


def _is_theirs(context: Context, instance: str) -> bool:
    """Whether sessions may be sent there: to Salesforce, or to the very place that is set."""
    if instance.rstrip("/") == context.url.rstrip("/"):
        return True
    scheme, _, rest = instance.partition("://")
    host = rest.split("/")[0].split(":")[0].lower()
    return scheme == "https" and host.endswith(_HOSTS) and "@" not in rest


def _client(context: Context) -> dict[str, str]:
    form = {"client_id": context.auth_text("client_id")}
    if context.auth.get("client_secret"):
        form["client_secret"] = context.auth_text("client_secret")
    return form


def _client_form(context: Context) -> Mapping[str, str]:
    secret = {"client_secret": context.auth_text("client_secret")}
    return {"grant_type": "client_credentials", **_client(context), **secret}


def _password_form(context: Context) -> Mapping[str, str]:
    text = context.auth_text
    token = text("security_token") if context.auth.get("security_token") else ""
    return {
        "grant_type": "password",
        **_client(context),
        "username": text("username"),
        "password": text("password") + token,
    }


def _jwt_form(context: Context) -> Mapping[str, str]:
    audience = str(context.auth.get("audience") or "") or _audience(context.url)
    expires = int((context.clock.now() + timedelta(seconds=_ASSERTION_SECONDS)).timestamp())
    claims = {
        "iss": context.auth_text("client_id"),
        "sub": context.auth_text("username"),
        "aud": audience,
        "exp": expires,
    }
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return {"grant_type": grant, "assertion": _signed(context, claims)}


def _audience(url: str) -> str:
    """Sandboxes are signed in to at test.salesforce.com, everything else at login."""
    is_sandbox = ".sandbox." in url or "test.salesforce.com" in url
    return f"https://{'test' if is_sandbox else 'login'}.salesforce.com"


def _signed(context: Context, claims: Mapping[str, Any]) -> str:
    """An assertion signed by RS256 (RFC 7515, 7518)."""
    parts = [_url64(orjson.dumps(one)) for one in ({"alg": "RS256"}, claims)]
    text = ".".join(parts)
    signature = _key(context).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_url64(signature)}"


def _key(context: Context) -> rsa.RSAPrivateKey:
    where = f"connections.{context.connection}.auth.private_key"
    phrase = context.auth_text("passphrase").encode() if context.auth.get("passphrase") else None
    try:
        pem = context.auth_text("private_key").encode()
        key = serialization.load_pem_private_key(pem, phrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(
            where, "an RSA key in PEM, and its passphrase", "something else"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError(where, "an RSA key", "one of another kind")
    return key


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


_FORMS: Mapping[str, Callable[[Context], Mapping[str, str]]] = {
    "client_credentials": _client_form,
    "password": _password_form,
    "jwt": _jwt_form,
}
