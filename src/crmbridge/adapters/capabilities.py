"""What an adapter says it can do, object by object."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from crmbridge.errors import CannotError


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
    SET_MEMBER = "set_member"
    "Sets the status of one who is a member already."
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
        bulk_from: from so many waiting items of one operation on, a call takes up to `bulk_batch`
            of them, which the adapter sends as a long job; 0 for never. A call has at most `batch`
            items or at least `bulk_from`, so its size alone says how to send it.
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
    bulk_from: int = 0
    bulk_batch: int = 0
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
