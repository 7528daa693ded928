"""What the made-up account holds: records with their histories, as its users would change them."""

import itertools
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def stamp(at: datetime) -> str:
    """A time as the account writes it."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


@dataclass(slots=True)
class Entry:
    """One record.

    Args:
        seen: the properties as the search index has them; None while it has nothing.
        due: from when on the index has the present ones.
    """

    id: str
    properties: dict[str, str | None]
    created: datetime
    modified: datetime
    archived_at: datetime | None = None
    seen: dict[str, str | None] | None = None
    due: datetime | None = None

    def indexed(self, now: datetime) -> Mapping[str, str | None] | None:
        """The properties that a search sees."""
        return self.properties if self.due is None or self.due <= now else self.seen


@dataclass(slots=True)
class Kind:
    """One type of records: its entries by id, its property definitions and their groups, whom
    merges took away."""

    name: str
    entries: dict[str, Entry] = field(default_factory=dict)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    forwards: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def stamp_property(self) -> str:
        """Contacts say differently when they were modified."""
        return "lastmodifieddate" if self.name == "contacts" else "hs_lastmodifieddate"


@dataclass(slots=True)
class StaticList:
    """A list of records; only a MANUAL or SNAPSHOT one may be changed by hand."""

    id: str
    name: str
    object_type: str = "0-1"
    processing: str = "MANUAL"
    created: datetime = START
    members: dict[str, datetime] = field(default_factory=dict)


class Clock:
    """The account's clock: it stands still, and each change moves it."""

    def __init__(self, at: datetime = START, tick: timedelta = timedelta(seconds=1)) -> None:
        self.at = at
        self.tick = tick

    def now(self) -> datetime:
        """The time."""
        return self.at

    def step(self) -> datetime:
        """The time of one more change."""
        self.at += self.tick
        return self.at


class RunningClock(Clock):
    """The machine's clock, for a sandbox that people work with."""

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def step(self) -> datetime:
        """The time, too."""
        return self.now()


class Account:
    """The truth. What a test does to it happens at once; what the interface shows may lag.

    Args:
        lag: how long changes stay out of the search index.
        disorder: searches pay no heed to the order that was asked for.
        revision: number of changes so far.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.lag = timedelta(0)
        self.disorder = False
        self.portal = 44237313
        self.zone = "US/Eastern"
        self.revision = 0
        self.kinds: dict[str, Kind] = {}
        self.links: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = {}
        self.lists: dict[str, StaticList] = {}
        self.owners: dict[str, dict[str, Any]] = {}
        self.campaigns: dict[str, dict[str, Any]] = {}
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.lock = threading.RLock()
        self.dice = random.Random(7)  # noqa: S311  disorder, no secret
        self._ordered: dict[tuple[str, bool], tuple[int, list[Entry]]] = {}
        self._ids = itertools.count(101)

    def kind(self, name: str) -> Kind:
        """A type of records."""
        return self.kinds.setdefault(name, Kind(name))

    def next_id(self) -> str:
        """An id nobody has."""
        return str(next(self._ids))

    def put(self, object_: str, values: Mapping[str, Any], id_: str = "") -> str:
        """Create a record as a user would; properties that nobody defined become texts."""
        with self.lock:
            kind = self.kind(object_)
            id_ = id_ or self.next_id()
            now = self.clock.step()
            self.define_missing(kind, values)
            entry = Entry(id_, {"hs_object_id": id_, "createdate": stamp(now)}, now, now)
            kind.entries[id_] = entry
            self._change(kind, entry, values, now)
            return id_

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change properties of a record."""
        with self.lock:
            kind = self.kind(object_)
            self.define_missing(kind, values)
            self._change(kind, kind.entries[id_], values, self.clock.step())

    def _change(self, kind: Kind, entry: Entry, values: Mapping[str, Any], now: datetime) -> None:
        self.revision += 1
        before = entry.indexed(now)
        is_new = len(entry.properties) == 2 and entry.created == now
        entry.seen = None if is_new or before is None else dict(before)
        entry.due = now + self.lag
        entry.properties.update({name: written(value) for name, value in values.items()})
        entry.properties[kind.stamp_property] = stamp(now)
        entry.modified = now

    def delete(self, object_: str, id_: str) -> None:
        """Archive a record, as deleting does."""
        with self.lock:
            self.revision += 1
            self.kind(object_).entries[id_].archived_at = self.clock.step()

    def erase(self, object_: str, id_: str) -> None:
        """Delete a record for good: nothing lists it any more."""
        with self.lock:
            self.clock.step()
            self.revision += 1
            del self.kind(object_).entries[id_]

    def merge(self, object_: str, loser: str, winner: str) -> None:
        """Merge a record into another, which keeps its values and remembers the loser."""
        with self.lock:
            kind = self.kind(object_)
            lost = kind.entries.pop(loser)
            entry = kind.entries[winner]
            before = [entry.properties.get("hs_merged_object_ids")]
            before += [lost.properties.get("hs_merged_object_ids"), loser]
            kind.forwards[loser] = winner
            names = ";".join(one for one in before if one)
            self.edit(object_, winner, {"hs_merged_object_ids": names})

    def link(
        self, object_: str, id_: str, to: str, to_id: str, type_: int = 0, label: str = ""
    ) -> None:
        """Associate two records, in both directions; no record changes by it."""
        with self.lock:
            for one, one_id, other, other_id in (
                (object_, id_, to, to_id),
                (to, to_id, object_, id_),
            ):
                kinds = self.links.setdefault((one, one_id, other), {}).setdefault(other_id, [])
                spec = {"category": "HUBSPOT_DEFINED", "typeId": type_, "label": label or None}
                if spec not in kinds:
                    kinds.append(spec)

    def unlink(self, object_: str, id_: str, to: str, to_id: str) -> None:
        """Take all associations of two records away."""
        with self.lock:
            self.links.get((object_, id_, to), {}).pop(to_id, None)
            self.links.get((to, to_id, object_), {}).pop(id_, None)

    def held(self, object_: str) -> Mapping[str, Mapping[str, Any]]:
        """id -> properties of all records that are not archived; members of lists as pairs."""
        if object_ == "list_memberships":
            return {
                f"{one.id}:{member}": {} for one in self.lists.values() for member in one.members
            }
        entries = self.kind(object_).entries.values()
        return {one.id: dict(one.properties) for one in entries if one.archived_at is None}

    def live(self, object_: str) -> list[Entry]:
        """Records that are not archived, by id."""
        return self.ordered(object_, archived=False)

    def ordered(self, object_: str, *, archived: bool) -> list[Entry]:
        """Records that are archived, or are not, by id; kept until something changes."""
        key = (object_, archived)
        kept = self._ordered.get(key)
        if kept is None or kept[0] != self.revision:
            entries = self.kind(object_).entries.values()
            found = [one for one in entries if (one.archived_at is not None) == archived]
            kept = self._ordered[key] = (self.revision, sorted(found, key=by_id))
        return kept[1]

    def add_list(self, name: str, **more: Any) -> str:
        """Make a list."""
        with self.lock:
            id_ = self.next_id()
            self.lists[id_] = StaticList(id_, name, created=self.clock.step(), **more)
            return id_

    def define(self, object_: str, name: str, **more: Any) -> None:
        """Define a property, or change its definition."""
        definitions = self.kind(object_).definitions
        definitions[name] = {**definitions.get(name, definition(name)), **more}

    def define_missing(self, kind: Kind, values: Mapping[str, Any]) -> None:
        """Define properties that nobody did as texts."""
        for name in values:
            if name not in kind.definitions:
                kind.definitions[name] = definition(name)

    def vanish(self, object_: str, name: str) -> None:
        """Take a property away, as an administrator may."""
        with self.lock:
            self.revision += 1
            kind = self.kind(object_)
            kind.definitions.pop(name, None)
            for entry in kind.entries.values():
                entry.properties.pop(name, None)


def by_id(entry: Entry) -> tuple[int, str]:
    """The order of ids: as numbers, where they are."""
    return (int(entry.id), "") if entry.id.isdigit() else (0, entry.id)


def written(value: Any) -> str | None:
    """A value as it is kept: all are texts, the empty one is null."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def definition(name: str, **more: Any) -> dict[str, Any]:
    """A property's definition, as the interface shows it."""
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "type": "string",
        "fieldType": "text",
        "description": "",
        "groupName": "sandbox",
        "options": [],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": False,
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": False,
            "readOnlyValue": False,
        },
        "formField": False,
        **more,
    }


Action = Callable[[], object]
