"""The nouns: canonical streams and the small values that rooms exchange."""

from crmbridge.records.streams import (
    ACTIVITY_KINDS,
    ACTIVITY_STATUSES,
    CHANNELS,
    CONSENT_FIELDS,
    CONSENT_STATES,
    ENVELOPE,
    MEMBER_STATUSES,
    MOST_INTERVAL_DAYS,
    MOST_VISIT_MINUTES,
    STREAMS,
    Field,
    Kind,
    Stream,
)
from crmbridge.records.values import (
    Counts,
    Event,
    Finding,
    Reason,
    RecordKey,
    from_millis,
    to_millis,
)

__all__ = [
    "ACTIVITY_KINDS",
    "ACTIVITY_STATUSES",
    "CHANNELS",
    "CONSENT_FIELDS",
    "CONSENT_STATES",
    "ENVELOPE",
    "MEMBER_STATUSES",
    "MOST_INTERVAL_DAYS",
    "MOST_VISIT_MINUTES",
    "STREAMS",
    "Counts",
    "Event",
    "Field",
    "Finding",
    "Kind",
    "Reason",
    "RecordKey",
    "Stream",
    "from_millis",
    "to_millis",
]
