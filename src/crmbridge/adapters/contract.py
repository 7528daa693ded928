"""The adapter contract: what the host asks of code that speaks one CRM.

The host owns time, state, retry, rate limits, tokens, diff, journal and safety; an adapter only
knows how its CRM speaks. It declares what it can do in `Capabilities`; what is not declared is
never called.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from crmbridge.errors import CannotError, ConfigError
from crmbridge.records import Finding

if TYPE_CHECKING:
    from pydantic import BaseModel

    from crmbridge.adapters.http import HttpClient
    from crmbridge.adapters.tokens import TokenStore

Position = Mapping[str, Any]
"""Where a reader stands: JSON values that only the adapter understands."""

Row = tuple[Any, ...]


class Reading(Enum):
    """How an object is read incrementally."""

    WINDOW = "window"
    "The host names a window of modification time by the CRM's clock; rows come in any order."
    TOKEN = "token"
    "The adapter's own token in the position says where the last read ended."
    SNAPSHOT = "snapshot"
    "Everything is read whenever a digest in the position says that something changed."


class Deletes(Enum):
    """How a deletion becomes known."""

    LISTED = "listed"
    "Pages name deleted ids; a record that merely vanished is marked missing."
    SWEEP = "sweep"
    "Only a sweep over all ids shows it; an id that is gone is evidence."
    ABSENCE = "absence"
    "A complete snapshot without the record is the evidence."
    NEVER = "never"
    "Records of this object are never deleted, or nobody can tell."


class Operation(Enum):
    """What a write does."""

    CREATE = "create"
    UPDATE = "update"
    CLEAR = "clear"
    "Empties the fields that are named, and only on request."
    DELETE = "delete"
    ADD_MEMBER = "add_member"
    REMOVE_MEMBER = "remove_member"


class Status(Enum):
    """What became of a write."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    "The CRM held the wanted values already."
    REJECTED = "rejected"
    "The CRM refused this item; sending it again will not help before something is mended."
    CONFLICT = "conflict"
    "The CRM's value is no longer the expected one; nothing was overwritten."
    UNKNOWN = "unknown"
    "The item may have landed: the host looks it up by key and never sends it blindly again."


class ErrorClass(Enum):
    """What the host does about an error."""

    TRANSIENT = "transient"
    QUOTA = "quota"
    SIGN_IN = "sign_in"
    RECORD = "record"
    CONFIG = "config"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


class Check(Enum):
    """How an object's writes are guarded against a change in between."""

    CONDITIONAL = "conditional"
    "The CRM itself refuses a write whose expected version is stale."
    COMPARE = "compare"
    "The adapter reads the expected values again just before it writes; a small gap remains."
    NONE = "none"
    "Nothing is compared; allowed only for records that we create and own."


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCapability:
    """What an adapter can do with one object of its CRM.

    Args:
        links: objects whose links from this one `Connection.read_links` reads.
        key_field: field that holds our key, for look-ups; "" where there is none.
        key_is_unique: the CRM itself refuses a second record with the same key.
        batch: most items in one call of `Connection.write`.
        clears: it can empty a field.
    """

    stream: str
    reading: Reading = Reading.SNAPSHOT
    deletes: Deletes = Deletes.NEVER
    counts: bool = False
    reads_ids: bool = False
    reads_by_id: bool = False
    links: tuple[str, ...] = ()
    operations: frozenset[Operation] = frozenset()
    key_field: str = ""
    key_is_unique: bool = False
    check: Check = Check.NONE
    batch: int = 200
    clears: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """An honest table of what an adapter can do.

    Args:
        objects: capability per object; the key "*" stands for any object not named.
        overlap_minutes: how long before the last window's end a window starts, since CRMs
            publish changes late.
        lag_minutes: how far behind the server's clock the trailing pass runs that proves a
            stretch complete; 0 where reading is complete at once.
        workers: most threads that may call `Connection.write` at once.
    """

    objects: Mapping[str, ObjectCapability]
    describes: bool = False
    has_clock: bool = False
    has_quota: bool = False
    provisions: bool = False
    resumes: bool = False
    overlap_minutes: int = 10
    lag_minutes: int = 0
    workers: int = 1

    def of(self, object_: str) -> ObjectCapability:
        """The capability of an object.

        Raises:
            CannotError: the adapter knows no such object.
        """
        found = self.objects.get(object_) or self.objects.get("*")
        if found is None:
            known = ", ".join(sorted(self.objects))
            raise CannotError("objects", f"one of {known}", repr(object_))
        return found


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


class Clock(Protocol):
    """Time as the host sees it; tests and ``--now`` bring their own."""

    def now(self) -> datetime:
        """The aware current time."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Log(Protocol):
    """What an adapter may say while it works; structlog's bound loggers fit."""

    def debug(self, event: str, **facts: Any) -> Any: ...
    def info(self, event: str, **facts: Any) -> Any: ...
    def warning(self, event: str, **facts: Any) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the host lends an adapter for one connection.

    Args:
        connection: the connection's name in the configuration.
        base: folder that relative paths in the settings are relative to.
        folder: a temporary folder of this connection's own, removed afterwards.
        url: the connection's ``url``, "" where the settings give none.
        auth: the connection's ``auth`` table; secrets are pydantic's SecretStr, `auth_text` gives
            their text.
        write_fields: object -> fields that the allow-list lets us write; readable, too.
    """

    connection: str
    base: Path
    folder: Path
    clock: Clock
    log: Log
    url: str = ""
    auth: Mapping[str, Any] = field(default_factory=dict, repr=False)
    http: "HttpClient | None" = None
    tokens: "TokenStore | None" = None
    write_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def need_http(self) -> "HttpClient":
        """The shared HTTP client.

        Raises:
            CannotError: the host opened this connection without one.
        """
        if self.http is None:
            raise CannotError(f"connections.{self.connection}", "an HTTP client from the host")
        return self.http

    def auth_text(self, name: str) -> str:
        """The text of a key of ``auth``, a secret or not.

        Raises:
            ConfigError: the configuration does not give it.
        """
        value = self.auth.get(name)
        if value is None:
            where = f"connections.{self.connection}.auth.{name}"
            raise ConfigError(where, "a value", "none", "Set it in the configuration")
        reveal = getattr(value, "get_secret_value", None)
        return str(reveal() if reveal else value)


FieldSource = str | Mapping[str, Any]
"""A source field's name, or a table with ``field``, ``values``, ``default``, ``format``, ..."""
Mappings = Mapping[str, Mapping[str, Mapping[str, FieldSource]]]
"""stream -> object -> canonical field -> where it comes from."""


class Connection(ABC):
    """An open account. Methods that capabilities do not declare are never called."""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  most adapters hold nothing open
        """Let go of what is open; called once."""

    @abstractmethod
    def check(self) -> Sequence[Finding]:
        """Look whether the account can be worked with; () when all is well.

        Raises:
            SignInError: the CRM refuses our credentials.
            RetryLaterError: it cannot be reached now.
        """

    @abstractmethod
    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Read an object from a position on, a page at a time."""

    def organisation(self) -> str:
        """An id of the account that never changes, pinned at the first contact; "" if none."""
        return ""

    def describe(self) -> Sequence[RemoteObject]:
        """Objects and fields that this user may see."""
        raise self._cannot("describe")

    def server_time(self) -> datetime:
        """The CRM's clock, aware."""
        raise self._cannot("server_time")

    def count(self, object_: str, window: Window | None) -> int:
        """How many records the CRM says there are, in a window or in all."""
        raise self._cannot("count")

    def quota(self) -> Quota:
        """Calls used and allowed."""
        raise self._cannot("quota")

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All ids there are now, in pages; used as evidence of absence, so never cut short.

        Raises:
            RetryLaterError: the sweep could not be finished.
        """
        raise self._cannot("read_ids")

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        """The records with these ids, as they are now; absent ones are left out."""
        raise self._cannot("read_by_ids")

    def read_links(self, object_: str, ids: Sequence[str], to: str) -> Iterator[Sequence[Link]]:
        """All links from these records to records of another object."""
        raise self._cannot("read_links")

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """key -> ids of the records that bear it now, not as a search index remembers it."""
        raise self._cannot("find_by_keys")

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        """Write items of one object and operation; exactly one outcome per item, in any order.

        Raises:
            SignInError, QuotaError, ConfigError: nothing of this call was written.
            RecordError, ConflictError: refused as a whole; the host sends the halves, until the
                item that is to blame stands alone.
            UnknownOutcomeError, RetryLaterError: any item may have landed; the host looks up.
        """
        raise self._cannot("write")

    def resume(self, handle: str) -> Sequence[Outcome]:
        """The outcomes of a long job that an earlier process started."""
        raise self._cannot("resume")

    def provision(self, fields: Sequence[NewField]) -> Sequence[Finding]:
        """Create fields that are missing; findings for those that could not be."""
        raise self._cannot("provision")

    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        """The value as the CRM will give it back, so that a diff is honest.

        Must not need the network.
        """
        del object_, field_
        return value

    def classify(self, error: Exception) -> ErrorClass | None:
        """What the host should do about an error of this CRM; None to let the host decide."""
        del error
        return None

    def _cannot(self, what: str) -> CannotError:
        return CannotError(
            type(self).__name__, f"{what} to be declared in its capabilities", "nothing"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A made-up CRM on this machine, filled with the demo's company.

    Args:
        url: where it listens, on 127.0.0.1.
        settings: a configuration file that reaches it, as TOML.
        secrets: environment variables that the configuration refers to.
    """

    url: str
    settings: str
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What a plugin registers.

    Args:
        name: as in ``adapter = "..."``.
        settings: pydantic model of the connection's own keys; unknown keys are refused there.
        mappings: default mappings, overlaid by the configuration field by field.
        objects: stream -> objects read when the configuration names none.
        open: opens a connection; must not speak to the CRM yet.
        sandbox: starts, on a port or on any that is free (0), a server that speaks this CRM.
    """

    name: str
    title: str
    settings: "type[BaseModel]"
    capabilities: Capabilities
    open: Callable[["BaseModel", Context], Connection]
    mappings: Mappings = field(default_factory=lambda: MappingProxyType({}))
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    sandbox: Callable[[int], AbstractContextManager[Sandbox]] | None = None


Register = Callable[[Adapter], None]
Pages = Iterable[Page]
