"""The other endpoints: lists, owners, campaigns, subscriptions, details."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from crmbridge_hubspot.sandbox.answers import Reply, invalid, not_found
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.truth import Account, StaticList, stamp


class Lists:
    """Lists and who is on them."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def search(self, asked: Asked) -> Reply:
        """Lists by offset."""
        body = asked.json()
        offset, count = int(body.get("offset") or 0), int(body.get("count") or 20)
        lists = sorted(self._account.lists.values(), key=lambda one: int(one.id))
        page = lists[offset : offset + count]
        document = {
            "offset": offset + len(page),
            "hasMore": offset + count < len(lists),
            "lists": [self._shown(one) for one in page],
            "total": len(lists),
        }
        return Reply(200, document)

    def create(self, asked: Asked) -> Reply:
        """Make a list; names are unique."""
        body = asked.json()
        if any(one.name == body["name"] for one in self._account.lists.values()):
            raise invalid(f"A list with name {body['name']} already exists")
        id_ = self._account.add_list(
            body["name"], object_type=body["objectTypeId"], processing=body["processingType"]
        )
        return Reply(200, {"list": self._shown(self._account.lists[id_])})

    def read(self, asked: Asked) -> Reply:
        """One list."""
        return Reply(200, {"list": self._shown(self._list(asked.parts[0]))})

    def members(self, asked: Asked) -> Reply:
        """Who is on a list, by id."""
        found, limit = self._list(asked.parts[0]), asked.number("limit", 100, 250)
        after = int(asked.query.get("after") or 0)
        ids = sorted(found.members, key=int)
        page = ids[after : after + limit]
        document: dict[str, Any] = {
            "results": [
                {"recordId": id_, "membershipTimestamp": stamp(found.members[id_])} for id_ in page
            ],
            "total": len(ids),
        }
        if after + limit < len(ids):
            document["paging"] = {"next": {"after": str(after + limit)}}
        return Reply(200, document)

    def add(self, asked: Asked) -> Reply:
        """Put records on a list that is kept by hand."""
        found, ids = self._by_hand(asked)
        there = self._account.kind("contacts" if found.object_type == "0-1" else "companies")
        known = [id_ for id_ in ids if id_ in there.entries and not there.entries[id_].archived_at]
        fresh = [id_ for id_ in known if id_ not in found.members]
        for id_ in fresh:
            found.members[id_] = self._account.clock.step()
        return _changed(added=fresh, missing=[id_ for id_ in ids if id_ not in known])

    def remove(self, asked: Asked) -> Reply:
        """Take records off a list that is kept by hand."""
        found, ids = self._by_hand(asked)
        gone = [id_ for id_ in ids if found.members.pop(id_, None)]
        return _changed(removed=gone, missing=[id_ for id_ in ids if id_ not in gone])

    def _by_hand(self, asked: Asked) -> tuple[StaticList, list[str]]:
        found, ids = self._list(asked.parts[0]), asked.json()
        if found.processing == "DYNAMIC":
            raise invalid("Can not operate manually on a dynamic list")
        if not isinstance(ids, list):
            raise invalid("Invalid input JSON: an array of record ids expected")
        return found, [str(id_) for id_ in ids]

    def _list(self, id_: str) -> StaticList:
        if id_ not in self._account.lists:
            raise not_found(f"List {id_}")
        return self._account.lists[id_]

    def _shown(self, one: StaticList) -> dict[str, Any]:
        return {
            "listId": one.id,
            "listVersion": 1,
            "createdAt": stamp(one.created),
            "updatedAt": stamp(one.created),
            "filtersUpdatedAt": stamp(one.created),
            "processingStatus": "COMPLETE",
            "processingType": one.processing,
            "objectTypeId": one.object_type,
            "name": one.name,
            "additionalProperties": {"hs_list_size": str(len(one.members))},
        }


def _changed(
    added: Sequence[str] = (), removed: Sequence[str] = (), missing: Sequence[str] = ()
) -> Reply:
    document = {
        "recordsIdsAdded": list(added),
        "recordIdsRemoved": list(removed),
        "recordIdsMissing": list(missing),
    }
    return Reply(200, document)


class Rest:
    """Owners, campaigns, subscriptions, the account's details."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def owners(self, asked: Asked) -> Reply:
        """A page of owners."""
        wants_archived = asked.query.get("archived") == "true"
        owners = [o for o in self._account.owners.values() if o["archived"] == wants_archived]
        return _paged(owners, asked)

    def campaigns(self, asked: Asked) -> Reply:
        """A page of marketing campaigns. Where the next starts is told encoded, as recorded."""
        limit = asked.number("limit", 50, 100)
        after = int(b64decode(asked.query.get("after", "")) or 0)
        items = list(self._account.campaigns.values())
        document: dict[str, Any] = {"results": items[after : after + limit], "total": len(items)}
        if after + limit < len(items):
            token = quote(b64encode(str(after + limit).encode()).decode())
            document["paging"] = {"next": {"after": token, "link": f"https://...?after={token}"}}
        return Reply(200, document)

    def statuses(self, asked: Asked) -> Reply:
        """What people at several addresses subscribed to; those without a status have none."""
        if asked.query.get("channel") != "EMAIL":
            raise invalid("channel must be EMAIL")
        results = [
            {
                "subscriberIdString": address,
                "statuses": [
                    {"channel": "EMAIL", "subscriberIdString": address, **one}
                    for one in self._account.statuses.get(address.lower(), ())
                ],
            }
            for address in asked.json()["inputs"]
        ]
        now = stamp(self._account.clock.now())
        return Reply(
            200, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        )

    def details(self, asked: Asked) -> Reply:
        """The account."""
        del asked
        document = {
            "portalId": self._account.portal,
            "accountType": "STANDARD",
            "timeZone": self._account.zone,
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "-05:00",
            "utcOffsetMilliseconds": -18_000_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
        return Reply(200, document)


def _paged(items: Sequence[Any], asked: Asked) -> Reply:
    limit = asked.number("limit", 100, 500)
    after = int(asked.query.get("after") or 0)
    document: dict[str, Any] = {"results": list(items[after : after + limit])}
    if after + limit < len(items):
        document["paging"] = {"next": {"after": str(after + limit)}}
    return Reply(200, document)
