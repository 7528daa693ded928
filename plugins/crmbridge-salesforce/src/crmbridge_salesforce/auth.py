"""Ways to sign in, and the session that comes of it.

Grant types and what the token endpoint answers: Salesforce Help, "OAuth Authorization Flows". What
needs a person is in `sign_in`. The username-password flow and SOAP's login() end in 2027; see
`removals`.
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
from crmbridge.adapters.http import (
    Authorize,
    Effect,
    FixedHeader,
    HttpClient,
    Response,
    StoredToken,
)
from crmbridge.adapters.sign_in import refusal
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
_BY_PERSON = frozenset({"", "browser", "device", "paste"})
"""Ways whose token ``crmbridge connect`` keeps."""


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
    if method not in {*_BY_PERSON, *METHODS}:
        where = f"connections.{context.connection}.auth.method"
        known = ", ".join((*METHODS, *sorted(_BY_PERSON - {""})))
        raise ConfigError(where, f"one of {known}", repr(method))
    if context.tokens is None:
        raise ConfigError(f"connections.{context.connection}", "a token store from the host")
    sign_in = _without_person(context, method)
    return StoredToken(
        connection=context.connection,
        store=context.tokens,
        clock=context.clock,
        refresh=lambda token: _renewed(context, token, sign_in),
        sign_in=sign_in,
    )


def _without_person(context: Context, method: str) -> Callable[[], Token] | None:
    """What gives a first token by the settings alone; None where only a person can."""
    if method in _BY_PERSON:
        return None
    if method == "refresh_token":
        held = context.auth_text("refresh_token")
        return lambda: exchange_refresh(context, Token(access="", refresh=held))
    return lambda: ask_token(context, _FORMS[method](context))


def _renewed(context: Context, token: Token, sign_in: Callable[[], Token] | None) -> Token:
    """A token that came with a refresh token goes on by that, whatever the settings hold."""
    if token.refresh:
        return exchange_refresh(context, token)
    if sign_in is not None:
        return sign_in()
    raise refusal(context.connection, "a session that ended")


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


def exchange_refresh(context: Context, token: Token) -> Token:
    """Trade a refresh token; with rotation on, its successor replaces it.

    "OAuth 2.0 Refresh Token Flow" (Help): the answer holds a refresh token only where rotation is
    on, and then the one that was sent is over. The token store has the answer on disk before
    anybody signs with it.

    Raises:
        SignInError: Salesforce does not take it any more.
    """
    form = {"grant_type": "refresh_token", "refresh_token": token.refresh, **client_form(context)}
    fresh = ask_token(context, form)
    return Token(
        access=fresh.access,
        refresh=fresh.refresh or token.refresh,
        expires_at=fresh.expires_at,
        extra={**token.extra, **fresh.extra},
    )


def ask_token(context: Context, form: Mapping[str, str]) -> Token:
    """Ask the token endpoint for a token.

    Raises:
        SignInError: it refuses.
    """
    answer = token_answer(context, form)
    if answer.status != 200:
        raise said_no(context, answer)
    return token_of(context, answer)


def token_answer(context: Context, form: Mapping[str, str]) -> Response:
    """What the token endpoint says, a refusal too."""
    return _endpoint(context).post(
        str(context.auth.get("token_url") or TOKEN_PATH),
        form=form,
        effect=Effect.KEYED,  # a rotated refresh token that is lost here needs a person anyway
        accept=frozenset({400, 401, 403}),
    )


def said_no(context: Context, answer: Response) -> SignInError:
    """The error for a refusal, in Salesforce's words."""
    words = in_words(errors_in(answer.body)) or f"{answer.status}"
    return SignInError(
        f"connections.{context.connection}.auth",
        "Salesforce to accept the sign-in",
        words,
        f"Look at the app's policies, or run: crmbridge connect {context.connection}",
    )


def _endpoint(context: Context) -> HttpClient:
    url = str(context.auth.get("token_url") or context.url)
    return context.need_http().at(url)


def token_of(context: Context, answer: Response) -> Token:
    """The token of a good answer.

    Raises:
        SignInError: there is none, or it names an instance that is not Salesforce's.
    """
    found = answer.json()
    if not isinstance(found, dict) or not found.get("access_token"):
        raise SignInError(f"connections.{context.connection}.auth", "an access token", "none")
    instance = str(found.get("instance_url") or "")
    if instance and not _is_theirs(context, instance):
        raise SignInError(
            f"connections.{context.connection}.auth",
            "an instance at Salesforce or at the configured url",
            instance[:80],
        )
    extra = {"instance_url": instance, "scope": str(found.get("scope") or "")}
    seconds = found.get("expires_in")
    expires_at = context.clock.now() + timedelta(seconds=float(seconds)) if seconds else None
    return Token(
        access=str(found["access_token"]),
        refresh=str(found.get("refresh_token") or ""),
        expires_at=expires_at,
        extra={name: text for name, text in extra.items() if text},
    )


def _is_theirs(context: Context, instance: str) -> bool:
    """Whether sessions may be sent there: to Salesforce, or to the very place that is set."""
    if instance.rstrip("/") == context.url.rstrip("/"):
        return True
    scheme, _, rest = instance.partition("://")
    host = rest.split("/")[0].split(":")[0].lower()
    return scheme == "https" and host.endswith(_HOSTS) and "@" not in rest


def client_form(context: Context) -> dict[str, str]:
    """Who we are: the app's id, and its secret where it has one."""
    form = {"client_id": context.auth_text("client_id")}
    if context.auth.get("client_secret"):
        form["client_secret"] = context.auth_text("client_secret")
    return form


def _client_form(context: Context) -> Mapping[str, str]:
    secret = {"client_secret": context.auth_text("client_secret")}
    return {"grant_type": "client_credentials", **client_form(context), **secret}


def _password_form(context: Context) -> Mapping[str, str]:
    text = context.auth_text
    token = text("security_token") if context.auth.get("security_token") else ""
    return {
        "grant_type": "password",
        **client_form(context),
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
    """Sandboxes are signed in to at test.salesforce.com, everything else at login.

    Their addresses are ``MYDOMAIN--NAME.sandbox.my...``, older ones without ``sandbox``, and those
    of scratch organisations ``NAME.scratch.my...`` (Help, "My Domain URL Formats").
    """
    is_sandbox = any(one in url for one in ("--", ".sandbox.", ".scratch.", "test.salesforce.com"))
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
