"""What the changesets of a store say about each other: what is open, what was written last."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from crmbridge.adapters import Operation
from crmbridge.push.changeset import Changeset
from crmbridge.push.rows import head_row, item_row
from crmbridge.store import Store
from crmbridge.store.schema import changeset_items, changesets
from crmbridge.store.writing import in_parts

Place = tuple[str, str, str]
"""(connection, object, our key)."""


class State(StrEnum):
    """How far an item has come."""

    PENDING = "pending"
    "Not sent, or certain not to have landed."
    SENDING = "sending"
    "Its sending was begun; what became of it is not known yet."
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    "Nobody could find out; it is looked up again by the next push and never sent blindly."
    SKIPPED = "skipped"
    "Left out on purpose."


_OPEN = ("open", "applying", "partial")
UNDER_WAY = frozenset({State.SENDING, State.UNKNOWN})
DONE = frozenset({State.APPLIED, State.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWrite:
    """The last write of a record of ours that landed, or may have."""

    connection: str
    object: str
    key: str
    changeset: str
    operation: str
    state: str
    remote_id: str
    remote_version: str
    done_at: int | None


def save_changeset(store: Store, changeset: Changeset, run_id: int) -> None:
    """Keep a changeset for review; keeping the same one again changes nothing."""
    with store.write() as tx:
        known = select(changesets.c.id).where(changesets.c.id == changeset.id)
        if tx.scalar(known) is not None:
            return
        tx.execute(changesets.insert().values(**head_row(changeset, run_id)))
        rows = [item_row(changeset.id, number, item) for number, item in enumerate(changeset.items)]
        if rows:
            tx.execute(changeset_items.insert(), rows)


def latest_open(store: Store) -> str | None:
    """The changeset decided last that still has something to send or to find out; None if none."""
    items = changeset_items
    query = (
        select(changesets.c.id)
        .join(items, items.c.changeset == changesets.c.id)
        .where(
            changesets.c.state.in_(_OPEN),
            items.c.state.in_([State.PENDING.value, State.SENDING.value]),
        )
        .order_by(changesets.c.created_at.desc(), changesets.c.run_id.desc())
    )
    with store.read() as tx:
        return tx.scalar(query.limit(1))


def reopen_rejected(store: Store) -> list[str]:
    """Let rejected items be sent once more, now that the cause is gone.

    Returns:
        changesets that have some, oldest first; apply them again. Those that a later one made
        void are left: what they wanted was decided anew.
    """
    items = changeset_items
    query = (
        select(changesets.c.id)
        .join(items, items.c.changeset == changesets.c.id)
        .where(
            changesets.c.state.in_([*_OPEN, "applied"]),
            items.c.state == State.REJECTED.value,
        )
        .group_by(changesets.c.id, changesets.c.created_at)
        .order_by(changesets.c.created_at, changesets.c.id)
    )
    with store.write() as tx:
        found = [str(id_) for id_ in tx.scalars(query)]
        of_these = items.c.changeset.in_(found) & (items.c.state == State.REJECTED.value)
        tx.execute(items.update().where(of_these).values(state=State.PENDING.value, error=""))
        mine = changesets.c.id.in_(found)
        tx.execute(changesets.update().where(mine).values(state="partial"))
    return found


def under_way_elsewhere(store: Store, connection: str, changeset_id: str) -> list[str]:
    """Other changesets with items whose outcome on this connection is still open, by age."""
    items = changeset_items
    query = (
        select(changesets.c.id)
        .join(items, items.c.changeset == changesets.c.id)
        .where(
            items.c.connection == connection,
            items.c.state.in_([state.value for state in UNDER_WAY]),
            changesets.c.id != changeset_id,
        )
        .group_by(changesets.c.id, changesets.c.created_at)
        .order_by(changesets.c.created_at, changesets.c.id)
    )
    with store.read() as tx:
        return [str(id_) for id_ in tx.scalars(query)]


def supersede_others(tx: Connection, changeset: Changeset) -> None:
    """Void other changesets of these connections: what they were decided on is about to change."""
    items, connections = changeset_items, list(changeset.organisations)
    sharing = select(items.c.changeset).where(items.c.connection.in_(connections))
    tx.execute(
        changesets.update()
        .where(
            changesets.c.state.in_(_OPEN),
            changesets.c.id != changeset.id,
            changesets.c.id.in_(sharing),
        )
        .values(state="superseded")
    )


def deleted_by_us(tx: Connection, keys: Iterable[str]) -> frozenset[str]:
    """Those keys whose record we deleted ourselves, so that its absence is nobody's answer."""
    gone = Operation.DELETE.value
    last = last_of_keys(tx, keys).values()
    return frozenset(write.key for write in last if write.operation == gone)


def last_of_keys(tx: Connection, keys: Iterable[str]) -> dict[Place, LastWrite]:
    """The last write of each of these keys, under whatever connection and object."""
    query = _landed()
    return _last(
        row
        for part in in_parts(keys)
        for row in tx.execute(query.where(changeset_items.c.key.in_(part)))
    )


def last_of_object(
    tx: Connection, connection: str, object_: str, since: int
) -> dict[Place, LastWrite]:
    """The last write of each record of ours in an object, sent since then, ms."""
    items = changeset_items
    query = _landed().where(
        items.c.connection == connection,
        items.c.object == object_,
        items.c.key != "",
        items.c.sent_at >= since,
    )
    return _last(tx.execute(query))


def _landed() -> Select[Any]:
    """Writes that landed or may have, oldest first."""
    items = changeset_items
    columns = [items.c[name] for name in LastWrite.__slots__]
    return (
        select(*columns)
        .join(changesets, changesets.c.id == items.c.changeset)
        .where(items.c.state.in_([state.value for state in (*DONE, *UNDER_WAY)]))
        .order_by(items.c.sent_at, items.c.done_at, changesets.c.created_at)
    )


def _last(rows: Iterable[Row[Any]]) -> dict[Place, LastWrite]:
    return {(row.connection, row.object, row.key): LastWrite(**row._asdict()) for row in rows}
