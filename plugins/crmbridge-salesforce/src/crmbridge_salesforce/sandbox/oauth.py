"""The token endpoint: codes of browsers and devices, refresh tokens, assertions, passwords.

Device codes and the errors while nobody has entered one: "OAuth 2.0 Device Flow for IoT
Integration", Salesforce Help, which follows RFC 8628 but for the name of its grant.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from crmbridge.testing.loopback import Received
from crmbridge_salesforce.sandbox.answers import Answer
from crmbridge_salesforce.sandbox.org import Org


@dataclass(slots=True, kw_only=True)
class SignIn:
    """Sessions and who may have one.

    Args:
        sessions: access tokens that hold.
        refreshes: refresh tokens that hold.
        scope: what tokens are good for.
        rotates: a refresh token is good for one use, and comes with its successor.
        codes: code of a browser -> (challenge, where it goes back to).
        devices: device code -> [user code, "pending", "slow", "agreed" or "denied"].
        blocks_devices: the app is not installed, so that the device flow is refused.
    """

    org: Org
    client_id: str = "client"
    client_secret: str = "s3cret"  # noqa: S105  the sandbox's, known to everybody
    username: str = "crm@example.com"
    password: str = "password"  # noqa: S105
    rotates: bool = False
    scope: str = "api refresh_token id"
    sessions: set[str] = field(default_factory=lambda: {"sandbox-session"})
    refreshes: set[str] = field(default_factory=lambda: {"sandbox-refresh"})
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    devices: dict[str, list[str]] = field(default_factory=dict)
    blocks_devices: bool = False

    def expire(self) -> None:
        """End all sessions."""
        self.sessions.clear()

    def authorize(self, received: Received) -> Answer:
        """A browser that agrees at once."""
        query = received.query
        code = secrets.token_urlsafe(12)
        self.codes[code] = (query.get("code_challenge", ""), query.get("redirect_uri", ""))
        back = urlencode({"code": code, "state": query.get("state", "")})
        location = f"{query.get('redirect_uri', '')}?{back}"
        return Answer(status=302, headers={"Location": location})

    def token(self, received: Received, url: str) -> Answer:
        """Give a session, or say why not."""
        form = {**_basic(received), **dict(parse_qsl(received.body.decode()))}
        if form.get("response_type") == "device_code":
            return self._device(form, url)
        refused = _GRANTS.get(form.get("grant_type", ""), _unknown)(self, form)
        if refused:
            kind, _, words = refused.partition(": ")
            return Answer(status=400, document={"error": kind, "error_description": words})
        return Answer(document=self._session(form, url))

    def decide(self, user_code: str, what: str) -> None:
        """A person enters a code: ``agreed`` or ``denied``; ``slow`` asks for longer pauses."""
        for held in self.devices.values():
            if held[0] == user_code:
                held[1] = what

    def _device(self, form: Mapping[str, str], url: str) -> Answer:
        if self.blocks_devices or form.get("client_id") != self.client_id:
            words = "app must be installed into org"
            document = {"error": "invalid_client", "error_description": words}
            return Answer(status=400, document=document)
        code, user_code = secrets.token_urlsafe(12), secrets.token_hex(4).upper()
        self.devices[code] = [user_code, "pending"]
        return Answer(
            document={
                "device_code": code,
                "user_code": user_code,
                "verification_uri": f"{url}/setup/connect",
                "interval": 5,
            }
        )

    def revoke(self, received: Received) -> Answer:
        """End a session or a refresh token."""
        token = dict(parse_qsl(received.body.decode())).get("token", "")
        if token not in self.sessions | self.refreshes:
            document = {"error": "invalid_token", "error_description": "invalid token"}
            return Answer(status=400, document=document)
        self.sessions.discard(token)
        self.refreshes.discard(token)
        return Answer(body=b"", kind="text/html")

    def knows(self, received: Received) -> bool:
        """Whether a request bears a session that holds."""
        scheme, _, token = received.headers.get("Authorization", "").partition(" ")
        return scheme in {"Bearer", "OAuth"} and token in self.sessions

    def _session(self, form: Mapping[str, str], url: str) -> dict[str, Any]:
        access = "00D!" + secrets.token_urlsafe(24)
        self.sessions.add(access)
        document = {
            "access_token": access,
            "instance_url": url,
            "id": f"{url}/id/{self.org.id}/{self.org.user}",
            "token_type": "Bearer",
            "scope": self.scope,
            "issued_at": str(int(self.org.now().timestamp() * 1000)),
            "signature": "c2FuZGJveA==",
        }
        used = form.get("refresh_token", "")
        by_person = form["grant_type"] in {"authorization_code", "device"}
        if by_person or (used and self.rotates):
            self.refreshes.discard(used)
            document["refresh_token"] = secrets.token_urlsafe(24)
            self.refreshes.add(document["refresh_token"])
        return document

    def is_client(self, form: Mapping[str, str]) -> bool:
        """Whether the client is who it says."""
        given = (form.get("client_id"), form.get("client_secret"))
        return given == (self.client_id, self.client_secret)


def _basic(received: Received) -> dict[str, str]:
    """A client may name itself by Basic authorization, too (RFC 6749, section 2.3.1)."""
    scheme, _, given = received.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return {}
    name, _, secret = base64.b64decode(given).decode().partition(":")
    return {"client_id": name, "client_secret": secret}


def _unknown(sign_in: SignIn, form: Mapping[str, str]) -> str:
    del sign_in, form
    return "unsupported_grant_type: grant type not supported"


def _by_client(sign_in: SignIn, form: Mapping[str, str]) -> str:
    return "" if sign_in.is_client(form) else "invalid_client: invalid client credentials"


def _by_refresh(sign_in: SignIn, form: Mapping[str, str]) -> str:
    if form.get("client_id") != sign_in.client_id:
        return "invalid_client_id: client identifier invalid"
    is_known = form.get("refresh_token") in sign_in.refreshes
    return "" if is_known else "invalid_grant: expired access/refresh token"


def _by_code(sign_in: SignIn, form: Mapping[str, str]) -> str:
    challenge, redirect = sign_in.codes.pop(form.get("code", ""), ("?", ""))
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if challenge not in {"", proof} or redirect != form.get("redirect_uri"):
        return "invalid_grant: invalid authorization code"
    return ""


def _by_device(sign_in: SignIn, form: Mapping[str, str]) -> str:
    held = sign_in.devices.get(form.get("code", ""), ["", ""])
    if held[1] == "agreed":
        del sign_in.devices[form["code"]]
        return ""
    if held[1] == "slow":
        held[1] = "pending"
        return "slow_down: polled too soon"
    if held[1] == "pending":
        return "authorization_pending: the user has not decided yet"
    return "access_denied: end-user denied authorization"


def _by_password(sign_in: SignIn, form: Mapping[str, str]) -> str:
    given = (form.get("username"), form.get("password"))
    if not sign_in.is_client(form) or given != (sign_in.username, sign_in.password):
        return "invalid_grant: authentication failure"
    return ""


def _by_assertion(sign_in: SignIn, form: Mapping[str, str]) -> str:
    try:
        _, claims, signature = form["assertion"].split(".")
        found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (KeyError, ValueError):
        return "invalid_grant: invalid assertion"
    now = sign_in.org.now().timestamp()
    if not signature or found.get("iss") != sign_in.client_id:
        return "invalid_client_id: client identifier invalid"
    if found.get("sub") != sign_in.username or not found.get("aud"):
        return "invalid_grant: user hasn't approved this consumer"
    return "" if found.get("exp", 0) <= now + 86_400 * 3650 else "invalid_grant: expired"


_GRANTS = {
    "client_credentials": _by_client,
    "refresh_token": _by_refresh,
    "authorization_code": _by_code,
    "device": _by_device,
    "password": _by_password,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _by_assertion,
}
