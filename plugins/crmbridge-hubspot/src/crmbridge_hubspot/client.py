"""HubSpot's wire: its addresses, what its refusals mean, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

from crmbridge.adapters import Context, Quota
from crmbridge.adapters.http import Answer, Effect, Request, Response
from crmbridge.adapters.limits import TokenBucket
from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge_hubspot.auth import sign
from crmbridge_hubspot.dialect import DIALECT, Day, dialect_of, quota_of, usage_of
from crmbridge_hubspot.vendor import TurnedDownError, Vendor

PAGE = 100
"""Records of one page of a list; the most that it gives."""
LINKS_PAGE = 500
"""Records whose links one call asks for; the guide to associations v4 allows 1,000."""
LONG = 2_000
"""Characters of property names that fit into an address: more were refused with 414
(dlt-hub/verified-sources issues 305 and 600)."""

Record = Mapping[str, Any]
Filter = Mapping[str, Any]

_ELSEWHERE = frozenset({403, 404})
"""Answers of an address that an account, or a server that stands in for one, may lack."""


_NOT_THERE = frozenset({404})
_PROBES = {
    "owners": "crm/v3/owners",
    "lists": "crm/v3/lists/search",
    "list_memberships": "",  # read with the lists
    "campaigns": "marketing/v3/campaigns",
    "subscriptions": "",  # asked for by address
}
"""Where what comes whole is asked for."""


class HubspotApi:
    """Calls of HubSpot's interface, each as one method; used by several threads."""

    def __init__(self, context: Context, searches_per_second: float = 0) -> None:
        self._day = Day(context.clock)
        self._http = context.need_http().at(context.url, sign(context), dialect_of(self._day))
        self._vendor = Vendor(self._http)
        self._clock = context.clock
        # Searches have a limit of their own, and their answers say nothing of what is left of it.
        self._searches = TokenBucket(searches_per_second, 1.0, context.clock)

    def account(self) -> Response:
        """Details of the account, or the refusal of an app that may not see them."""
        answer = self._http.get("account-info/v3/details", accept=_ELSEWHERE)
        if isinstance(answer.data, dict):
            self._day.zone = str(answer.data.get("timeZone") or "")
        return answer

    def now(self) -> datetime:
        """The server's clock, to the second; ours where it shows none."""
        return self.account().server_date or self._clock.now()

    def quota(self) -> Quota:
        """The day's calls; none of none where the account does not tell.

        Tokens of private apps may ask (developers.hubspot.com, "Retrieve private app daily API
        usage"); others see headers at most.
        """
        path = "account-info/v3/api-usage/daily/private-apps"
        told = usage_of(self._http.get(path, accept=_ELSEWHERE))
        return told or quota_of(self.account()) or Quota(used=0, allowed=0)

    def list_page(self, type_: str, properties: Sequence[str], **params: Any) -> Mapping[str, Any]:
        """A page of all records by id; `params` are ``after``, ``archived`` and the like."""
        if properties:
            params["properties"] = ",".join(properties)
        path = f"crm/v3/objects/{type_}"
        return _there(type_, self._http.get(path, {"limit": PAGE, **params}, accept=_NOT_THERE))

    def archived_page(self, type_: str, after: str) -> Mapping[str, Any] | None:
        """A page of archived records; None where the server keeps no such list."""
        params = {"limit": PAGE, "archived": "true"} | ({"after": after} if after else {})
        answer = self._http.get(f"crm/v3/objects/{type_}", params, accept=_NOT_THERE)
        return answer.data if answer.status < 400 else None

    def search(
        self, type_: str, filters: Sequence[Filter], properties: Sequence[str], limit: int
    ) -> Mapping[str, Any]:
        """The first page of a search by id; further ones are never asked for by offset."""
        body = {
            "filterGroups": [{"filters": list(filters)}] if filters else [],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": limit,
        }
        path = f"crm/v3/objects/{type_}/search"
        self._searches.take()
        answer = self._http.post(path, body, effect=Effect.READ, accept=_NOT_THERE)
        return _there(type_, answer)

    def read_batch(
        self, type_: str, ids: Sequence[str], properties: Sequence[str], key: str = ""
    ) -> list[Record]:
        """Records by id, or by a property with unique values; those that are not there are left
        out, which HubSpot says with 207."""
        found: list[Record] = []
        for some in parts(list(dict.fromkeys(ids)), PAGE):
            body = {"properties": list(properties), "inputs": [{"id": id_} for id_ in some]}
            path = f"crm/v3/objects/{type_}/batch/read"
            named = body | ({"idProperty": key} if key else {})
            found += self._http.post(path, named, effect=Effect.READ).data["results"]
        return found

    def write_batch(self, type_: str, action: str, inputs: Sequence[Any]) -> Mapping[str, Any]:
        """Send a batch whose repetition changes nothing: update, upsert or archive."""
        path = f"crm/v3/objects/{type_}/batch/{action}"
        answer = self._http.post(path, {"inputs": inputs}, effect=Effect.KEYED, answer=Answer.MAYBE)
        return answer.data or {}

    def links(self, type_: str, to: str, inputs: Sequence[Any]) -> Mapping[str, Any]:
        """Associations of records; each input is an id, and where to go on."""
        path = f"crm/v4/associations/{type_}/{to}/batch/read"
        found: Mapping[str, Any] = self._http.post(
            path, {"inputs": inputs}, effect=Effect.READ
        ).data
        return found

    def associate(self, type_: str, to: str, pairs: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
        """Associate pairs of records in the type's usual way; again is harmless."""
        path = f"crm/v4/associations/{type_}/{to}/batch/associate/default"
        inputs = [{"from": {"id": one}, "to": {"id": other}} for one, other in pairs]
        return self._http.post(path, {"inputs": inputs}, effect=Effect.KEYED).data or {}

    def dissociate(
        self, type_: str, to: str, pairs: Iterable[tuple[str, str]]
    ) -> Mapping[str, Any]:
        """Take associations of pairs away; again is harmless."""
        path = f"crm/v4/associations/{type_}/{to}/batch/archive"
        inputs = [{"from": {"id": one}, "to": [{"id": other}]} for one, other in pairs]
        body = {"inputs": inputs}
        return self._http.post(path, body, effect=Effect.KEYED, answer=Answer.MAYBE).data or {}

    def properties(self, type_: str) -> list[Record] | None:
        """The properties of a type; None where it may not be seen."""
        core = self._vendor.client.crm.properties.core_api
        try:
            return list(self._vendor.ask(core.get_all, type_)["results"])
        except TurnedDownError as no:
            _must_be_elsewhere(no)
            return None

    def create_property(self, type_: str, body: Mapping[str, Any]) -> Response | None:
        """Create a property; the refusal, 409 where it is there already, or None."""
        core = self._vendor.client.crm.properties.core_api
        return self._made(core.create, type_, dict(body))

    def create_group(self, type_: str, name: str, label: str) -> Response | None:
        """Create a group of properties; the refusal, 409 where it is there already, or None."""
        groups = self._vendor.client.crm.properties.groups_api
        return self._made(groups.create, type_, {"name": name, "label": label, "displayOrder": -1})

    def set_options(self, type_: str, name: str, options: Sequence[Any]) -> Response | None:
        """Give a property these options; the refusal or None."""
        core = self._vendor.client.crm.properties.core_api
        return self._made(core.update, type_, name, {"options": list(options)})

    def _made(self, call: Any, *args: Any) -> Response | None:
        try:
            self._vendor.ask(call, *args)
        except TurnedDownError as no:
            return no.response
        return None

    def probe(self, name: str) -> Response | None:
        """Ask for one record of a type, or of what comes whole, to see whether it may be read;
        None where nothing can be asked."""
        path = _PROBES.get(name, f"crm/v3/objects/{name}")
        if path == "crm/v3/lists/search":
            body = {"offset": 0, "count": 1}
            return self._http.post(path, body, effect=Effect.READ, accept=_ELSEWHERE)
        return self._http.get(path, {"limit": 1}, accept=_ELSEWHERE) if path else None

    def owners(self, archived: str) -> Iterator[list[Record]]:
        """Owners, page by page.

        Raises:
            ConfigError: the account does not show them.
        """
        api, after = self._vendor.client.crm.owners.owners_api, ""
        while True:
            more = {"after": after} if after else {}
            try:
                # A text: the vendor's client would write a boolean as Python does, ``True``.
                found = self._vendor.ask(api.get_page, limit=PAGE, archived=archived, **more)
            except TurnedDownError as no:
                raise _turned_down("HubSpot's owners", no) from None
            yield list(found["results"])
            following = after_of(found)
            if not following:
                return
            after = _onward("owners", after, following)

    def campaigns(self, properties: Sequence[str]) -> Iterator[list[Record]]:
        """Marketing campaigns, page by page."""
        params = {"limit": PAGE, "properties": ",".join(properties)}
        return self._pages("marketing/v3/campaigns", params)

    def create_list(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a list; not sent twice, since nothing but its name makes it one.

        Raises:
            TurnedDownError: HubSpot refuses, such as a name that is taken.
        """
        found: Mapping[str, Any] = self._vendor.ask(
            self._vendor.client.crm.lists.lists_api.create, dict(body)
        )
        return found

    def statuses(self, addresses: Sequence[str]) -> list[Record]:
        """What people at these addresses subscribed to, by subscription type.

        developers.hubspot.com, "Batch retrieve subscription statuses" (v4).
        """
        path = "communication-preferences/v4/statuses/batch/read"
        body, params = {"inputs": list(addresses)}, {"channel": "EMAIL"}
        found = self._http.post(path, body, effect=Effect.READ, params=params).data
        return list(found["results"])

    def members(self, list_id: str) -> Iterator[list[Record]]:
        """Who is on a list, page by page."""
        return self._pages(f"crm/v3/lists/{list_id}/memberships", {"limit": PAGE})

    def lists(self) -> Iterator[list[Record]]:
        """All lists, page by page; they alone are paged by offset."""
        offset = 0
        while True:
            body = {"offset": offset, "count": PAGE}
            found = self._http.post("crm/v3/lists/search", body, effect=Effect.READ).data
            yield list(found["lists"])
            if not found.get("hasMore"):
                return
            offset = _onward("lists", offset, int(found["offset"]))

    def change_members(self, list_id: str, action: str, ids: Sequence[str]) -> Mapping[str, Any]:
        """Add records to a list that is kept by hand, or remove them."""
        # The body is a bare array of ids (hubspot-api-client: MembershipsApi.add).
        request = Request(
            method="PUT",
            url=f"crm/v3/lists/{list_id}/memberships/{action}",
            body=orjson.dumps(list(ids)),
            headers={"Content-Type": "application/json"},
            effect=Effect.KEYED,
        )
        return self._http.send(request).data or {}

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
        after = ""
        while True:
            more = {"after": after} if after else {}
            found = self._http.get(path, {**params, **more}).data
            yield list(found["results"])
            following = after_of(found)
            if not following:
                return
            after = _onward(path, after, following)


def _there(type_: str, answer: Response) -> Mapping[str, Any]:
    """The answer's document.

    Raises:
        ConfigError: the account has no such type.
    """
    if answer.status == 404:
        step = "Leave the stream out, or ask for its scope"
        raise ConfigError(f"HubSpot's {type_}", "to be there", "404", step)
    found: Mapping[str, Any] = answer.data
    return found


def _must_be_elsewhere(no: TurnedDownError) -> None:
    """Let pass what an account, or a stand-in for one, may lack.

    Raises:
        ConfigError: it was refused for another reason.
    """
    if no.response.status not in _ELSEWHERE:
        raise _turned_down("HubSpot's properties", no) from None


def _turned_down(where: str, no: TurnedDownError) -> ConfigError:
    got = f"{no.response.status} {DIALECT.explain(no.response)}".strip()
    return ConfigError(where, "to be shown", got, "Leave the stream out, or ask for its scope")


def after_of(page: Mapping[str, Any]) -> str:
    """Where the next page starts; "" after the last one.

    Campaigns tell it percent-encoded, as it stands in the address beside it (recorded by
    amp-labs: ``Mg%3D%3D``); encoding it once more would make another token of it.
    """
    following = (page.get("paging") or {}).get("next") or {}
    return unquote(str(following.get("after") or ""))


def parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Stretches of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _onward(where: str, before: Any, after: Any) -> Any:
    """The next place, unless it is the one before.

    Raises:
        RetryLaterError: the pages go round in circles.
    """
    if after == before:
        raise RetryLaterError(where, "pages that lead on", f"the page after {before!r} twice")
    return after
