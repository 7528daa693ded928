"""What the store has learned since a changeset was decided."""

import json
from collections.abc import Iterable

from sqlalchemy import select

from crmbridge.push.changeset import Changeset, Item
from crmbridge.push.values import Value
from crmbridge.records import to_millis
from crmbridge.store import Store
from crmbridge.store.schema import changeset_items, field_values, plans


def newer_plan(store: Store, changeset: Changeset) -> str:
    """A plan for the same calendars made after the changeset was decided, "" if none was.

    Not simply the plan made last: one that is made again keeps the time it was first made.
    """
    mine = changeset.plan_id.split("+")
    calendars = select(plans.c.connection).where(plans.c.id.in_(mine))
    query = select(plans.c.id).where(
        plans.c.connection.in_(calendars),
        plans.c.id.not_in(mine),
        plans.c.created_at > to_millis(changeset.created_at),
    )
    with store.read() as tx:
        return str(tx.scalar(query.order_by(plans.c.created_at.desc()).limit(1)) or "")


def seen_values(
    store: Store, changeset_id: str, items: Iterable[Item]
) -> dict[str, dict[str, Value]]:
    """item -> field -> what the CRM showed last, of fields that the item changes."""
    held, mine = field_values.c, changeset_items.c
    query = (
        select(mine.item, held.field, held.seen)
        .join_from(
            changeset_items,
            field_values,
            (held.connection == mine.connection)
            & (held.object == mine.object)
            & (held.id == mine.record_id),
        )
        .where(mine.changeset == changeset_id, held.seen.is_not(None))
    )
    wanted = {item.item: {change.field for change in item.changes} for item in items}
    found: dict[str, dict[str, Value]] = {}
    with store.read() as tx:
        for name, field, seen in tx.execute(query):
            if field in wanted.get(name, ()):
                found.setdefault(name, {})[field] = json.loads(seen)
    return found
