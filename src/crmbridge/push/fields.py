"""Decides for one field of one of the CRM's own records whether we write it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from crmbridge.push.changeset import Change
from crmbridge.push.desired import DesiredFields, Ownership, SeenValue, WritePolicy
from crmbridge.push.values import Value, is_empty, is_same, plain
from crmbridge.records import CONSENT_FIELDS


class Verdict(Enum):
    """What is done with a field, and why."""

    HELD = "held"
    "The CRM holds the value already."
    WRITE = "write"
    "It is empty, or holds what we wrote, or nobody claimed it."
    CLEAR = "clear"
    "There is no result, and the policy asks to empty the field then."
    NO_RESULT = "no_result"
    "There is no result; empty never overwrites a value."
    NOT_ALLOWED = "not_allowed"
    "The allow-list does not name the field."
    PROTECTED = "protected"
    "The field holds consent or an owner."
    NOT_SEEN = "not_seen"
    "The record or field was never read: nothing is written over the unknown."
    NOT_WRITABLE = "not_writable"
    "The value is NaN, infinite or of no type that a CRM holds."
    PERSON = "person"
    "Somebody changed what we wrote: we yield."
    TAKEN = "taken"
    "The field was set before we came, and we may only fill empty ones."


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDecision:
    """A verdict, with the change where it writes."""

    field: str
    verdict: Verdict
    change: Change | None = None


def decide_fields(
    desired: DesiredFields, seen: Mapping[str, SeenValue] | None, policy: WritePolicy
) -> Iterator[FieldDecision]:
    """One decision per field of a desired record, in the order of the fields' names."""
    for name in sorted(desired.values):
        value = None if seen is None else seen.get(name)
        yield decide_field(desired.record.object, name, desired.values[name], value, policy)


def decide_field(
    object_: str, name: str, wanted: Value, seen: SeenValue | None, policy: WritePolicy
) -> FieldDecision:
    """Decide from what is wanted, what is in the CRM and what we wrote there last."""
    try:
        wanted = normal(policy, object_, name, plain(wanted))
    except ValueError:
        return FieldDecision(field=name, verdict=Verdict.NOT_WRITABLE)
    verdict = _permission(object_, name, seen, policy) or _verdict(
        object_, name, wanted, seen or SeenValue(), policy
    )
    change = None
    if verdict in {Verdict.WRITE, Verdict.CLEAR}:
        after = wanted if verdict is Verdict.WRITE else None
        change = Change(field=name, before=seen.seen if seen else None, after=after)
    return FieldDecision(field=name, verdict=verdict, change=change)


def normal(policy: WritePolicy, object_: str, name: str, value: Value) -> Value:
    """A value as the CRM will give it back, and still would after that; nothing stays nothing.

    Texts twice: one that is stripped and then cut may end in a blank again; written like that it
    would come back changed, and look like a person's change.

    Raises:
        ValueError: the adapter made something of it that no changeset can hold.
    """
    if value is None:
        return None
    kept = plain(policy.normalise(object_, name, value))
    is_text = isinstance(value, str) and isinstance(kept, str)
    return plain(policy.normalise(object_, name, kept)) if is_text else kept


def _permission(
    object_: str, name: str, seen: SeenValue | None, policy: WritePolicy
) -> Verdict | None:
    if name in policy.protected.get(object_, ()) or name in CONSENT_FIELDS:
        return Verdict.PROTECTED
    if name not in policy.fields.get(object_, ()):
        return Verdict.NOT_ALLOWED
    return Verdict.NOT_SEEN if seen is None else None


def _verdict(
    object_: str, name: str, wanted: Value, seen: SeenValue, policy: WritePolicy
) -> Verdict:
    current = normal(policy, object_, name, seen.seen)
    written = normal(policy, object_, name, seen.written)
    if is_same(current, wanted):
        return Verdict.HELD
    if seen.is_written and not is_same(current, written):
        return Verdict.PERSON
    if is_empty(wanted):
        asked = name in policy.clear.get(object_, ())
        return Verdict.CLEAR if asked else Verdict.NO_RESULT
    ownership = policy.ownership.get(object_, {}).get(name, Ownership.OURS)
    if ownership is Ownership.FILL_EMPTY and not seen.is_written and not is_empty(current):
        return Verdict.TAKEN
    return Verdict.WRITE
