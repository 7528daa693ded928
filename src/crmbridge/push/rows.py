"""How a changeset stands in the store's tables: one row for it, one for each item."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from crmbridge.adapters import Operation, Outcome
from crmbridge.push.changeset import Change, Changeset, GuardVerdict, Item, change_json, guard_json
from crmbridge.push.values import canonical
from crmbridge.records import from_millis, to_millis


def head_row(changeset: Changeset, run_id: int) -> dict[str, Any]:
    """The row of a changeset that nobody has applied yet."""
    return {
        "id": changeset.id,
        "run_id": run_id,
        "created_at": to_millis(changeset.created_at),
        "digest": changeset.digest,
        "epoch": changeset.epoch,
        "organisations": canonical(dict(changeset.organisations)),
        "state": "open",
        "plan_id": changeset.plan_id or None,
        "undoes": changeset.undoes or None,
        "guards": canonical([guard_json(verdict) for verdict in changeset.guards]),
        "api_calls": canonical(dict(changeset.api_calls)),
    }


_COPIED = ("item", "connection", "object", "key", "version", "parent", "depends_on", "reason")
_EMPTY = dict.fromkeys(("error_class", "error", "remote_id", "remote_version", "handle"), "")


def item_row(changeset_id: str, number: int, item: Item) -> dict[str, Any]:
    """The row of an item that was not sent yet."""
    return {
        **{name: getattr(item, name) for name in _COPIED},
        **_EMPTY,
        "changeset": changeset_id,
        "sequence": number,
        "record_id": item.id,
        "operation": item.operation.value,
        "changes": canonical([change_json(change) for change in item.changes]),
        "state": "pending",
    }


def changeset_of(head: Row[Any], rows: Sequence[Row[Any]]) -> Changeset:
    """The changeset of its rows, items in their order."""
    return Changeset(
        id=head.id,
        created_at=from_millis(head.created_at),
        epoch=head.epoch,
        organisations=json.loads(head.organisations),
        items=tuple(_item(row) for row in rows),
        plan_id=head.plan_id or "",
        guards=tuple(GuardVerdict(**verdict) for verdict in json.loads(head.guards)),
        api_calls=json.loads(head.api_calls),
        undoes=head.undoes or "",
    )


def _item(row: Row[Any]) -> Item:
    held = row._mapping  # noqa: SLF001  public in SQLAlchemy
    return Item(
        item=held["item"],
        connection=held["connection"],
        object=held["object"],
        id=held["record_id"],
        key=held["key"],
        operation=_OPERATIONS[held["operation"]],
        changes=tuple(Change(**change) for change in json.loads(held["changes"])),
        version=held["version"],
        parent=held["parent"],
        depends_on=held["depends_on"],
        reason=held["reason"],
    )


_OPERATIONS = {one.value: one for one in Operation}


OUTCOME = ("state", "error_class", "error", "remote_id", "remote_version", "handle", "done_at")
"""What an outcome sets in the row of its item."""


def outcome_row(item: Item, outcome: Outcome, at: int) -> tuple[Any, ...]:
    """The values of `OUTCOME`."""
    return (
        outcome.status.value,
        outcome.error_class.value if outcome.error_class else "",
        _with_survivor(outcome),
        outcome.id or item.id,
        outcome.version,
        outcome.handle,
        at,
    )


def _with_survivor(outcome: Outcome) -> str:
    return f"{outcome.error}; merged into {outcome.survivor}" if outcome.survivor else outcome.error
