"""Reads from the store who is in which campaign, and which of them we added."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from crmbridge.adapters import Operation
from crmbridge.push.batches import REMOTE_ID_OF
from crmbridge.push.desired import MemberPlace, Presence, SeenMember, WritePolicy
from crmbridge.push.ledger import DONE, UNDER_WAY, State
from crmbridge.store.records import LIVE, MISSING
from crmbridge.store.schema import RECORDS, changeset_items, changesets

_PRESENCE = {LIVE: Presence.LIVE, MISSING: Presence.MISSING}
_PEOPLE = ("contact_id", "customer_id")
_OPERATIONS = (Operation.ADD_MEMBER, Operation.SET_MEMBER, Operation.REMOVE_MEMBER)


@dataclass(slots=True, kw_only=True)
class _Ours:
    """Members that we added and did not remove again, and ids of those that we removed."""

    added: dict[MemberPlace, SeenMember] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


def seen_members(
    tx: Connection, policies: Mapping[str, WritePolicy]
) -> dict[MemberPlace, SeenMember]:
    """All members in connections that let us write members, pulled or just added by us."""
    found: dict[MemberPlace, SeenMember] = {}
    for connection, policy in policies.items():
        if policy.members:
            ours = _ours(tx, connection, policy.members)
            found.update(ours.added)
            found.update(_pulled(tx, connection, policy.members, ours))
    return found


def _pulled(
    tx: Connection, connection: str, objects: Iterable[str], ours: _Ours
) -> dict[MemberPlace, SeenMember]:
    added = {member.id for member in ours.added.values() if member.is_ours}
    table = RECORDS["campaign_members"]
    query = select(table).where(table.c.connection == connection, table.c.object.in_(list(objects)))
    return {
        place: SeenMember(
            id=row.id,
            object=row.object,
            status=_status(row, ours.added.get(place)),
            written=ours.added[place].written if place in ours.added else "",
            is_ours=row.id in added or row.added_by == "ours",
            presence=_PRESENCE.get(row.record_state, Presence.DELETED),
        )
        for row in tx.execute(query)
        if row.id not in ours.removed and (place := _place(connection, row._asdict())) is not None
    }


def _status(row: Row[Any], written: SeenMember | None) -> str:
    """The status, where somebody set it. A CRM calls those that we merely added by a word of its
    own, Salesforce "Sent" for one: that says nothing of what came of them."""
    is_default = written is not None and written.written == "added" and row.status == "sent"
    return "added" if is_default and not row.responded else row.status or ""


def _place(connection: str, values: Mapping[str, Any]) -> MemberPlace | None:
    person = next((name for name in _PEOPLE if values.get(name)), "")
    if not person or not values.get("campaign_id"):
        return None
    return (connection, str(values["campaign_id"]), person, str(values[person]))


def _ours(tx: Connection, connection: str, objects: Iterable[str]) -> _Ours:
    """What we wrote, or may have written; who was a member before we came is not ours."""
    ours = _Ours()
    for row in _writes(tx, connection, objects):
        is_add = row.operation != Operation.REMOVE_MEMBER.value
        values = {
            change["field"]: change["after" if is_add else "before"]
            for change in json.loads(row.changes)
        }
        values["campaign_id"] = _resolved(tx, row.changeset, values.get("campaign_id"))
        place = _place(connection, values)
        if place is not None and row.operation == Operation.SET_MEMBER.value:
            _set(ours, place, row, values)
        elif place is not None and is_add:
            ours.removed.discard(row.remote_id)
            ours.added[place] = SeenMember(
                id=row.remote_id,
                object=row.object,
                status=values.get("status", ""),
                written=values.get("status", ""),
                is_ours=row.state == State.APPLIED.value,
            )
        elif place is not None:
            ours.added.pop(place, None)
            ours.removed.add(row.remote_id)
    return ours


def _set(ours: _Ours, place: MemberPlace, row: Row[Any], values: Mapping[str, Any]) -> None:
    """A status that was set counts once it was acknowledged; whose the member is stays."""
    held = ours.added.get(place)
    if held is not None and row.state in {state.value for state in DONE}:
        status = str(values.get("status") or "")
        ours.added[place] = replace(held, status=status, written=status)


def _writes(tx: Connection, connection: str, objects: Iterable[str]) -> Iterable[Row[Any]]:
    items = changeset_items
    query = (
        select(items)
        .join(changesets, changesets.c.id == items.c.changeset)
        .where(
            items.c.connection == connection,
            items.c.object.in_(list(objects)),
            items.c.operation.in_([one.value for one in _OPERATIONS]),
            items.c.state.in_([state.value for state in (*DONE, *UNDER_WAY)]),
        )
        .order_by(items.c.sent_at, items.c.done_at, changesets.c.created_at)
    )
    return tx.execute(query).all()


def _resolved(tx: Connection, changeset_id: str, campaign: Any) -> Any:
    if not isinstance(campaign, dict):
        return campaign
    items = changeset_items
    return tx.scalar(
        select(items.c.remote_id).where(
            items.c.changeset == changeset_id, items.c.item == campaign.get(REMOTE_ID_OF, "")
        )
    )
