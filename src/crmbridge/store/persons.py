"""Finds all that the store holds on a person: one list of places, for export and erasure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, or_, select

from crmbridge.records import STREAMS, RecordKey
from crmbridge.store import schema
from crmbridge.store.schema import RECORDS

_WHO = ("contacts", "customers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as the connected systems know them.

    Args:
        contacts: keys of contact records, merged ones and completing ones, too.
        customers: keys of customer records of which the same holds.
        addresses: e-mail addresses and phone numbers, lower case.
    """

    contacts: frozenset[RecordKey] = frozenset()
    customers: frozenset[RecordKey] = frozenset()
    addresses: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[RecordKey]:
        """All records that are the person."""
        return self.contacts | self.customers

    @property
    def names(self) -> frozenset[str]:
        """Keys as texts, and addresses: what a later pull would recognise the person by."""
        return frozenset(map(str, self.keys)) | self.addresses


def find_person(tx: Connection, text: str) -> Person:
    """The person behind ``connection/object/id``, an e-mail address, a phone number or an id.

    An address finds every record that bears it; an empty `Person` means that nobody is found.
    """
    found = {stream: _by_text(tx, stream, text) for stream in _WHO}
    for stream in _WHO:
        found[stream] |= _same(tx, stream, found[stream])
    addresses = {text.lower()} if "@" in text else set()
    for stream in _WHO:
        addresses |= _addresses(tx, stream, found[stream])
    return Person(
        contacts=frozenset(found["contacts"]),
        customers=frozenset(found["customers"]),
        addresses=frozenset(addresses),
    )


def held_on(tx: Connection, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Table -> rows that are about the person, by column name; tables without any are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, condition in places(person):
        rows = [dict(row) for row in tx.execute(select(table).where(condition)).mappings()]
        if rows:
            found[table.name] = rows
    return found


def places(person: Person) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Each table that may hold something, with the condition of the rows that do."""
    for stream, table in RECORDS.items():
        conditions = list(_in_stream(stream, table, person))
        if conditions:
            yield table, or_(*conditions)
    by_key = (
        schema.field_values,
        schema.scores,
        schema.segments,
        schema.offers,
        schema.campaign_people,
    )
    for table in by_key:
        yield table, _any(_is(table, key) for key in person.keys)
    yield (
        schema.features,
        _any(
            and_(
                schema.features.c.connection == k.connection, schema.features.c.customer_id == k.id
            )
            for k in person.customers
        ),
    )
    for table in (schema.visits, schema.left_out):
        yield table, _any(_is(table, k, "customer_object", "customer_id") for k in person.customers)
    yield schema.quarantine, _any(_in_quarantine(person))
    yield schema.aliases, _any(_in_aliases(person))
    yield schema.links, _any(_in_links(person))
    yield schema.identities, _any(_in_identities(person))
    yield schema.changeset_items, _any(_in_items(person))
    yield schema.audit, _any(_is(schema.audit, k, id_="record_id") for k in person.keys)
    problem = schema.plans.c.problem
    yield schema.plans, _any(problem.contains(str(k), autoescape=True) for k in person.customers)


def _by_text(tx: Connection, stream: str, text: str) -> set[RecordKey]:
    columns = RECORDS[stream].c
    conditions = [
        columns.id == text,
        func.lower(columns.email) == text.lower(),
        columns.phone == text,
    ]
    if text.count("/") >= 2:
        conditions.append(_is(RECORDS[stream], RecordKey.parse(text)))
    return _keys(tx, stream, or_(*conditions))


def _same(tx: Connection, stream: str, keys: set[RecordKey]) -> set[RecordKey]:
    """Records merged with these, and those of completing connections with the same id."""
    found: set[RecordKey] = set()
    for key in keys:
        merged = select(schema.aliases).where(
            schema.aliases.c.connection == key.connection,
            schema.aliases.c.object == key.object,
            or_(schema.aliases.c.loser_id == key.id, schema.aliases.c.winner_id == key.id),
        )
        for row in tx.execute(merged):
            ends = (row.loser_id, row.winner_id)
            found |= {RecordKey(key.connection, key.object, end) for end in ends}
        completing = select(schema.connections.c.name).where(
            schema.connections.c.completes == key.connection
        )
        columns = RECORDS[stream].c
        found |= _keys(tx, stream, and_(columns.connection.in_(completing), columns.id == key.id))
    return found


def _keys(tx: Connection, stream: str, condition: ColumnElement[bool]) -> set[RecordKey]:
    columns = RECORDS[stream].c
    rows = tx.execute(select(columns.connection, columns.object, columns.id).where(condition))
    return {RecordKey(*row) for row in rows}


def _addresses(tx: Connection, stream: str, keys: set[RecordKey]) -> set[str]:
    columns = RECORDS[stream].c
    found: set[str] = set()
    for key in keys:
        query = select(columns.email, columns.phone).where(_is(RECORDS[stream], key))
        found |= {value.lower() for row in tx.execute(query) for value in row if value}
    return found


def _in_stream(stream: str, table: Table, person: Person) -> Iterator[ColumnElement[bool]]:
    own = {"contacts": person.contacts, "customers": person.customers}.get(stream, frozenset())
    for key in own:
        yield _is(table, key)
    for field, keys in (("contact_id", person.contacts), ("customer_id", person.customers)):
        if field in STREAMS[stream].by_name and stream != "contacts":
            for key in keys:
                yield and_(table.c.connection == key.connection, table.c[field] == key.id)
    if stream == "consents" and person.addresses:
        yield table.c.address.in_(sorted(person.addresses))


def _in_quarantine(person: Person) -> Iterator[ColumnElement[bool]]:
    table = schema.quarantine
    for key in person.keys:
        yield _is(table, key, id_="record_id")
    for address in person.addresses:
        yield func.lower(table.c.raw).contains(address, autoescape=True)


def _in_aliases(person: Person) -> Iterator[ColumnElement[bool]]:
    for key in person.keys:
        for id_ in ("loser_id", "winner_id"):
            yield _is(schema.aliases, key, id_=id_)


def _in_links(person: Person) -> Iterator[ColumnElement[bool]]:
    for key in person.keys:
        for end in ("from", "to"):
            yield _is(schema.links, key, f"{end}_object", f"{end}_id")


def _in_identities(person: Person) -> Iterator[ColumnElement[bool]]:
    columns = schema.identities.c
    for key in person.keys:
        for side in ("left", "right"):
            yield and_(
                columns[f"{side}_connection"] == key.connection,
                columns[f"{side}_object"] == key.object,
                columns[f"{side}_id"] == key.id,
            )


def _in_items(person: Person) -> Iterator[ColumnElement[bool]]:
    table = schema.changeset_items
    for key in person.keys:
        yield _is(table, key, id_="record_id")
        yield and_(table.c.connection == key.connection, table.c.parent == key.id)
    for key in person.contacts:  # members of campaigns are named among the values
        named = table.c.changes.contains(f'"{key.id}"', autoescape=True)
        yield and_(table.c.connection == key.connection, named)
    for address in person.addresses:
        yield func.lower(table.c.changes).contains(address, autoescape=True)


def _is(
    table: Table, key: RecordKey, object_: str = "object", id_: str = "id"
) -> ColumnElement[bool]:
    return and_(
        table.c.connection == key.connection, table.c[object_] == key.object, table.c[id_] == key.id
    )


def _any(conditions: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(false(), *conditions)
