"""The canonical streams: which fields a record of each kind has, and what a field may hold.

One table serves the store (columns), the mapping (conversions and ranges), the documentation and
the CSV adapter's default file names, so that a field means the same everywhere.

How a value is held, in the store and in record tuples:

=========  ==================================================================
kind       value
=========  ==================================================================
TEXT, ID   str; an ID refers to a record of the same connection by its id there
INTEGER    int
NUMBER     float, finite
MONEY      float, finite, in the currency of its connection
BOOLEAN    0 or 1
DATE       str, ``YYYY-MM-DD``; a day has no zone and is never shifted
INSTANT    int, milliseconds since 1970-01-01T00:00Z
JSON       str, compact JSON
=========  ==================================================================

A missing value is None; an empty cell is missing, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """What a canonical field holds."""

    TEXT = "text"
    ID = "id"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One canonical field.

    Args:
        minimum: least value allowed, inclusive; a lesser one quarantines the record.
        maximum: greatest value allowed, inclusive.
        choices: allowed lower-case texts; empty for any.
        refers_to: for an ID, the stream that the record it names is in.
    """

    name: str
    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    refers_to: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of record: its name, in the plural, and its fields in column order."""

    name: str
    fields: tuple[Field, ...]
    note: str = ""
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the fields by name, once."""
        index = MappingProxyType({item.name: item for item in self.fields})
        object.__setattr__(self, "by_name", index)


def _text(name: str, note: str = "", choices: tuple[str, ...] = ()) -> Field:
    return Field(name=name, kind=Kind.TEXT, note=note, choices=choices)


def _id(name: str, refers_to: str) -> Field:
    return Field(name=name, kind=Kind.ID, refers_to=refers_to)


def _integer(
    name: str, minimum: float | None = None, maximum: float | None = None, note: str = ""
) -> Field:
    return Field(name=name, kind=Kind.INTEGER, minimum=minimum, maximum=maximum, note=note)


def _number(
    name: str, minimum: float | None = None, maximum: float | None = None, note: str = ""
) -> Field:
    return Field(name=name, kind=Kind.NUMBER, minimum=minimum, maximum=maximum, note=note)


def _money(name: str, note: str = "") -> Field:
    return Field(name=name, kind=Kind.MONEY, minimum=0, note=note)


def _flag(name: str, note: str = "") -> Field:
    return Field(name=name, kind=Kind.BOOLEAN, note=note)


def _day(name: str, note: str = "") -> Field:
    return Field(name=name, kind=Kind.DATE, note=note)


def _instant(name: str, note: str = "") -> Field:
    return Field(name=name, kind=Kind.INSTANT, note=note)


def _json(name: str, note: str = "") -> Field:
    return Field(name=name, kind=Kind.JSON, note=note)


MOST_VISIT_MINUTES = 1440
"""Longest visit that can be planned."""
MOST_INTERVAL_DAYS = 3660
"""Most days between visits, as interval or as gap."""

_LATITUDE = _number("latitude", -90, 90, "degrees north, WGS 84")
_LONGITUDE = _number("longitude", -180, 180, "degrees east, WGS 84")

CONSENT_STATES = ("granted", "denied", "unknown")
CHANNELS = ("visit", "call", "email")
ACTIVITY_KINDS = (
    "visit", "call", "email", "meeting", "task", "note", "web", "form", "absence", "other",
)  # fmt: skip
ACTIVITY_STATUSES = ("planned", "done", "missed", "cancelled")
MEMBER_STATUSES = ("candidate", "added", "sent", "responded", "converted", "removed")

_ALL = (
    Stream(
        name="reps",
        note="people who visit; joined across connections by lower-case e-mail",
        fields=(
            _text("name"),
            _text("email"),
            _flag("active"),
            _text("zone", "IANA name"),
            # Without a range: a rep without a home works on, one in quarantine stops a territory.
            _number("home_latitude", note="degrees north; what is no place counts as not known"),
            _number("home_longitude", note="degrees east; what is no place counts as not known"),
            _text("region"),
            _text("team"),
            _id("manager_id", "reps"),
        ),
    ),
    Stream(
        name="customers",
        note="organisations, households or persons that are visited",
        fields=(
            _text("name"),
            _text("number", "the customer's number in other systems"),
            _text("kind", choices=("org", "household", "person")),
            _id("owner_id", "reps"),
            _text("class"),
            _text("status", choices=("prospect", "active", "lapsed", "closed")),
            _text("street"),
            _text("postcode"),
            _text("city"),
            _text("region"),
            _text("country"),
            _LATITUDE,
            _LONGITUDE,
            _text("geo_quality", choices=("exact", "street", "city", "none")),
            _text("zone", "IANA name"),
            _json("opening", 'weekday -> windows, {"mon": [["08:00", "12:00"]]}; [] is closed'),
            _json("blocked", 'dates closed, [["2026-08-01", "2026-08-21"]], both inclusive'),
            _integer("visit_interval_days", 1, MOST_INTERVAL_DAYS),
            _integer("visit_minutes", 1, MOST_VISIT_MINUTES),
            _integer("min_gap_days", 0, MOST_INTERVAL_DAYS),
            _instant("last_visit_at"),
            _money("revenue", "a year's"),
            _integer("employees", 0),
            _text("industry"),
            _text("segment", "market segment as the CRM says it"),
            _id("parent_id", "customers"),
            _text("email"),
            _text("phone"),
            _number("need", 0, None, "strength of need as the source says it"),
            _number("situation", 0, None, "market situation as the source says it"),
            _number("feature", 0, None, "product fit as the source says it"),
            _number("satisfaction", 0, None, "as the source says it"),
            _text("reply", choices=("accepted", "snoozed", "declined")),
            _day("reply_until"),
            _text("reply_reason"),
        ),
    ),
    Stream(
        name="contacts",
        note="persons",
        fields=(
            _id("customer_id", "customers"),
            _text("first_name"),
            _text("last_name"),
            _text("email"),
            _text("phone"),
            _text("role"),
            _text("preferred_channel"),
            _flag("email_valid"),
            _id("owner_id", "reps"),
        ),
    ),
    Stream(
        name="activities",
        note="visits, calls, mails, tasks, absences: past, and planned by whomever",
        fields=(
            _text("kind", choices=ACTIVITY_KINDS),
            _text("direction", choices=("in", "out", "na")),
            _text("subject"),
            _text("description"),
            _text("location"),
            _instant("start_at"),
            _instant("end_at"),
            _day("due_on"),
            _flag("all_day"),
            _text("status", choices=ACTIVITY_STATUSES),
            _text("outcome"),
            _id("rep_id", "reps"),
            _id("customer_id", "customers"),
            _id("contact_id", "contacts"),
            _id("campaign_id", "campaigns"),
            _flag("busy", "the rep cannot do anything else meanwhile"),
            _text("zone", "IANA name"),
            _text("visit_key", "our key, on visits that crmbridge planned"),
            _text("reply", choices=("accepted", "snoozed", "declined")),
            _day("reply_until"),
            _text("reply_reason"),
        ),
    ),
    Stream(
        name="campaigns",
        fields=(
            _text("name"),
            _text("kind"),
            _text("status", choices=("draft", "active", "paused", "done")),
            _day("starts_on"),
            _day("ends_on"),
            _text("channel"),
            _money("budget"),
            _text("goal_metric"),
            _number("goal_value"),
            _id("parent_id", "campaigns"),
        ),
    ),
    Stream(
        name="campaign_members",
        note="who is in a campaign, in which arm, and what came of it",
        fields=(
            _id("campaign_id", "campaigns"),
            _id("contact_id", "contacts"),
            _id("customer_id", "customers"),
            _text("status", choices=MEMBER_STATUSES),
            _text("arm"),
            _instant("responded_at"),
            _flag("responded"),
            _flag("converted"),
            _money("amount"),
            _text("added_by", choices=("ours", "other")),
        ),
    ),
    Stream(
        name="products",
        fields=(
            _text("name"),
            _text("sku"),
            _text("family"),
            _flag("active"),
            _money("list_price"),
            _number("feature", 0, None, "fit of the product, as the source says it"),
        ),
    ),
    Stream(
        name="deals",
        fields=(
            _text("name"),
            _id("customer_id", "customers"),
            _id("owner_id", "reps"),
            _id("product_id", "products"),
            _text("stage"),
            _money("amount"),
            _day("opened_on"),
            _day("closed_on"),
            _flag("closed"),
            _flag("won"),
        ),
    ),
    Stream(
        name="orders",
        fields=(
            _id("customer_id", "customers"),
            _instant("ordered_at"),
            _money("amount"),
            _text("currency"),
            _text("status"),
        ),
    ),
    Stream(
        name="order_lines",
        fields=(
            _id("order_id", "orders"),
            _id("customer_id", "customers"),
            _id("product_id", "products"),
            _instant("ordered_at"),
            _number("quantity", None, None, "negative for a return"),
            _money("amount"),
        ),
    ),
    Stream(
        name="needs",
        note="what a customer is known to need",
        fields=(
            _id("customer_id", "customers"),
            _id("product_id", "products"),
            _text("family"),
            _number("strength", 0, 1),
            _day("due_on"),
            _text("evidence"),
            _text("source", choices=("order-gap", "opportunity", "survey", "ticket", "model")),
            _flag("met"),
        ),
    ),
    Stream(
        name="market_facts",
        note="a market segment's situation and sales in a period",
        fields=(
            _text("key", "segment, region or product family"),
            _day("period_on", "first day of the period"),
            _number("situation"),
            _money("price"),
            _money("advertising"),
            _money("promotion"),
            _money("sales"),
            _text("group", "arm of an experiment, where there was one"),
        ),
    ),
    Stream(
        name="feedback",
        note="what a customer expected and got",
        fields=(
            _id("customer_id", "customers"),
            _number("expected", 0),
            _number("actual", 0),
            _integer("needs", 0),
            _integer("needs_met", 0),
            _instant("given_at"),
        ),
    ),
    Stream(
        name="consents",
        note="facts on who may be reached how; the strictest counts",
        fields=(
            _id("customer_id", "customers"),
            _id("contact_id", "contacts"),
            _text("address", "e-mail or phone the fact is about, lower case"),
            _text("channel", choices=CHANNELS),
            _text("state", choices=CONSENT_STATES),
            _text("scope"),
            _text("source", "field, form or person it was learned from"),
            _instant("stated_at"),
        ),
    ),
)

STREAMS: Mapping[str, Stream] = MappingProxyType({stream.name: stream for stream in _ALL})

ENVELOPE = ("id", "version", "modified_at")
"""Mappable on every stream, beside its own fields; ``id`` is required."""

CONSENT_FIELDS = tuple(f"consent_{channel}" for channel in CHANNELS)
"""Mappable on customers and contacts: each non-empty value becomes a fact in ``consents``."""
