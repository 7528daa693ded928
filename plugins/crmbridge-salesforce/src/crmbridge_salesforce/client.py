"""The wire: Salesforce's resources by their names, below one version of the REST API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crmbridge.adapters import Context, Quota
from crmbridge.adapters.http import Answer, Effect, HttpClient, Request, Response
from crmbridge.errors import ConfigError, CrmbridgeError, RecordError, RetryLaterError
from crmbridge_salesforce import soql
from crmbridge_salesforce.auth import instance_of, method_of, signing
from crmbridge_salesforce.codes import DIALECT, quota_of

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

Record = Mapping[str, Any]
_ANY_STATUS = frozenset({401, 403, 404, 405})
_ORG_IN_SESSION = re.compile(r"(00D[0-9A-Za-z]{12,15})!")


@dataclass(slots=True, kw_only=True)
class Answered:
    """One page of a query.

    Args:
        total: rows of the whole query.
        more: where the next page is; "" on the last.
    """

    records: Sequence[Record]
    total: int
    more: str


@dataclass(kw_only=True)
class Client:
    """Speaks to one account; may be used by several threads.

    Args:
        version: of the REST API, such as ``62.0``.
    """

    context: Context
    version: str
    _described: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)

    @cached_property
    def http(self) -> HttpClient:
        """The HTTP client at the account's own address; signs in first, since that names it."""
        authorize = signing(self.context)
        if method_of(self.context.auth) != "session":
            authorize.headers()
        return self.context.need_http().at(instance_of(self.context), authorize, DIALECT)

    @cached_property
    def community(self) -> "Salesforce":
        """simple-salesforce for the cold paths; loaded only where one is taken."""
        from crmbridge_salesforce.community import community_client

        return community_client(self.http, self.version)

    @property
    def base(self) -> str:
        """Path of the version's resources."""
        return f"/services/data/v{self.version}"

    def get(self, path: str, params: Mapping[str, Any] | None = None, **more: Any) -> Response:
        """Get a resource of the version."""
        return self.http.get(f"{self.base}/{path}", params, **more)

    def send(self, method: str, path: str, json: Any, effect: Effect, **more: Any) -> Response:
        """Send a document to a resource of the version."""
        request = Request(
            method=method,
            url=f"{self.base}/{path}",
            json=json,
            effect=effect,
            answer=Answer.MAYBE,
            **more,
        )
        return self.http.send(request)

    def query(self, text: str, *, is_all: bool = False) -> Answered:
        """The first page of a query, deleted and archived records too if all are wanted."""
        return _answered(self.get("queryAll" if is_all else "query", {"q": text}))

    def more(self, url: str) -> Answered:
        """A later page, at the address that the one before named.

        Raises:
            RecordError: the cursor is no longer there.
        """
        return _answered(self.http.get(url))

    def records(self, text: str, *, is_all: bool = False) -> Iterator[Record]:
        """All records of a query; begun again by the caller if the cursor expires."""
        page = self.query(text, is_all=is_all)
        yield from page.records
        while page.more:
            page = self.more(page.more)
            yield from page.records

    def describe(self, object_: str) -> Mapping[str, Any] | None:
        """The description of an object; None where there is none to be had.

        Raises:
            ConfigError: it is no name of an object.
        """
        if object_ not in self._described:
            self._described[object_] = self._description(soql.name(object_))
        return self._described[object_]

    def _description(self, object_: str) -> Mapping[str, Any] | None:
        from simple_salesforce.exceptions import SalesforceResourceNotFound

        try:
            found = getattr(self.community, object_).describe()
        except SalesforceResourceNotFound:
            return None
        return found if isinstance(found, dict) else None

    def forget(self) -> None:
        """Describe anew from now on."""
        self._described.clear()

    def clock(self) -> datetime:
        """The server's clock, by the header that every answer has."""
        found = self.http.get("/services/data", accept=_ANY_STATUS, answer=Answer.BYTES)
        return found.server_date or self.context.clock.now()

    def quota(self) -> Quota:
        """Calls of the last 24 hours; none and none where nobody says."""
        found = self.get("limits", accept=_ANY_STATUS)
        data = found.data if isinstance(found.data, dict) else {}
        daily = data.get("DailyApiRequests")
        if isinstance(daily, dict):
            allowed = int(daily["Max"])
            return Quota(
                used=min(max(allowed - int(daily["Remaining"]), 0), allowed), allowed=allowed
            )
        return quota_of(found) or Quota(used=0, allowed=0)

    def organisation(self) -> str:
        """The organisation's id, of 15 characters: from the session, which bears it, or asked."""
        signed = self.http.authorize.headers() if self.http.authorize else {}
        held = _ORG_IN_SESSION.search(signed.get("Authorization", ""))
        if held:
            return held.group(1)[:15]
        try:
            found = self.query("SELECT Id FROM Organization").records
        except (ConfigError, RecordError):
            return ""
        return str(found[0]["Id"])[:15] if found else ""

    def create(self, path: str, document: Any) -> str:
        """Create a record of the set-up; returns its id.

        Raises:
            ConfigError, RecordError: it is there already, or may not be created.
        """
        found: Any = self.community.restful(path, method="POST", json=document)
        return str(found["id"])


def _answered(response: Response) -> Answered:
    """A page of a query.

    Raises:
        RetryLaterError: the document is none of a query.
    """
    found = response.data
    if not isinstance(found, dict) or not isinstance(found.get("records"), list):
        raise RetryLaterError("salesforce", "records of a query", "another document")
    done = found.get("done", True)
    more = "" if done else str(found.get("nextRecordsUrl") or "")
    if not done and not more:
        raise RetryLaterError("salesforce", "the address of the next page", "none")
    return Answered(records=found["records"], total=int(found.get("totalSize") or 0), more=more)


def is_missing(error: CrmbridgeError, code: str) -> bool:
    """Whether an error names a code of Salesforce's."""
    return code in error.got


__all__ = ["Answered", "Client", "Record", "is_missing"]
