"""Finds out whom each item of a changeset reaches, to ask their consent again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, select

from crmbridge.adapters import Operation
from crmbridge.push.changeset import Changeset, Item
from crmbridge.push.desired import Barred
from crmbridge.push.visits import visit_key
from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store.consents import effective_consents
from crmbridge.store.schema import RECORDS, visits
from crmbridge.store.writing import in_parts

BarredNow = Callable[[Sequence[RecordKey]], Barred]
"""Who of these customers and contacts is opted out now; read from the CRM where it can be."""

_PEOPLE = {"customer_id": "customers", "contact_id": "contacts"}
_OF_CAMPAIGNS = frozenset({Operation.ADD_MEMBER, Operation.SET_MEMBER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Whom an item reaches, and over which channel."""

    channel: str
    records: tuple[RecordKey, ...]


def bars(
    store: Store,
    changeset: Changeset,
    barred_now: BarredNow,
    member_channel: str = "email",
    channels: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Sequence[Item]], frozenset[str]]:
    """What `Orders.bars` asks: the items whose customer or contact is opted out by now.

    Args:
        member_channel: the consent that members of campaigns need.
        channels: campaign, by the CRM's id or our key -> the consent that its members need instead.
    """
    reached = whom(store, changeset, member_channel, channels)

    def barred_items(items: Sequence[Item]) -> frozenset[str]:
        asked = [reached[item.item] for item in items if item.item in reached]
        people = sorted({record for one in asked for record in one.records})
        if not people:
            return frozenset()
        barred = barred_now(people)
        return frozenset(
            item.item
            for item in items
            if (one := reached.get(item.item)) and barred.bars(one.channel, *one.records)
        )

    return barred_items


def barred_in_store(store: Store, allows_unknown: Mapping[str, bool]) -> BarredNow:
    """Who is opted out by all that was pulled so far; read the people again before, if you can.

    Args:
        allows_unknown: channel -> whether people are reached of whom nothing is said.
    """

    def barred_now(people: Sequence[RecordKey]) -> Barred:
        with store.read() as tx:
            states = {
                **effective_consents(tx, "customers"),
                **effective_consents(tx, "contacts"),
            }
        by_channel = {
            channel: frozenset(
                record
                for record in people
                if not _allows(states.get((record, channel)), is_allowed)
            )
            for channel, is_allowed in allows_unknown.items()
        }
        return Barred(by_channel=by_channel)

    return barred_now


def _allows(state: str | None, allows_unknown: bool) -> bool:
    return state == "granted" or (state != "denied" and allows_unknown)


def whom(
    store: Store,
    changeset: Changeset,
    member_channel: str = "email",
    channels: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Reached]:
    """item -> whom it reaches, for visits and members; scores and segments reach nobody."""
    keys = {item.item: item.key for item in changeset.items}
    with store.read() as tx:
        customers = _customers_of_visits(tx, changeset)
        people = _people(tx, changeset)
    found = {}
    for item in changeset.items:
        records = {
            record
            for change in item.changes
            for record in people.get((item.connection, change.field, str(change.after)), ())
        }
        records.update(customers.get((item.connection, item.key), ()))
        if records:
            channel = "visit"
            if item.operation in _OF_CAMPAIGNS:
                campaign = item.parent or keys.get(item.depends_on, "")
                channel = channels.get(campaign, member_channel)
            found[item.item] = Reached(channel=channel, records=tuple(sorted(records)))
    return found


def _customers_of_visits(
    tx: Connection, changeset: Changeset
) -> dict[tuple[str, str], tuple[RecordKey, ...]]:
    """(connection written to, key) -> the customer, who may live in another connection."""
    if not changeset.plan_id:
        return {}
    rows = tx.execute(select(visits).where(visits.c.plan_id.in_(changeset.plan_id.split("+"))))
    return {
        (connection, visit_key(connection, row.visit_id)): (
            RecordKey(row.connection, row.customer_object, row.customer_id),
        )
        for row in rows
        for connection in changeset.organisations
    }


def _people(tx: Connection, changeset: Changeset) -> Mapping[tuple[str, str, str], list[RecordKey]]:
    """(connection, field, id) -> records of that id; a contact may be of several objects."""
    found: dict[tuple[str, str, str], list[RecordKey]] = {}
    for connection, name, ids in _mentioned(changeset.items):
        table = RECORDS[_PEOPLE[name]]
        query = select(table.c.object, table.c.id).where(table.c.connection == connection)
        for part in in_parts(ids):
            for row in tx.execute(query.where(table.c.id.in_(part))):
                place = (connection, name, row.id)
                found.setdefault(place, []).append(RecordKey(connection, row.object, row.id))
    return found


def _mentioned(items: Iterable[Item]) -> list[tuple[str, str, set[str]]]:
    groups: dict[tuple[str, str], set[str]] = {}
    for item in items:
        for change in item.changes:
            if change.field in _PEOPLE and isinstance(change.after, str) and change.after:
                groups.setdefault((item.connection, change.field), set()).add(change.after)
    return [(connection, name, ids) for (connection, name), ids in sorted(groups.items())]
