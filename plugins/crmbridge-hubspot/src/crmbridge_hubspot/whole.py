"""Reads what HubSpot gives only whole: owners, lists and who is on them, marketing campaigns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crmbridge.adapters import Page, ReadRequest
from crmbridge.errors import ConfigError, RecordError
from crmbridge_hubspot.campaign_lists import shown_name
from crmbridge_hubspot.client import HubspotApi, after_of
from crmbridge_hubspot.mapping import CAMPAIGNS, LISTS, MEMBERS, OWNERS, SUBSCRIPTIONS
from crmbridge_hubspot.member_status import with_read_statuses

Row = Mapping[str, Any]
Rows = Iterator[Sequence[Row]]

CONTACT_TYPE, COMPANY_TYPE = "0-1", "0-2"
"""Ids of object types, as lists name what is on them (hubspot-api-client: ObjectType)."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    OWNERS: ("name", "email", "team", "archived", "createdAt", "updatedAt"),
    LISTS: ("listId", "name", "processingType", "objectTypeId", "createdAt", "updatedAt"),
    MEMBERS: ("listId", "contactId", "companyId", "membershipTimestamp", "status"),
    SUBSCRIPTIONS: (
        "contactId",
        "email",
        "status",
        "subscriptionId",
        "subscriptionName",
        "legalBasis",
        "source",
        "timestamp",
    ),
    CAMPAIGNS: (
        "hs_name",
        "hs_start_date",
        "hs_end_date",
        "hs_campaign_status",
        "hs_budget_items_sum_amount",
        "createdAt",
        "updatedAt",
    ),
}


class WholeReader:
    """Reads objects that come whole each time."""

    def __init__(
        self, api: HubspotApi, subscriptions: Sequence[str] = (), member_status: str = ""
    ) -> None:
        self._api = api
        self._subscriptions = frozenset(subscriptions)
        self._member_status = member_status
        self._ways: Mapping[str, Callable[[], Rows]] = {
            OWNERS: self._owners,
            LISTS: self._lists,
            MEMBERS: self._members_with_status if member_status else self._members,
            CAMPAIGNS: self._campaigns,
            SUBSCRIPTIONS: self._statuses,
        }

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """All records; nothing is closed before the last page, since a snapshot is whole or none.

        Raises:
            ConfigError: the account has no such thing.
        """
        fields = [name for name in request.fields or FIELDS[request.object] if name != "id"]
        columns = ("id", *fields)
        try:
            for rows in self._ways[request.object]():
                if rows:
                    found = [[str(one["id"]), *map(one.get, fields)] for one in rows]
                    yield Page(object=request.object, columns=columns, rows=found, closed=False)
        except RecordError as error:  # 404: the address is not there
            where, step = (
                f"HubSpot's {request.object}",
                "Leave the stream out, or ask for its scope",
            )
            raise ConfigError(where, "to be there", error.got, step) from error
        yield Page(
            object=request.object,
            columns=columns,
            rows=(),
            position={"read": True},
            complete=True,
        )

    def _owners(self) -> Rows:
        for archived in ("false", "true"):
            for page in self._api.owners(archived):
                yield [_owner(one) for one in page]

    def _lists(self) -> Rows:
        for page in self._api.lists():
            yield [
                {**one, "id": one["listId"], "name": shown_name(str(one.get("name") or ""))}
                for one in page
            ]

    def _members(self) -> Rows:
        for page in self._api.lists():
            for one in page:
                name = _MEMBER_OF.get(str(one.get("objectTypeId") or CONTACT_TYPE))
                if name:
                    yield from self._of_list(str(one["listId"]), name)

    def _members_with_status(self) -> Rows:
        rows = [row for page in self._members() for row in page]
        yield with_read_statuses(self._api, self._member_status, rows)

    def _of_list(self, list_id: str, name: str) -> Rows:
        for page in self._api.members(list_id):
            yield [
                {
                    "id": member_id(list_id, str(one["recordId"])),
                    "listId": list_id,
                    name: str(one["recordId"]),
                    "membershipTimestamp": one.get("membershipTimestamp"),
                }
                for one in page
            ]

    def _campaigns(self) -> Rows:
        wanted = [name for name in FIELDS[CAMPAIGNS] if name.startswith("hs_")]
        for page in self._api.campaigns(wanted):
            yield [{**one, **one.get("properties", {})} for one in page]

    def _statuses(self) -> Rows:
        """Statuses of all contacts that have an address; one address is one contact's."""
        after = ""
        while True:
            more = {"after": after} if after else {}
            page = self._api.list_page("contacts", ("email",), **more)
            people = {
                str(one["properties"]["email"]).lower(): str(one["id"])
                for one in page["results"]
                if one["properties"].get("email")
            }
            found = self._api.statuses(list(people)) if people else []
            yield [row for one in found for row in self._of_person(one, people)]
            after = after_of(page)
            if not after:
                return

    def _of_person(self, found: Row, people: Mapping[str, str]) -> Iterator[Row]:
        address = str(found["subscriberIdString"]).lower()
        for one in found.get("statuses") or ():
            type_ = str(one["subscriptionId"])
            if address in people and (not self._subscriptions or type_ in self._subscriptions):
                ours = {"id": f"{people[address]}:{type_}", "contactId": people[address]}
                yield {**one, **ours, "email": address, "subscriptionId": type_}


_MEMBER_OF = {CONTACT_TYPE: "contactId", COMPANY_TYPE: "companyId"}


def member_id(list_id: str, record_id: str) -> str:
    """One list and one record: the same pair is the same member."""
    return f"{list_id}:{record_id}"


def _owner(owner: Row) -> Row:
    name = " ".join(str(owner.get(one) or "") for one in ("firstName", "lastName")).strip()
    teams = [one for one in owner.get("teams") or () if one.get("primary", True)]
    return {
        **owner,
        "id": str(owner["id"]),
        "name": name or owner.get("email"),
        "team": teams[0].get("name") if teams else None,
        "archived": "true" if owner.get("archived") else "false",
    }
