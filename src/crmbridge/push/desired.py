"""What decide is told: what should be, what was seen last, and what we may write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from crmbridge.adapters import Capabilities
from crmbridge.push.values import Value
from crmbridge.records import RecordKey


class Ownership(Enum):
    """Whose a field on the CRM's own records is."""

    OURS = "ours"
    "We write it, unless a person changed what we wrote."
    FILL_EMPTY = "fill_empty"
    "We write it only where it is empty or still holds what we wrote."


class FirstFill(Enum):
    """What a first fill of a field that we never wrote does."""

    ASK = "ask"
    "It stops once, until its exact number is accepted."
    ALLOW = "allow"
    "It passes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a changeset stops for ``--accept``, per object and field.

    Args:
        changes: most values already set that may be changed or cleared; >= 0.
        share: most of the values already set that may be, in [0, 1].
        deletes: most records of ours that may be deleted, per object; >= 0.
    """

    changes: int = 500
    share: float = 0.10
    deletes: int = 20
    first_fill: FirstFill = FirstFill.ASK


def as_given(object_: str, field_: str, value: Value) -> Value:
    """The value unchanged: for CRMs that give back what they got."""
    del object_, field_
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecords:
    """Which records of ours may be written to an object: visits, tasks.

    Args:
        fields: canonical fields that the object's mapping covers; others are not sent, since
            nobody could see what became of them.
        reps: lower-case e-mails of the reps covered; None for all.
    """

    fields: frozenset[str]
    reps: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePolicy:
    """What may be written to one connection; what is not named here cannot be.

    Args:
        fields: object -> the CRM's own fields that the allow-list names.
        own: object -> records of ours that it lets us write.
        members: objects of members that it lets us add and remove.
        protected: object -> fields that hold consent or an owner: never written on foreign
            records, whatever the allow-list says.
        clear: object -> fields that an empty result empties; elsewhere empty writes nothing.
        ownership: object -> field -> whose it is; `Ownership.OURS` where not named.
        normalise: (object, field, value) -> the value as the CRM will give it back.
    """

    capabilities: Capabilities
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    own: Mapping[str, OwnRecords] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    protected: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clear: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ownership: Mapping[str, Mapping[str, Ownership]] = field(default_factory=dict)
    normalise: Callable[[str, str, Value], Value] = as_given
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredFields:
    """Values that fields of one of the CRM's own records should hold.

    Args:
        values: the CRM's field name -> value; None says that there is no result.
        parent: id of the record that the CRM locks; the record itself where "".
    """

    record: RecordKey
    values: Mapping[str, Value]
    reason: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredRecord:
    """A record of ours that should exist: a visit or a task.

    Args:
        key: our key, the same for the same visit for ever.
        values: canonical field name -> value.
        customer: whose consent it needs; None for a record about nobody.
        rep: lower-case e-mail.
        channel: the consent it needs.
    """

    connection: str
    object: str
    key: str
    values: Mapping[str, Value]
    customer: RecordKey | None = None
    contact: RecordKey | None = None
    rep: str = ""
    channel: str = "visit"
    reason: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredMember:
    """A person, or an organisation, that should be in a campaign.

    Args:
        object: what members are written as.
        campaign: the CRM's id of the campaign; "" for one that we start.
        campaign_key: our key of a campaign that we start, and its object.
        person: the contact, or the customer where campaigns have customers.
        is_contact: which of the two it is.
        status: of `MEMBER_STATUSES`, usually ``added``.
        channel: the consent it needs.
    """

    connection: str
    object: str
    campaign: str = ""
    campaign_key: tuple[str, str] = ("", "")
    person: RecordKey
    is_contact: bool = True
    status: str = "added"
    arm: str = ""
    channel: str = "email"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which records of ours the desired ones speak for: others are left as they are.

    Args:
        reps: lower-case e-mails that the plan was made for.
        since: aware; first instant planned.
        until: aware; end of the horizon, exclusive.
    """

    reps: frozenset[str]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """All that should be.

    Args:
        scopes: (connection, object) -> what the desired records there speak for; without one,
            nothing of ours there is deleted.
        campaigns: (connection, campaign's id) whose members the desired ones are all of; elsewhere
            nobody is removed.
    """

    fields: Sequence[DesiredFields] = ()
    records: Sequence[DesiredRecord] = ()
    members: Sequence[DesiredMember] = ()
    campaigns: frozenset[tuple[str, str]] = frozenset()
    scopes: Mapping[tuple[str, str], Scope] = field(default_factory=dict)
    plan_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenValue:
    """A field as the CRM showed it last, and what we wrote there last, if ever.

    Args:
        version: the record's, when the field was seen.
        seen_at: ms; the version of the field seen last is the record's.
    """

    seen: Value = None
    version: str = ""
    seen_at: int = 0
    written: Value = None
    is_written: bool = False


class Presence(Enum):
    """Whether a record of ours is still there."""

    LIVE = "live"
    MISSING = "missing"
    "No longer seen, without evidence of a deletion."
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRecord:
    """A record of ours as the CRM showed it last.

    Args:
        values: canonical field -> value seen.
        written: canonical field -> value we wrote last.
        version: as seen; `written_version` as our last write left it; "" where unknown.
        rep: lower-case e-mail of the rep it was written for.
    """

    id: str
    values: Mapping[str, Value]
    written: Mapping[str, Value]
    version: str = ""
    written_version: str = ""
    presence: Presence = Presence.LIVE
    rep: str = ""
    parent: str = ""


MemberPlace = tuple[str, str, str, str]
"""(connection, campaign's id, ``contact_id`` or ``customer_id``, the person's id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMember:
    """A member as the CRM showed it last.

    Args:
        status: as seen; "" where the CRM shows none.
        written: the status that we wrote last.
        is_ours: we added it; others are never removed, and keep their status.
    """

    id: str
    object: str
    status: str = ""
    written: str = ""
    is_ours: bool = False
    presence: Presence = Presence.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was seen.

    Args:
        fields: record -> field -> value, for every live record that may be written to; a field
            that is not there was never read.
        records: (connection, object, key) -> record of ours.
        set_counts: (connection, object, field) -> values set in the CRM, over all records;
            where absent, those in `fields` are counted.
        filled: (connection, object, field) that we wrote before.
    """

    fields: Mapping[RecordKey, Mapping[str, SeenValue]] = field(default_factory=dict)
    records: Mapping[tuple[str, str, str], SeenRecord] = field(default_factory=dict)
    members: Mapping[MemberPlace, SeenMember] = field(default_factory=dict)
    set_counts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    filled: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """Who may not be reached: channel -> customers and contacts that are opted out of it."""

    by_channel: Mapping[str, frozenset[RecordKey]] = field(default_factory=dict)

    def bars(self, channel: str, *records: RecordKey | None) -> bool:
        """Whether any of the records is barred from the channel."""
        barred = self.by_channel.get(channel, frozenset())
        return any(record in barred for record in records if record is not None)
