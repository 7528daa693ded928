"""Finds out what became of writes whose answer was lost, by looking into the CRM."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmbridge.adapters import (
    Capabilities,
    Connection,
    ErrorClass,
    Operation,
    Outcome,
    Page,
    Status,
    WriteItem,
)
from crmbridge.push.values import Value, is_same, parse_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An open connection as push uses it.

    Args:
        source_fields: object -> our field name -> the CRM's; names that are absent are the same.
            Fields of records of ours are canonical in a changeset, and the CRM's own in a page.
    """

    name: str
    connection: Connection
    capabilities: Capabilities
    source_fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def source(self, object_: str, name: str) -> str:
        """The CRM's name of a field."""
        return self.source_fields.get(object_, {}).get(name, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What looking showed.

    Args:
        outcomes: of items that landed, clash, are gone, or cannot be found out about.
        absent: items that did not land; sending them again is not blind.
    """

    outcomes: tuple[Outcome, ...] = ()
    absent: tuple[WriteItem, ...] = ()


def settle(target: Target, items: Sequence[WriteItem]) -> Settled:
    """Look up what became of items of one object and operation.

    A create is looked up by its key, an update or deletion by reading the record. Members bear a
    natural key, so adding, setting or removing one again changes nothing: they count as not landed.

    Raises:
        RetryLaterError, SignInError, ConfigError: the CRM cannot be asked now.
    """
    if not items:
        return Settled()
    return _WAYS[items[0].operation](target, items)


def unknown(item: WriteItem, why: str) -> Outcome:
    """The outcome of an item about which nothing can be found out."""
    return Outcome(
        item=item.item,
        status=Status.UNKNOWN,
        id=item.id,
        error_class=ErrorClass.UNKNOWN,
        error=why,
    )


def _by_key(target: Target, items: Sequence[WriteItem]) -> Settled:
    capability = target.capabilities.of(items[0].object)
    if not capability.key_field or not all(item.key for item in items):
        why = "the answer was lost, and the CRM keeps no key to look it up by"
        return Settled(outcomes=tuple(unknown(item, why) for item in items))
    keys = [item.key for item in items]
    found = target.connection.find_by_keys(items[0].object, capability.key_field, keys)
    return _merged(_of_ids(item, found.get(item.key, ())) for item in items)


def _of_ids(item: WriteItem, ids: Sequence[str]) -> Settled:
    if not ids:
        return Settled(absent=(item,))
    if len(ids) > 1:
        why = f"{len(ids)} records bear the key: {', '.join(sorted(ids)[:3])}"
        return Settled(outcomes=(unknown(item, why),))
    return Settled(outcomes=(Outcome(item=item.item, status=Status.APPLIED, id=ids[0]),))


def _by_reading(target: Target, items: Sequence[WriteItem]) -> Settled:
    if not target.capabilities.of(items[0].object).reads_by_id:
        why = "the answer was lost, and the record cannot be read by its id"
        return Settled(outcomes=tuple(unknown(item, why) for item in items))
    page = _read(target, items)
    records = _records(page, target.source(items[0].object, "id"))
    survivors = dict(page.merged)
    of_record = _of_deleted if items[0].operation is Operation.DELETE else _of_record
    return _merged(
        of_record(target, item, records.get(item.id), survivors.get(item.id, "")) for item in items
    )


def _read(target: Target, items: Sequence[WriteItem]) -> Page:
    object_ = items[0].object
    names = sorted({name for item in items for name in (*item.values, *item.expected)})
    fields = tuple(target.source(object_, name) for name in names)
    return target.connection.read_by_ids(object_, [item.id for item in items], fields)


def _records(page: Page, id_column: str) -> dict[str, dict[str, Any]]:
    """id -> values; the id stands first where the page has no column of the mapping's name."""
    rows = [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    column = id_column if id_column in page.columns else next(iter(page.columns), "")
    gone = set(page.deleted)
    return {str(row[column]): row for row in rows if str(row[column]) not in gone}


def _of_record(
    target: Target, item: WriteItem, record: Mapping[str, Any] | None, survivor: str
) -> Settled:
    if record is None:
        outcome = Outcome(
            item=item.item,
            status=Status.REJECTED,
            id=item.id,
            error_class=ErrorClass.RECORD,
            error="the record is gone",
            survivor=survivor,
        )
        return Settled(outcomes=(outcome,))
    wanted, expected = _comparable(item, item.values), _comparable(item, item.expected)
    if not wanted:
        return Settled(outcomes=(unknown(item, "the answer was lost, and no field shows it"),))
    if _holds(target, item.object, record, wanted):
        return Settled(outcomes=(Outcome(item=item.item, status=Status.APPLIED, id=item.id),))
    if _holds(target, item.object, record, expected):
        return Settled(absent=(item,))
    outcome = Outcome(
        item=item.item,
        status=Status.CONFLICT,
        id=item.id,
        error_class=ErrorClass.CONFLICT,
        error="somebody changed the record after it was decided on",
    )
    return Settled(outcomes=(outcome,))


def _of_deleted(
    target: Target, item: WriteItem, record: Mapping[str, Any] | None, survivor: str
) -> Settled:
    del target, survivor
    if record is not None:
        return Settled(absent=(item,))
    return Settled(outcomes=(Outcome(item=item.item, status=Status.APPLIED, id=item.id),))


_PLAIN = frozenset(
    {"start_at", "end_at", "due_on", "subject", "location", "rep_id", "customer_id", "contact_id"}
)
"""Fields of records of ours that a page shows as we wrote them; others go through mappings."""


def _comparable(item: WriteItem, values: Mapping[str, Value]) -> Mapping[str, Value]:
    """The values that can be compared with a page: on the CRM's own records all of them."""
    if not item.key:
        return values
    return {name: value for name, value in values.items() if name in _PLAIN}


def _holds(
    target: Target, object_: str, record: Mapping[str, Any], values: Mapping[str, Value]
) -> bool:
    normalise = target.connection.normalise
    return all(
        _agree(
            record.get(target.source(object_, name)),
            None if value is None else normalise(object_, name, value),
        )
        for name, value in values.items()
    )


def _agree(left: Value, right: Value) -> bool:
    """Like `is_same`, and instants that are written differently agree."""
    if is_same(left, right):
        return True
    if isinstance(left, str) and isinstance(right, str):
        try:
            return parse_instant(left) == parse_instant(right)
        except (ValueError, TypeError):
            return False
    return str(left) == str(right) if None not in (left, right) else False


def _all_absent(target: Target, items: Sequence[WriteItem]) -> Settled:
    del target
    return Settled(absent=tuple(items))


def _merged(parts: Iterable[Settled]) -> Settled:
    parts = list(parts)
    return Settled(
        outcomes=tuple(outcome for part in parts for outcome in part.outcomes),
        absent=tuple(item for part in parts for item in part.absent),
    )


_WAYS: dict[Operation, Callable[[Target, Sequence[WriteItem]], Settled]] = {
    Operation.CREATE: _by_key,
    Operation.UPDATE: _by_reading,
    Operation.CLEAR: _by_reading,
    Operation.DELETE: _by_reading,
    Operation.ADD_MEMBER: _all_absent,
    Operation.SET_MEMBER: _all_absent,
    Operation.REMOVE_MEMBER: _all_absent,
}
