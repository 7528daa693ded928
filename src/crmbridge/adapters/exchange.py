"""What goes to and fro between host and adapter: pages that were read, items to write."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmbridge.adapters.capabilities import ErrorClass, Operation, Status
from crmbridge.records import Finding

Position = Mapping[str, Any]
"""Where a reader stands: JSON values that only the adapter understands."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of modification time by the CRM's clock: ``since <= t < until``."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """What to read.

    Args:
        fields: source fields wanted; () for all there are.
        position: the position last committed; {} at the first read or for a full one. Reading
            again from an old position is always safe.
        window: set for `Reading.WINDOW` only.
    """

    object: str
    fields: tuple[str, ...] = ()
    position: Position = field(default_factory=dict)
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row the adapter could not make sense of: quarantined with the reason, never dropped."""

    id: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A stretch of what was read.

    Args:
        columns: names of the row's values, in order; the same for all rows.
        deleted: ids known to be deleted.
        merged: (loser, winner) ids.
        position: where a next read may start; saved, in one transaction with the rows, iff
            `closed`.
        closed: all that the position covers has been delivered.
        complete: the last page of a snapshot or window, all of it delivered. A snapshot that has
            not changed gives no row, and no page or one whose position is the request's own:
            that says nothing of absence.
        next_at_hand: the next page is on this machine already, so getting it asks the CRM for
            nothing, and the host may take it before this one is kept.
        findings: what a person should know about this page.
        place: row number in this page -> where the row stands, such as ``customers.csv:12``;
            asked only for rows that are quarantined.
    """

    object: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    deleted: Sequence[str] = ()
    merged: Sequence[tuple[str, str]] = ()
    rejected: Sequence[Rejected] = ()
    position: Position = field(default_factory=dict)
    closed: bool = True
    complete: bool = False
    next_at_hand: bool = False
    findings: Sequence[Finding] = ()
    place: Callable[[int], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One association, with the CRM's type and label where it has them."""

    from_id: str
    to_id: str
    type: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteField:
    """A field as the CRM describes it."""

    name: str
    label: str = ""
    type: str = "text"
    writable: bool = False
    formula: bool = False
    unique: bool = False
    external_id: bool = False
    required: bool = False
    picklist: tuple[str, ...] = ()
    length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteObject:
    """An object as the CRM describes it."""

    name: str
    label: str = ""
    fields: tuple[RemoteField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Calls used and allowed in the CRM's current period; `used` includes everybody's calls.

    None used of none allowed is a server's that does not tell.
    """

    used: int
    allowed: int
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteItem:
    """One write.

    Args:
        item: the host's name for this item, unique within a changeset; sent where the CRM can
            return it, so that outcomes are told apart.
        id: remote id, "" for a create.
        key: our own key, on records that we create.
        values: field -> wanted value; for `Operation.CLEAR` the values are None.
        expected: field -> value the CRM should still hold; checked as the object's
            `ObjectCapability.check` says.
        version: the version expected, where the CRM has versions.
        parent: id of the record that a lock is taken on (a customer, a campaign); items of one
            parent go into one batch.
        depends_on: item that must be applied first.
    """

    item: str
    operation: Operation
    object: str
    id: str = ""
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    parent: str = ""
    depends_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one item.

    Args:
        error: one line for a person: what the CRM said, without secrets or whole records.
        survivor: id of the record that the target was merged into, if it was.
        handle: set with `Status.UNKNOWN` while a long job is under way; `Connection.resume`
            takes it up.
    """

    item: str
    status: Status
    id: str = ""
    version: str = ""
    error_class: ErrorClass | None = None
    error: str = ""
    survivor: str = ""
    handle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewField:
    """A field that crmbridge wants to write and the CRM lacks."""

    object: str
    name: str
    label: str
    type: str
    length: int = 255
    unique: bool = False
    picklist: tuple[str, ...] = ()


Pages = Iterable[Page]
