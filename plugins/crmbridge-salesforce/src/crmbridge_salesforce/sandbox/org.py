"""The made-up organisation: its records, its clock and its rules, whoever changes them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from crmbridge_salesforce.sandbox.ids import long_id, make_id
from crmbridge_salesforce.sandbox.rules import SaveError, check_and_convert, derive, refuse_double
from crmbridge_salesforce.sandbox.schema import HARD_DELETED, ObjectSpec, make_schema

INDEXED = frozenset({"CampaignId"})
DEFAULT_STATUSES: tuple[dict[str, Any], ...] = (
    {"Label": "Sent", "IsDefault": True, "HasResponded": False},
    {"Label": "Responded", "IsDefault": False, "HasResponded": True},
)
"""What a new campaign's members may be: "Campaign Member Statuses", Salesforce Help."""
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Kept:
    """One record.

    Args:
        values: every field; instants are milliseconds.
        visible: milliseconds from which queries see this state; later than SystemModstamp for a
            change that was committed late.
    """

    values: dict[str, Any]
    visible: int


@dataclass(slots=True, kw_only=True)
class Org:
    """The truth. Several threads may use it.

    Args:
        tick: how far the clock moves with each change; zero lets changes share an instant.
        late: how long changes stay invisible after their own SystemModstamp.
        clock: None for a clock that only `tick` moves.
        locked: ids of records that somebody else holds a lock on.
        deletions: object -> (id, when, when it shows), the log that getDeleted() reads.
        calls_allowed: the day's API requests; beyond them REQUEST_LIMIT_EXCEEDED.
        page_size: most records in one answer to a query.
    """

    tick: timedelta = timedelta(seconds=1)
    late: timedelta = timedelta(0)
    clock: Callable[[], datetime] | None = None
    at: datetime = START
    schema: dict[str, ObjectSpec] = field(default_factory=make_schema)
    records: dict[str, dict[str, Kept]] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    calls: int = 0
    calls_allowed: int = 100_000
    page_size: int = 2000
    numbers: dict[str, int] = field(default_factory=dict)
    deletions: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict, repr=False)
    index: dict[tuple[str, str, Any], set[str]] = field(default_factory=dict, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    id: str = make_id("Organization", 1)
    user: str = ""

    def __post_init__(self) -> None:
        """Make the organisation and the user that connects to it."""
        names = {"Name": "Sandbox", "OrganizationType": "Enterprise Edition", "IsSandbox": True}
        self._keep("Organization", self.id, names)
        who = {"Name": "Integration", "LastName": "Integration", "Username": "crm@example.com"}
        self.user = self.put("User", {**who, "IsActive": True, "UserType": "Standard"})

    def now(self) -> datetime:
        """The server's time, to the second as Salesforce keeps it."""
        return (self.clock() if self.clock else self.at).astimezone(UTC).replace(microsecond=0)

    def put(self, object_: str, values: Mapping[str, Any], id_: str = "") -> str:
        """Create a record as its users would, without the API's checks; returns its id."""
        with self.lock:
            self.at += self.tick
            id_ = long_id(id_) or self._next_id(object_)
            self._keep(object_, id_, dict(values))
            for status in DEFAULT_STATUSES if object_ == "Campaign" else ():
                other = self._next_id("CampaignMemberStatus")
                self._keep("CampaignMemberStatus", other, {"CampaignId": id_, **status})
            return id_

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change fields of a record."""
        with self.lock:
            self.at += self.tick
            self._keep(object_, id_, {**self.records[object_][id_].values, **values})

    def delete(self, object_: str, id_: str) -> None:
        """Delete a record: into the recycle bin, or for good where the object has none."""
        with self.lock:
            if object_ in HARD_DELETED:
                self.at += self.tick
                del self.records[object_][id_]
            else:
                self.edit(object_, id_, {"IsDeleted": True})
            self._log_deletion(object_, id_)

    def purge(self, object_: str, id_: str) -> None:
        """Empty the recycle bin of one record."""
        with self.lock:
            del self.records[object_][id_]

    def merge(self, object_: str, loser: str, winner: str) -> None:
        """Merge a record into another; what referred to the loser refers to the winner."""
        with self.lock:
            self.edit(object_, loser, {"IsDeleted": True, "MasterRecordId": winner})
            self._log_deletion(object_, loser)
            self.edit(object_, winner, {})
            for other, spec in self.schema.items():
                names = [one.name for one in spec.fields.values() if one.target == object_]
                for kept in list(self.records.get(other, {}).values()):
                    moved = {n: winner for n in names if kept.values.get(n) == loser}
                    moved.pop("MasterRecordId", None)
                    if moved and other != object_:
                        self.edit(other, kept.values["Id"], moved)

    def link(self, object_: str, id_: str, to: str, to_id: str) -> None:
        """Records refer to each other by fields only."""
        raise NotImplementedError

    def held(self, object_: str) -> Mapping[str, Mapping[str, Any]]:
        """Id -> values of all records that are not deleted, whoever may see them yet."""
        records = self.records.get(object_, {})
        return {
            id_: dict(kept.values)
            for id_, kept in records.items()
            if not kept.values.get("IsDeleted")
        }

    def visible(self, object_: str) -> Iterator[Mapping[str, Any]]:
        """What queries see now, deleted records too."""
        now = int(self.now().timestamp() * 1000)
        for kept in list(self.records.get(object_, {}).values()):
            if kept.visible <= now:
                yield kept.values

    def find(self, object_: str, id_: str) -> Mapping[str, Any] | None:
        """The record with an id of 15 or 18 characters, deleted or not."""
        kept = self.records.get(object_, {}).get(long_id(id_))
        return kept.values if kept else None

    def bearers(self, object_: str, name: str, value: Any) -> list[str]:
        """Ids of the live records that hold a value in a field of `INDEXED`, or a unique one.

        The index only ever grows, so that taking back a collection needs no care of it.
        """
        ids = self.index.get((object_, name, value), set())
        found = ((id_, self.records[object_].get(id_)) for id_ in sorted(ids))
        return [
            id_
            for id_, kept in found
            if kept and kept.values.get(name) == value and not kept.values.get("IsDeleted")
        ]

    def save_new(self, object_: str, values: Mapping[str, Any]) -> str:
        """Create a record through the API.

        Raises:
            SaveError: a rule refuses it.
        """
        with self.lock:
            wanted = check_and_convert(self, object_, values, None)
            refuse_double(self, object_, wanted, "")
            return self.put(object_, wanted)

    def save(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change a record through the API.

        Raises:
            SaveError: a rule refuses it, or the record is gone or locked.
        """
        with self.lock:
            held = self.reach(object_, id_)
            wanted = check_and_convert(self, object_, values, held)
            refuse_double(self, object_, {**held, **wanted}, held["Id"])
            self.edit(object_, held["Id"], wanted)

    def remove(self, object_: str, id_: str) -> None:
        """Delete a record through the API.

        Raises:
            SaveError: it is gone or locked.
        """
        with self.lock:
            self.delete(object_, self.reach(object_, id_)["Id"])

    def reach(self, object_: str, id_: str) -> Mapping[str, Any]:
        """A live record that may be changed now.

        Raises:
            SaveError: it is gone or locked.
        """
        if len(id_) not in {15, 18} or not id_.isalnum():
            raise SaveError("MALFORMED_ID", f"{object_} ID: id value of incorrect type: {id_}")
        held = self.find(object_, id_)
        if held is None:
            raise SaveError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if held.get("IsDeleted"):
            raise SaveError("ENTITY_IS_DELETED", "entity is deleted")
        parents = {held["Id"], held.get("CampaignId"), held.get("AccountId")}
        if self.locked & parents:
            raise SaveError(
                "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"
            )
        return held

    def put_person(self, values: Mapping[str, Any]) -> str:
        """Create a person account: an account, and the contact behind it; returns the account."""
        name = f"{values.get('FirstName', '')} {values['LastName']}".strip()
        both = {"IsPersonAccount": True}
        account = self.put("Account", {"Name": name, **values, **both})
        own = {n: v for n, v in values.items() if n in {"FirstName", "LastName", "OwnerId"}}
        contact = self.put("Contact", {**own, **both, "AccountId": account})
        self._keep("Account", account, {"PersonContactId": contact})
        return account

    def _log_deletion(self, object_: str, id_: str) -> None:
        now = int(self.now().timestamp() * 1000)
        shows = now + int(self.late.total_seconds() * 1000)
        self.deletions.setdefault(object_, []).append((id_, now, shows))

    def _next_id(self, object_: str) -> str:
        self.numbers[object_] = self.numbers.get(object_, 0) + 1
        return make_id(object_, self.numbers[object_])

    def _keep(self, object_: str, id_: str, values: dict[str, Any]) -> None:
        now = int(self.now().timestamp() * 1000)
        held = self.records.setdefault(object_, {}).get(id_)
        blank = {
            one.name: False if one.type == "boolean" else None
            for one in self.schema[object_].fields.values()
        }
        base = held.values if held else {**blank, "CreatedDate": now, "CreatedById": self.user}
        stamped = {"Id": id_, "SystemModstamp": now, "LastModifiedDate": now}
        stamped["LastModifiedById"] = self.user
        given = {n: v for n, v in values.items() if n == "CreatedDate" and not held}
        merged = {**base, **values, **stamped, **given}
        for one in self.schema[object_].fields.values():
            if (one.unique or one.name in INDEXED) and merged.get(one.name) is not None:
                self.index.setdefault((object_, one.name, merged[one.name]), set()).add(id_)
        late = int(self.late.total_seconds() * 1000)
        self.records[object_][id_] = Kept(values=derive(self, object_, merged), visible=now + late)
