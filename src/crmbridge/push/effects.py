"""What the store learns from outcomes: the values the CRM now holds, the records that are gone."""

from collections.abc import Sequence

from sqlalchemy import Connection

from crmbridge.adapters import Operation, Outcome, Status
from crmbridge.push.changeset import Item
from crmbridge.store.field_values import Written, save_written
from crmbridge.store.records import DELETED, LIVE, mark_records

_HOLDS = frozenset({Status.APPLIED, Status.UNCHANGED})
_SETS = frozenset({Operation.CREATE, Operation.UPDATE, Operation.CLEAR})
_STATES = {
    Operation.CREATE: ("activities", LIVE),
    Operation.DELETE: ("activities", DELETED),
    Operation.ADD_MEMBER: ("campaign_members", LIVE),
    Operation.REMOVE_MEMBER: ("campaign_members", DELETED),
}
"""Streams of the records that we create and delete, and the state they are then in."""


def keep_written(
    tx: Connection, pairs: Sequence[tuple[Item, Outcome]], changeset_id: str, at: int
) -> None:
    """Remember the values that the CRM acknowledged, by which we know our own writes."""
    values: dict[tuple[str, str], list[Written]] = {}
    for item, outcome in pairs:
        if outcome.status in _HOLDS and item.operation in _SETS:
            values.setdefault((item.connection, item.object), []).extend(
                Written(
                    id=outcome.id or item.id,
                    field=change.field,
                    value=change.after,
                    version=outcome.version,
                )
                for change in item.changes
            )
    for key, written in values.items():
        save_written(tx, key, written, changeset_id, at)


def mark_states(tx: Connection, pairs: Sequence[tuple[Item, Outcome]], run_id: int) -> None:
    """Mark what we deleted, or a pull would take its absence for a loss and stop.

    Where our key is the record's id, what we create may be known as deleted: it lives again.
    """
    marks: dict[tuple[tuple[str, int], str, str], list[str]] = {}
    for item, outcome in pairs:
        if item.operation in _STATES and outcome.status in _HOLDS:
            place = (_STATES[item.operation], item.connection, item.object)
            marks.setdefault(place, []).append(outcome.id or item.id)
    for ((stream, state), connection, object_), ids in marks.items():
        mark_records(tx, stream, (connection, object_), ids, state, run_id)
