"""Decides a changeset that takes another one back, where the CRM still holds what we wrote."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from crmbridge.adapters import Operation
from crmbridge.push.batches import REMOTE_ID_OF
from crmbridge.push.changeset import Change, Changeset, Item, item_name, named
from crmbridge.push.decide import Decision, Origin, forecast, in_order, version_of
from crmbridge.push.desired import Presence, Seen, SeenRecord, WritePolicy
from crmbridge.push.facts import Ask, gather
from crmbridge.push.fields import normal
from crmbridge.push.journal import Journal
from crmbridge.push.members import EARLY
from crmbridge.push.notes import Notes
from crmbridge.push.own import changed_by_person, held, is_future, is_same_version
from crmbridge.push.values import Value, is_empty, is_same
from crmbridge.records import RecordKey
from crmbridge.store import Store


def undo(
    changeset: Changeset,
    written: Mapping[str, str],
    seen: Seen,
    policies: Mapping[str, WritePolicy],
    origin: Origin,
) -> Decision:
    """Decide how to take back what a changeset did.

    Values before come back, empty ones too, where the CRM still shows what we wrote; visits that
    it created go if they are still to come and nobody touched them; visits that it deleted are
    created again if they are still to come. All else is left and reported. No guard stops an
    undo: it writes over nothing but our own values.

    Args:
        written: item -> id of the record it wrote, as `Journal.remote_ids` has them.
        seen: fields and records of ours, as seen last.
    """
    work = _Undo(seen=seen, policies=policies, origin=origin, written=written, notes=Notes())
    items = in_order(
        back
        for item in changeset.items
        if item.item in written
        for back in _WAYS[item.operation](item, work)
    )
    connections = sorted({item.connection for item in items})
    undone = Changeset(
        id="",
        created_at=origin.now,
        epoch=origin.epoch,
        organisations={name: origin.organisations.get(name, "") for name in connections},
        items=items,
        api_calls=forecast(items, policies),
        undoes=changeset.id,
    )
    return Decision(changeset=named(undone), findings=work.notes.findings())


def undo_in(store: Store, changeset_id: str, ask: Ask, origin: Origin) -> Decision:
    """Decide how to take back a changeset of the store; apply it like any other.

    Args:
        ask: as for `gather`; its records are those of the changeset.

    Raises:
        UsageError: there is no such changeset.
    """
    journal = Journal(store, changeset_id)
    written = journal.remote_ids
    records = [
        RecordKey(item.connection, item.object, written[item.item])
        for item in journal.changeset.items
        if item.item in written and not item.key
    ]
    seen = gather(store, replace(ask, records=records))
    return undo(journal.changeset, written, seen, ask.policies, origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undo:
    seen: Seen
    policies: Mapping[str, WritePolicy]
    origin: Origin
    written: Mapping[str, str]
    notes: Notes

    def record_of(self, item: Item) -> SeenRecord | None:
        """The record of ours that an item wrote, as seen last, if it is still there."""
        found = self.seen.records.get((item.connection, item.object, item.key))
        return found if found is not None and found.presence is Presence.LIVE else None

    def note(self, code: str, item: Item, field: str = "") -> None:
        """Report what stays as it is."""
        record = RecordKey(item.connection, item.object, item.id or item.key)
        self.notes.add(code, f"{record} {field}".strip())


def _change_back(item: Item, work: _Undo) -> Iterator[Item]:
    """Restore the fields that still hold what we wrote: an update, and a clear of filled ones."""
    current, version = _current(item, work)
    policy = work.policies[item.connection]
    backs = []
    for change in item.changes:
        now = current.get(change.field)
        wanted = normal(policy, item.object, change.field, change.after)
        shown = normal(policy, item.object, change.field, now)
        if change.field in current and is_same(shown, wanted):
            backs.append(Change(field=change.field, before=now, after=change.before))
        else:
            work.note("undo_changed", item, change.field)
    filled = tuple(back for back in backs if is_empty(back.after))
    others = tuple(back for back in backs if not is_empty(back.after))
    for operation, changes in ((Operation.UPDATE, others), (Operation.CLEAR, filled)):
        if changes:
            yield _item(item, operation, changes, version, work.written[item.item])


def _current(item: Item, work: _Undo) -> tuple[Mapping[str, Value], str]:
    if item.key:
        own = work.record_of(item)
        return (own.values, own.version) if own else ({}, "")
    record = RecordKey(item.connection, item.object, work.written[item.item])
    fields = work.seen.fields.get(record, {})
    return {name: value.seen for name, value in fields.items()}, version_of(fields.values())


def _take_away(item: Item, work: _Undo) -> Iterator[Item]:
    own = work.record_of(item)
    policy = work.policies[item.connection]
    deletes = Operation.DELETE in policy.capabilities.of(item.object).operations
    can = deletes and item.object in policy.own  # a campaign that was started stays
    if own is None:
        work.note("undo_changed", item)
    elif (
        can
        and is_same_version(own)
        and is_future(own.values, work.origin.now)
        and not changed_by_person(item.object, own, policy)
    ):
        yield _item(item, Operation.DELETE, held(own), own.version, own.id)
    else:
        work.note("undo_kept", item)


def _create_again(item: Item, work: _Undo) -> Iterator[Item]:
    values = {change.field: change.before for change in item.changes}
    if not is_future(values, work.origin.now):
        work.note("past", item)
        return
    changes = tuple(
        Change(field=change.field, before=None, after=change.before) for change in item.changes
    )
    yield _item(item, Operation.CREATE, changes, "", "")


def _take_out(item: Item, work: _Undo) -> Iterator[Item]:
    """Remove a member again, unless something came of it."""
    pair = {
        change.field: _resolved(change.after, work) for change in item.changes if _joins(change)
    }
    id_ = work.written[item.item]
    statuses = {member.status for member in work.seen.members.values() if member.id == id_}
    if statuses - EARLY:
        work.note("member_kept", item)
        return
    changes = tuple(Change(field=name, before=value, after=None) for name, value in pair.items())
    yield _item(item, Operation.REMOVE_MEMBER, changes, "", id_)


def _set_back(item: Item, work: _Undo) -> Iterator[Item]:
    """Set the status before again, where the member still has the one that we set."""
    set_to = {change.field: change.after for change in item.changes}
    statuses = {one.status for one in work.seen.members.values() if one.id == item.id}
    if statuses != {set_to.get("status")}:
        work.note("undo_changed", item, "status")
        return
    changes = tuple(
        Change(field=change.field, before=change.after, after=change.before)
        for change in item.changes
    )
    yield _item(item, Operation.SET_MEMBER, changes, "", item.id)


def _put_back(item: Item, work: _Undo) -> Iterator[Item]:
    del work
    changes = tuple(
        Change(field=change.field, before=None, after=change.before) for change in item.changes
    )
    yield _item(item, Operation.ADD_MEMBER, changes, "", "")


def _joins(change: Change) -> bool:
    return change.field in {"campaign_id", "contact_id", "customer_id"}


def _resolved(value: Value, work: _Undo) -> Value:
    return work.written.get(value[REMOTE_ID_OF], "") if isinstance(value, dict) else value


def _item(
    item: Item, operation: Operation, changes: tuple[Change, ...], version: str, id_: str
) -> Item:
    return Item(
        item=item_name(operation, item.connection, item.object, item.key or id_ or item.item),
        connection=item.connection,
        object=item.object,
        id=id_,
        key=item.key,
        operation=operation,
        changes=changes,
        version=version,
        parent=item.parent,
        reason="undo",
    )


_WAYS: dict[Operation, Callable[[Item, _Undo], Iterator[Item]]] = {
    Operation.CREATE: _take_away,
    Operation.UPDATE: _change_back,
    Operation.CLEAR: _change_back,
    Operation.DELETE: _create_again,
    Operation.ADD_MEMBER: _take_out,
    Operation.SET_MEMBER: _set_back,
    Operation.REMOVE_MEMBER: _put_back,
}
