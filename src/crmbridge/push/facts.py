"""Reads from the store what decide needs to know: what the CRMs showed, and what we wrote."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from crmbridge.adapters import Capabilities, Deletes, Operation, Reading
from crmbridge.push.desired import Desired, Presence, Seen, SeenRecord, SeenValue, WritePolicy
from crmbridge.push.ledger import (
    DONE,
    UNDER_WAY,
    LastWrite,
    Place,
    State,
    last_of_keys,
    last_of_object,
)
from crmbridge.push.seen_members import seen_members
from crmbridge.push.values import Value, is_empty, millis_text
from crmbridge.records import STREAMS, Kind, RecordKey, Stream, from_millis, to_millis
from crmbridge.store import Store
from crmbridge.store.field_values import FieldValue, get_field_values
from crmbridge.store.positions import list_positions
from crmbridge.store.records import LIVE, MISSING, fetch_records
from crmbridge.store.schema import RECORDS, connections, field_values

REMEMBERED_DAYS = 400
"""How long after its last write a record of ours is looked after; visits lie days ahead."""

_UNSEEN_AFTER = timedelta(days=1)
"""A record of ours that a pull this much later still does not show has been taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to read.

    Args:
        now: aware.
        records: the CRM's own records whose fields are to be written, or were.
        reps: (connection, rep's id there) -> lower-case e-mail.
    """

    now: datetime
    policies: Mapping[str, WritePolicy]
    records: Iterable[RecordKey] = ()
    reps: Mapping[tuple[str, str], str] = field(default_factory=dict)


def gather(store: Store, ask: Ask) -> Seen:
    """What was seen last of these records, and of all records of ours in connections we write to.

    Records that are not live are left out, so that nothing is written to them.
    """
    with store.read() as tx:
        return Seen(
            fields=_fields(tx, ask),
            records=_own_records(tx, ask),
            members=seen_members(tx, ask.policies),
            set_counts=_set_counts(tx, ask.policies),
            filled=_filled(tx, ask.policies),
        )


def gather_for(store: Store, desired: Desired, ask: Ask) -> Seen:
    """`gather` for the records that are desired."""
    records = [one.record for one in desired.fields]
    asked = Ask(now=ask.now, policies=ask.policies, records=records, reps=ask.reps)
    return gather(store, asked)


def taken_away_unseen(
    tx: Connection, keys: Iterable[str], capabilities: Mapping[str, Capabilities]
) -> set[str]:
    """Keys of records that we wrote and that a person took away before we read them back.

    Args:
        keys: of records that no pull has shown.
        capabilities: connection -> what its adapter can do.
    """
    found = set()
    for (connection, object_, key), write in last_of_keys(tx, keys).items():
        if connection not in capabilities:
            continue
        read_at = _read_whole_at(tx, connection, object_, capabilities[connection])
        if write.operation != Operation.DELETE.value and _is_gone(write, read_at):
            found.add(key)
    return found


def _fields(tx: Connection, ask: Ask) -> dict[RecordKey, dict[str, SeenValue]]:
    groups: dict[tuple[str, str], set[str]] = {}
    for record in ask.records:
        if record.connection in ask.policies:
            groups.setdefault((record.connection, record.object), set()).add(record.id)
    found: dict[RecordKey, dict[str, SeenValue]] = {}
    for key, ids in groups.items():
        stream = ask.policies[key[0]].capabilities.of(key[1]).stream
        held = fetch_records(tx, stream, key, ids, ("record_state", "version"))
        live = {id_: row[1] or "" for id_, row in held.items() if row[0] == LIVE}
        for (id_, name), value in get_field_values(tx, key, live).items():
            record = RecordKey(*key, id_)
            found.setdefault(record, {})[name] = _seen_value(value, live[id_])
    return found


def _seen_value(value: FieldValue, version: str) -> SeenValue:
    return SeenValue(
        seen=_loaded(value.seen),
        version=value.version or version,
        seen_at=value.seen_at,
        written=_loaded(value.written),
        is_written=value.written is not None,
    )


def _loaded(text: str | None) -> Value:
    return None if text is None else json.loads(text)


def _own_records(tx: Connection, ask: Ask) -> dict[Place, SeenRecord]:
    since = to_millis(ask.now - timedelta(days=REMEMBERED_DAYS))
    found: dict[Place, SeenRecord] = {}
    for connection, policy in ask.policies.items():
        for object_ in policy.own:
            stream = STREAMS[policy.capabilities.of(object_).stream]
            last = last_of_object(tx, connection, object_, since)
            found.update(_looked_up(tx, ask, stream, last))
    return found


def _looked_up(
    tx: Connection, ask: Ask, stream: Stream, last: Mapping[Place, LastWrite]
) -> dict[Place, SeenRecord]:
    if not last:
        return {}
    connection, object_, _ = next(iter(last))
    key = (connection, object_)
    ids = [write.remote_id for write in last.values() if write.remote_id]
    names = ("record_state", "version", *(one.name for one in stream.fields))
    held = fetch_records(tx, stream.name, key, ids, names)
    written = _written(tx, key, ids)
    pulled_at = _pulled_at(tx, stream.name, connection, object_)
    read_at = _read_whole_at(tx, connection, object_, ask.policies[connection].capabilities)
    gone = {place for place, write in last.items() if _is_gone(write, read_at)}
    return {
        place: _record(ask, place, write, _Held.of(stream, held.get(write.remote_id)),
                       written.get(write.remote_id, {}), pulled_at, place in gone)
        for place, write in last.items()
        if not (write.operation == Operation.DELETE.value and State(write.state) in DONE)
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A record of ours as pulled."""

    state: int
    version: str
    values: Mapping[str, Value]

    @classmethod
    def of(cls, stream: Stream, row: tuple[Any, ...] | None) -> "_Held | None":
        if row is None:
            return None
        values = {
            one.name: millis_text(value) if one.kind is Kind.INSTANT else value
            for one, value in zip(stream.fields, row[2:], strict=True)
            if value is not None
        }
        return cls(state=row[0], version=row[1] or "", values=values)


def _record(
    ask: Ask,
    place: Place,
    write: LastWrite,
    held: _Held | None,
    written: Mapping[str, Value],
    pulled_at: int | None,
    is_gone: bool,
) -> SeenRecord:
    values = held.values if held else written
    rep = ask.reps.get((place[0], str(written.get("rep_id") or "")), "")
    return SeenRecord(
        id=write.remote_id,
        values=values,
        written=written,
        version=held.version if held else write.remote_version,
        written_version=write.remote_version,
        presence=_presence(write, held, pulled_at, is_gone),
        rep=rep,
        parent=str(values.get("customer_id") or ""),
    )


def _presence(
    write: LastWrite, held: _Held | None, pulled_at: int | None, is_gone: bool
) -> Presence:
    if State(write.state) in UNDER_WAY and write.operation == Operation.CREATE.value:
        return Presence.MISSING  # its outcome is looked up by the next push, before anything else
    if held is not None:
        states = {LIVE: Presence.LIVE, MISSING: Presence.MISSING}
        return states.get(held.state, Presence.DELETED)
    if is_gone:
        return Presence.DELETED
    if pulled_at is None or write.done_at is None:
        return Presence.LIVE
    late = from_millis(pulled_at) - from_millis(write.done_at) > _UNSEEN_AFTER
    return Presence.MISSING if late else Presence.LIVE


def _read_whole_at(
    tx: Connection, connection: str, object_: str, capabilities: Capabilities
) -> int | None:
    """When an object whose absences are evidence was last read from end to end; else None."""
    ability = capabilities.of(object_)
    if ability.reading is not Reading.SNAPSHOT or ability.deletes is not Deletes.ABSENCE:
        return None
    positions = list_positions(tx, connection)
    return max((one.saved_at for (name, _), one in positions.items() if name == object_), default=0)


def _is_gone(write: LastWrite, read_at: int | None) -> bool:
    """Whether a record never read back would have been, had nobody taken it away."""
    landed = State(write.state) in DONE and write.done_at is not None
    return landed and read_at is not None and read_at > (write.done_at or 0)


def _written(
    tx: Connection, key: tuple[str, str], ids: Iterable[str]
) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    for (id_, name), value in get_field_values(tx, key, ids).items():
        if value.written is not None and not is_empty(_loaded(value.written)):
            found.setdefault(id_, {})[name] = _loaded(value.written)
    return found


def _pulled_at(tx: Connection, stream: str, connection: str, object_: str) -> int | None:
    """When the object was last read; None if it never was, so that absence says nothing."""
    table = RECORDS[stream]
    of_object = (table.c.connection == connection, table.c.object == object_)
    if tx.scalar(select(table.c.id).where(*of_object).limit(1)) is None:
        return None
    query = select(connections.c.pulled_at).where(connections.c.name == connection)
    return tx.scalar(query)


def _set_counts(
    tx: Connection, policies: Mapping[str, WritePolicy]
) -> dict[tuple[str, str, str], int]:
    """How many values each field holds in each CRM, over all records, of ours or not."""
    columns = (field_values.c.connection, field_values.c.object, field_values.c.field)
    query = (
        select(*columns, func.count())
        .where(
            field_values.c.connection.in_(list(policies)),
            field_values.c.seen.is_not(None),
            field_values.c.seen.not_in(["null", '""']),
        )
        .group_by(*columns)
    )
    return {(row[0], row[1], row[2]): row[3] for row in tx.execute(query)}


def _filled(tx: Connection, policies: Mapping[str, WritePolicy]) -> frozenset[tuple[str, str, str]]:
    """Fields that we wrote before, anywhere."""
    columns = (field_values.c.connection, field_values.c.object, field_values.c.field)
    query = select(*columns).where(
        field_values.c.connection.in_(list(policies)), field_values.c.written.is_not(None)
    )
    return frozenset((row[0], row[1], row[2]) for row in tx.execute(query.distinct()))
