"""hubspot-api-client with the host's HTTP client underneath.

The vendor's client knows addresses, parameters and models; who waits, retries, counts calls, signs
requests and keeps secrets is the host. Its own transport has no time-outs, retries no write and
would go wherever its configuration points, so that none of it is used: what it would send goes
through `HttpClient`, which knows one origin.

It serves what is asked for a few times in a run: owners, properties and their groups, new lists.
Records go past its models, which decode about 12,000 of them in a second.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from crmbridge.adapters.http import Answer, Effect, HttpClient, Request, Response
from crmbridge.errors import CannotError, RetryLaterError

_READS = ("/search", "/batch/read")
_REFUSED_TWICE = "/crm/v3/properties/"
"""Where a second creation of the same name is refused with 409 and doubles nothing."""
TURNED_DOWN = frozenset({400, 403, 404, 409})
"""Refusals that the caller is told of; all others are the host's to judge."""


class TurnedDownError(Exception):
    """HubSpot said no, and why; passes through the vendor's code untouched."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status)


class Vendor:
    """The vendor's client over a host's client; what it answers are plain documents."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    @cached_property
    def client(self) -> Any:
        """The vendor's own object, for its typed calls; importing it takes a while."""
        from hubspot import HubSpot

        client = HubSpot(api_factory=partial(make_api, self._http))
        client.api_request = _refuse  # it would go past the host, to wherever it is told
        return client

    def ask(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make a typed call; its answer as the document that its model was made of.

        Raises:
            TurnedDownError: HubSpot refuses; see `TURNED_DOWN`.
            RetryLaterError: the answer does not fit the vendor's model.
        """
        try:
            found = call(*args, **more)
        except (AttributeError, TypeError, ValueError) as error:
            where, got = "HubSpot", type(error).__name__
            raise RetryLaterError(where, "an answer of the documented shape", got) from error
        return plain(found)


def _refuse(options: Mapping[str, Any]) -> None:
    del options
    raise CannotError("hubspot-api-client", "typed calls", "a raw one", "Use the host's client")


def make_api(http: HttpClient, package: Any, name: str, config: Mapping[str, Any]) -> Any:
    """One of the vendor's typed interfaces; it asks for one by this factory each time."""
    del config  # it holds tokens and hosts, which are the host's business
    configuration = package.Configuration(host=str(http.origin) + http.origin.base.rstrip("/"))
    configuration.client_side_validation = False  # a field that HubSpot leaves out is no error
    client = package.ApiClient(configuration=configuration)
    client.rest_client.pool_manager = _Pool(http)
    return getattr(package, name)(api_client=client)


class _Pool:
    """Stands where the vendor's client expects urllib3's pool manager."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        *,
        fields: Any = None,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> "_Answer":
        """Send what the vendor made."""
        if more.pop("encode_multipart", False):
            raise CannotError("hubspot-api-client", "to send no files", "one")
        is_query = method in {"GET", "HEAD"} and fields
        request = Request(
            method=method,
            url=f"{url}?{urlencode(fields)}" if is_query else url,
            headers=_own_headers(headers or {}),
            body=body.encode() if isinstance(body, str) else body,
            form=dict(fields) if fields and not is_query else None,
            effect=effect_of(method, url),
            answer=Answer.MAYBE,
            accept=TURNED_DOWN,
        )
        response = self._http.send(request)
        if response.status in TURNED_DOWN:
            raise TurnedDownError(response)
        return _Answer(response)


class _Answer:
    """An answer as the vendor's client takes it from urllib3."""

    reason = ""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.data = response.body
        self.headers = response.headers

    def getheaders(self) -> Mapping[str, str]:
        """All headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """One header, whatever its case."""
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), default)


def effect_of(method: str, url: str) -> Effect:
    """What it would mean to send a request of the vendor twice."""
    path = url.partition("?")[0]
    if method in {"GET", "HEAD"} or path.endswith(_READS):
        return Effect.READ
    if method == "POST" and _REFUSED_TWICE not in path:
        return Effect.ONCE
    return Effect.KEYED


def _own_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What says how the body is written; who signs is the host."""
    return {name: value for name, value in headers.items() if name in {"Accept", "Content-Type"}}


def plain(found: Any) -> Any:
    """A model of the vendor's as the document that it was made of."""
    if isinstance(found, list):
        return [plain(one) for one in found]
    if isinstance(found, dict):
        return {name: plain(one) for name, one in found.items()}
    names = getattr(found, "attribute_map", None)
    if names is None:
        return found.isoformat() if hasattr(found, "isoformat") else found
    values = {json: getattr(found, name) for name, json in names.items()}
    return {json: plain(value) for json, value in values.items() if value is not None}
