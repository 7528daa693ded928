"""simple-salesforce, the community's client, with our own HTTP client underneath.

It serves the cold paths: descriptions, Tooling and set-up records. By itself it has no time-out,
retries nothing, drops a caller's headers when it replays a request after a 401, and knows no
refresh token; none of that matters here, since every request of its goes through `HttpClient`, with
its budget, redaction, retries, sign-in and its one origin.
"""

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from simple_salesforce.api import Salesforce

from crmbridge.adapters.http import Answer, Effect, HttpClient, Request, Response
from crmbridge.errors import ConfigError

_OWN_HEADERS = frozenset({"authorization", "host", "content-length", "connection", "user-agent"})
"""What the HTTP client sets itself; the session that simple-salesforce knows is none."""
_NOT_FOUND = frozenset({404})
"""A read of what is not there is answered in simple-salesforce's own way; all else in ours."""
_REFUSED_TWICE = frozenset(
    {"CustomField", "PermissionSet", "FieldPermissions", "PermissionSetAssignment"}
)
"""Records of which Salesforce takes no second one with the same name or the same parties."""


class Transport(BaseAdapter):
    """Carries what `requests` prepared through our HTTP client.

    Args:
        http: where, and signed how, everything goes.
    """

    def __init__(self, http: HttpClient) -> None:
        super().__init__()
        self._http = http

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """Send it; time-outs, proxies and certificates that `requests` names are not heeded.

        Raises:
            ConfigError: it would go to another host.
        """
        del args, more
        target = self._target(request.url or "")
        effect = _effect(request.method or "GET", target)
        found = self._http.send(
            Request(
                method=request.method or "GET",
                url=target,
                headers=_headers(request.headers),
                body=_body(request.body),
                effect=effect,
                answer=Answer.MAYBE,
                accept=_NOT_FOUND if effect is Effect.READ else frozenset(),
            )
        )
        return _as_theirs(request, found)

    def close(self) -> None:
        """Nothing is held open here."""

    def _target(self, url: str) -> str:
        """Path and query: simple-salesforce puts https before every host, a loopback's too."""
        parts = urlsplit(url)
        ours = str(self._http.origin).partition("://")[2]
        if parts.netloc.lower() != ours.lower():
            host = parts.hostname or "no host"
            raise ConfigError("request", f"an address at {self._http.origin}", f"one at {host}")
        return parts.path + (f"?{parts.query}" if parts.query else "")


def community_client(http: HttpClient, version: str) -> Salesforce:
    """A client of the account that `http` speaks to.

    Args:
        version: of the REST API, such as ``62.0``.
    """
    session = requests.Session()
    session.trust_env = False  # no proxies, and no passwords of a .netrc
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Transport(http))
    instance = str(http.origin).partition("://")[2]
    return Salesforce(instance=instance, session_id="ours", session=session, version=version)


def _headers(theirs: Mapping[str, str]) -> dict[str, str]:
    return {name: str(one) for name, one in theirs.items() if name.lower() not in _OWN_HEADERS}


def _body(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    raise ConfigError("request", "a body of text or bytes", type(body).__name__)


def _effect(method: str, target: str) -> Effect:
    """What a second sending would mean."""
    if method in {"GET", "HEAD"}:
        return Effect.READ
    if method in {"DELETE", "PUT"} or target.rstrip("/").rpartition("/")[2] in _REFUSED_TWICE:
        return Effect.KEYED
    return Effect.ONCE


def _as_theirs(request: requests.PreparedRequest, found: Response) -> requests.Response:
    theirs = requests.Response()
    theirs.status_code = found.status
    theirs.headers = CaseInsensitiveDict(found.headers)
    theirs.url, theirs.request, theirs.encoding = request.url or "", request, "utf-8"
    theirs.raw = io.BytesIO(found.body)
    return theirs
