"""Who may come in: a private app's token, and OAuth tokens that expire, rotate and are revoked.

Written from HubSpot's pages "Manage OAuth tokens" (2026-03) and its changelog on standardized
error responses: a refusal names ``status`` and ``message`` as before, and ``error`` and
``error_description`` as RFC 6749 has them. PKCE follows RFC 7636.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from crmbridge_hubspot.sandbox.answers import RefusedError, Reply, invalid, not_found, refusal
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.truth import Account


@dataclass(frozen=True, slots=True)
class Grant:
    """A consent that waits to be traded for a token."""

    client: str
    redirect_uri: str
    challenge: str
    scopes: str


class Tokens:
    """The account's tokens.

    Args:
        private: tokens of private apps.
        refresh: the refresh token that is good now.
        rotates: a refresh token is good for one use, and its answer brings the next.
        denies: whoever is asked for consent says no.
        secret: what apps must know; "" lets any do.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self.private = {"pat-sandbox"}
        self.refresh = "refresh-sandbox"
        self.seconds = 1800
        self.rotates = False
        self.denies = False
        self.secret = ""
        self.issued: dict[str, float] = {}
        self.spent: list[str] = []
        self._grants: dict[str, Grant] = {}
        self._count = 0

    def consent(self, asked: Asked) -> Reply:
        """Ask the person at the browser, who says yes at once, and send the browser back."""
        query = asked.query
        for name in ("client_id", "redirect_uri", "scope"):
            if not query.get(name):
                raise invalid(f"missing or invalid {name}")
        back = {"state": query["state"]} if "state" in query else {}
        if self.denies:
            return _sent_back(query, {"error": "access_denied", **back})
        if query.get("code_challenge_method", "S256") != "S256":
            return _sent_back(query, {"error": "invalid_request", **back})
        self._count += 1
        code = f"code-{self._count}"
        self._grants[code] = Grant(
            query["client_id"], query["redirect_uri"], query.get("code_challenge", ""),
            query["scope"],
        )  # fmt: skip
        return _sent_back(query, {"code": code, **back})

    def trade(self, asked: Asked) -> Reply:
        """Give an access token for a code or a refresh token."""
        form = _form(asked)
        self._must_be_the_app(form)
        if form.get("grant_type") == "authorization_code":
            self._spend_code(form)
        elif form.get("grant_type") == "refresh_token":
            self._spend_refresh(form)
        else:
            raise _no("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant type")
        self._count += 1
        token = f"oauth-{self._count}"
        self.issued[token] = self._account.clock.now().timestamp() + self.seconds
        document = {
            "token_use": "access_token",
            "token_type": "bearer",
            "refresh_token": self.refresh,
            "access_token": token,
            "expires_in": self.seconds,
            "hub_id": self._account.portal,
            "scopes": [],
            "user_id": 1,
        }
        return Reply(200, document)

    def introspect(self, asked: Asked) -> Reply:
        """Tell of a token."""
        form = _form(asked)
        self._must_be_the_app(form)
        token = form.get("token", "")
        is_active = token == self.refresh or self._is_good(token)
        return Reply(200, {"active": is_active, "hub_id": self._account.portal})

    def revoke(self, asked: Asked) -> Reply:
        """End a refresh token; one that is none is ended already (RFC 7009)."""
        form = _form(asked)
        self._must_be_the_app(form)
        self._end(form.get("token", ""))
        return Reply(200)

    def look(self, asked: Asked) -> Reply:
        """Tell of a refresh token, as the API v1 did."""
        if asked.parts[0] != self.refresh:
            raise not_found("refresh token")
        document = {
            "token": self.refresh, "user": "ann@example.com", "hub_domain": "example.com",
            "scopes": [], "scope_to_scope_group_pks": [], "client_id": "me",
            "token_type": "refresh", "hub_id": self._account.portal, "user_id": 1, "app_id": 1,
        }  # fmt: skip
        return Reply(200, document)

    def forget(self, asked: Asked) -> Reply:
        """End a refresh token, as the API v1 did."""
        self._end(asked.parts[0])
        return Reply(204)

    def admit(self, header: str) -> None:
        """Refuse a request without a token that is good now."""
        token = header.removeprefix("Bearer ")
        if token in self.private:
            return
        if token not in self.issued:
            raise refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        if not self._is_good(token):
            message = "The OAuth token used to make this call expired 75 second(s) ago."
            raise refusal(401, "EXPIRED_AUTHENTICATION", message)

    def expire_all(self) -> None:
        """Let every OAuth token end now."""
        self.issued = dict.fromkeys(self.issued, 0.0)

    def _is_good(self, token: str) -> bool:
        return self.issued.get(token, 0.0) > self._account.clock.now().timestamp()

    def _end(self, token: str) -> None:
        if token and token == self.refresh:
            self.spent.append(token)
            self.refresh = ""

    def _must_be_the_app(self, form: Mapping[str, str]) -> None:
        if not form.get("client_id") or not form.get("client_secret"):
            raise _no("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id")
        if self.secret and form["client_secret"] != self.secret:
            raise _no("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret")

    def _spend_code(self, form: Mapping[str, str]) -> None:
        grant = self._grants.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            grant is None
            or grant.client != form.get("client_id")
            or grant.redirect_uri != form.get("redirect_uri")
            or (grant.challenge and grant.challenge != proof)
        ):
            raise _no("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code")
        self.refresh = self.refresh or f"refresh-{self._count}"

    def _spend_refresh(self, form: Mapping[str, str]) -> None:
        token = form.get("refresh_token", "")
        if not token or token != self.refresh:
            message = "missing or invalid refresh token"
            raise _no("BAD_REFRESH_TOKEN", "invalid_grant", message)
        if self.rotates:
            self.spent.append(token)
            self.refresh = f"refresh-{self._count + 1}"


def _form(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(asked.body.decode()))


def _sent_back(query: Mapping[str, str], answer: Mapping[str, str]) -> Reply:
    joint = "&" if "?" in query["redirect_uri"] else "?"
    return Reply(302, headers={"Location": query["redirect_uri"] + joint + urlencode(answer)})


def _no(status: str, error: str, message: str) -> RefusedError:
    document = {
        "status": status,
        "message": message,
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        "error": error,
        "error_description": message,
    }
    return RefusedError(Reply(400, document))
