"""Decides what a batch of writes makes of a file: the cells to set, and one outcome per item."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge_csv.out import Patches, cell_of, text_of

Row = Mapping[str, str]

MEMBER_KEY = ("campaign_id", "contact_id", "customer_id")
_CLASSES = {Status.REJECTED: ErrorClass.RECORD, Status.CONFLICT: ErrorClass.CONFLICT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records that a batch is about, as the files have them now.

    Args:
        current: `record_id` -> column -> text.
        ours: ids of those that stand in our own file.
        theirs: columns of the user's file: we cannot empty them.
    """

    current: Mapping[str, Row]
    ours: Collection[str] = ()
    theirs: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be written, and what becomes of each item once it is."""

    patches: Patches = field(default_factory=dict)
    outcomes: Sequence[Outcome] = ()


def record_id(item: WriteItem) -> str:
    """The id of the record that an item is about; a new record's is our key."""
    if item.operation is Operation.ADD_MEMBER or not (item.id or item.key):
        return member_id(item.values)
    return item.id or item.key


def member_id(values: Mapping[str, object]) -> str:
    """One campaign and one person: the same pair is the same member."""
    parts = [str(values.get(name) or "") for name in MEMBER_KEY]
    return ":".join(parts) if any(parts) else ""


def decide(items: Sequence[WriteItem], records: Records) -> Verdict:
    """Decide about items of one object, each after those before it."""
    current = dict(records.current)
    patches: dict[str, Row | None] = {}
    outcomes = []
    for item in items:
        id_ = record_id(item)
        row = current.get(id_)
        try:
            cells = {name: cell_of(value) for name, value in item.values.items()}
            status, error = _JUDGES[item.operation](item, row, records)
        except ValueError as unfit:
            status, error, cells = Status.REJECTED, f"expected plain text, got {unfit}", {}
        if status is Status.APPLIED and item.operation in _TAKING:
            patches[id_] = None
            current.pop(id_)
        elif status is Status.APPLIED:
            patches[id_] = {**(patches.get(id_) or {}), **cells}
            texts = {name: text_of(value) for name, value in item.values.items()}
            current[id_] = {"id": id_, **(row or {}), **texts}
        outcomes.append(
            Outcome(
                item=item.item,
                status=status,
                id=row["id"] if row else id_,
                error_class=_CLASSES.get(status),
                error=error,
            )
        )
    return Verdict(patches=patches, outcomes=outcomes)


_Judgement = tuple[Status, str]


def _add(item: WriteItem, row: Row | None, records: Records) -> _Judgement:
    del records
    if row is None:
        if record_id(item):
            return Status.APPLIED, ""
        return Status.REJECTED, "expected a key or the ids of a member, got none"
    if item.operation is Operation.ADD_MEMBER or _holds(row, item.values):
        return Status.UNCHANGED, ""
    return Status.CONFLICT, "another record has this key"


def _change(item: WriteItem, row: Row | None, records: Records) -> _Judgement:
    if row is None:
        return Status.REJECTED, "the record is gone"
    if _holds(row, item.values):
        return Status.UNCHANGED, ""
    if not _holds(row, item.expected):
        return Status.CONFLICT, "the record no longer holds the expected values"
    for name, value in item.values.items():
        if name in records.theirs and not text_of(value):
            return Status.REJECTED, f"{name} is a column of the file that is read: empty it there"
    return Status.APPLIED, ""


def _take(item: WriteItem, row: Row | None, records: Records) -> _Judgement:
    if row is None:
        return Status.UNCHANGED, ""
    if row["id"] not in records.ours:
        return Status.REJECTED, "only records that crmbridge added can be taken away"
    if not _holds(row, item.expected):
        return Status.CONFLICT, "the record no longer holds the expected values"
    return Status.APPLIED, ""


def _holds(row: Row, values: Mapping[str, object]) -> bool:
    return all(row.get(name, "") == text_of(value) for name, value in values.items())


_TAKING = (Operation.DELETE, Operation.REMOVE_MEMBER)
_JUDGES = {
    Operation.CREATE: _add,
    Operation.ADD_MEMBER: _add,
    Operation.UPDATE: _change,
    Operation.CLEAR: _change,
    Operation.DELETE: _take,
    Operation.REMOVE_MEMBER: _take,
}
