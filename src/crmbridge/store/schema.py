"""The tables: one for each canonical stream, and what crmbridge keeps of its own work.

Times are milliseconds since 1970-01-01T00:00Z in both databases, days are ``YYYY-MM-DD`` texts,
JSON is compact text: the same values and the same SQL on SQLite and PostgreSQL.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from crmbridge.records import STREAMS, Kind, Stream

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

LIVE, MISSING, DELETED = 0, 1, 2
"""States of a record: seen, no longer seen, known deleted. A pull never removes a row."""

RECORD_KEY = ("connection", "object", "id")
RECORD_TAIL = ("version", "modified_at", "extra")
"""Envelope columns that follow a stream's own fields in a record tuple."""

_TYPES: dict[Kind, type[TypeEngine[Any]]] = {
    Kind.TEXT: Text,
    Kind.ID: Text,
    Kind.INTEGER: BigInteger,
    Kind.NUMBER: Double,
    Kind.MONEY: Double,
    Kind.BOOLEAN: SmallInteger,
    Kind.DATE: Text,
    Kind.INSTANT: BigInteger,
    Kind.JSON: Text,
}

_INDEXED: dict[str, tuple[tuple[str, ...], ...]] = {
    "contacts": (("connection", "customer_id"),),
    "activities": (("connection", "customer_id"),),
    "campaign_members": (("connection", "campaign_id"),),
    "deals": (("connection", "customer_id"),),
    "orders": (("connection", "customer_id"),),
    "order_lines": (("connection", "order_id"), ("connection", "customer_id")),
    "needs": (("connection", "customer_id"),),
    "feedback": (("connection", "customer_id"),),
}

_INDEXED_WHERE_FILLED: dict[str, tuple[str, ...]] = {
    "activities": ("visit_key",),
    "consents": ("customer_id", "contact_id", "address"),
}
"""An index costs each new row about a tenth: rows that leave these empty do not pay."""


def _key(*columns: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(*columns)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _integer(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable)


def record_columns(stream: Stream) -> tuple[str, ...]:
    """Names of the columns of a record tuple, in the order in which pull writes them."""
    return (*RECORD_KEY, *(field.name for field in stream.fields), *RECORD_TAIL)


def _record_table(stream: Stream) -> Table:
    table = Table(
        stream.name,
        metadata,
        _text("connection"),
        _text("object"),
        _text("id"),
        *(Column(field.name, _TYPES[field.kind]) for field in stream.fields),
        _text("version", nullable=True),
        _integer("modified_at", nullable=True),
        _text("extra", nullable=True),
        Column("record_state", SmallInteger, nullable=False, server_default="0"),
        Column("changed_run", BigInteger, nullable=False, server_default="0"),
        _key(*RECORD_KEY),
    )
    for columns in _INDEXED.get(stream.name, ()):
        Index(None, *(table.c[name] for name in columns))
    for name in _INDEXED_WHERE_FILLED.get(stream.name, ()):
        filled = table.c[name].is_not(None)
        Index(None, table.c.connection, table.c[name], sqlite_where=filled, postgresql_where=filled)
    Index(
        f"ix_{stream.name}_not_live",
        table.c.connection,
        table.c.object,
        sqlite_where=table.c.record_state != LIVE,
        postgresql_where=table.c.record_state != LIVE,
    )
    return table


RECORDS: dict[str, Table] = {name: _record_table(stream) for name, stream in STREAMS.items()}

meta = Table("meta", metadata, _text("key"), _text("value"), _key("key"))

connections = Table(
    "connections",
    metadata,
    _text("name"),
    _text("adapter"),
    _text("organisation"),
    _text("completes"),
    _integer("first_seen_at"),
    _integer("pulled_at", nullable=True),
    _key("name"),
)

positions = Table(
    "positions",
    metadata,
    _text("connection"),
    _text("object"),
    Column("pass", Text, nullable=False),  # quick, trailing, sweep, links:OBJECT, formula
    _text("position"),
    _text("binding"),  # digest of what the position is only valid for: organisation, mapping
    _integer("until", nullable=True),
    _integer("saved_at"),
    _integer("run_id"),
    _key("connection", "object", "pass"),
)

certificates = Table(
    "certificates",
    metadata,
    _text("connection"),
    _text("object"),
    Column("pass", Text, nullable=False),
    _integer("since", nullable=True),
    _integer("until", nullable=True),
    _integer("expected", nullable=True),
    _integer("read"),
    _integer("closed_at"),
    _integer("run_id"),
)
Index(None, certificates.c.connection, certificates.c.object)

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", Integer, primary_key=True),
    _text("connection"),
    _text("object"),
    _text("record_id"),
    _text("stream"),
    _text("reason"),
    _text("raw"),
    _integer("run_id"),
    _integer("first_at"),
    _integer("last_at"),
    UniqueConstraint("connection", "object", "record_id"),
)

aliases = Table(
    "aliases",
    metadata,
    _text("connection"),
    _text("object"),
    _text("loser_id"),
    _text("winner_id"),
    _integer("seen_at"),
    _key("connection", "object", "loser_id"),
)

links = Table(
    "links",
    metadata,
    _text("connection"),
    _text("from_object"),
    _text("from_id"),
    _text("to_object"),
    _text("to_id"),
    _text("type"),
    _text("label"),
    _integer("seen_at"),
    _key("connection", "from_object", "from_id", "to_object", "to_id", "type"),
)

leases = Table(
    "leases",
    metadata,
    _text("connection"),
    _text("holder"),
    _integer("fence"),  # grows by one with each lease; checked in each commit and before each send
    _integer("acquired_at"),
    _integer("expires_at"),
    _key("connection"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("job"),
    _text("command"),
    _text("status"),  # running, done, rejects, guard, review, later, sign_in, config, interrupted
    _integer("exit_code", nullable=True),
    _integer("now"),
    _integer("started_at"),
    _integer("finished_at", nullable=True),
    _text("settings_digest"),
    _text("report", nullable=True),
    sqlite_autoincrement=True,
)

job_states = Table(
    "job_states",
    metadata,
    _text("job"),
    _integer("last_due_at", nullable=True),
    _integer("last_run_id", nullable=True),
    _integer("last_exit_code", nullable=True),
    _text("waiting_changeset", nullable=True),
    _key("job"),
)

field_values = Table(
    "field_values",
    metadata,
    _text("connection"),
    _text("object"),
    _text("id"),
    _text("field"),
    _text("seen", nullable=True),  # JSON of the value the CRM last showed or acknowledged
    _integer("seen_at"),
    _text("version"),
    _text("written", nullable=True),  # JSON of the value we wrote last
    _integer("written_at", nullable=True),
    _text("changeset"),
    _key("connection", "object", "id", "field"),
)

features = Table(
    "features",
    metadata,
    _text("connection"),
    _text("customer_id"),
    _integer("as_of"),
    _integer("run_id"),
    _text("values"),  # JSON of those reduced since the blocks were written; see feature_blocks.py
    _key("connection", "customer_id"),
)

feature_states = Table(
    "feature_states",
    metadata,
    _text("connection"),  # a row of a connection lets the triggers tell what changes in it
    _text("base"),
    _text("token"),  # differs after each reduction
    _text("state"),  # JSON of what was read up to; "" while a reduction of all is under way
    _key("connection"),
)

feature_blocks = Table(
    "feature_blocks",
    metadata,
    _text("connection"),
    _integer("number"),
    Column("keys", LargeBinary, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    _key("connection", "number"),
)

touched = Table(
    "touched",  # written by triggers only, see migration 0004
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _text("connection"),
    _text("customer_id", nullable=True),
    _text("contact_id", nullable=True),
)

scores = Table(
    "scores",
    metadata,
    _text("connection"),
    _text("object"),
    _text("id"),
    _number("score"),
    _text("tier"),
    _text("reasons"),  # JSON list of {code, text, weight}; the weights sum to the score
    _text("model"),
    _integer("as_of"),
    _integer("run_id"),
    _key("connection", "object", "id"),
)

offers = Table(
    "offers",
    metadata,
    _text("connection"),
    _text("object"),
    _text("id"),
    _integer("rank"),
    _text("product"),
    _text("why"),
    _text("model"),
    _integer("run_id"),
    _key("connection", "object", "id", "rank"),
)

identities = Table(
    "identities",
    metadata,
    _text("id"),
    _text("left_connection"),
    _text("left_object"),
    _text("left_id"),
    _text("right_connection"),
    _text("right_object"),
    _text("right_id"),
    _number("probability"),
    _text("state"),  # review, linked, rejected
    _text("decided_by"),  # model, person; what a person decided no linking changes
    _text("why"),
    _text("model"),
    _integer("found_at"),
    _integer("decided_at", nullable=True),
    _integer("run_id"),
    _key("id"),
)

segments = Table(
    "segments",
    metadata,
    _text("connection"),
    _text("object"),
    _text("id"),
    _text("segment"),  # stable id
    _text("name"),
    _text("reasons"),
    _text("model"),
    _integer("valid_from"),
    _integer("min_dwell_until", nullable=True),
    Column("manual", SmallInteger, nullable=False, server_default="0"),
    _integer("expires_at", nullable=True),
    _integer("run_id"),
    _key("connection", "object", "id"),
)

models = Table(
    "models",
    metadata,
    _text("name"),
    _text("version"),
    _text("payload"),
    _text("card"),
    _integer("fitted_at"),
    _key("name", "version"),
)

plans = Table(
    "plans",
    metadata,
    _text("id"),
    _text("connection"),
    _integer("run_id"),
    _integer("created_at"),
    _integer("published_at", nullable=True),
    _text("start_on"),
    _integer("days"),
    _text("input_digest"),
    _integer("seed"),
    _text("parameters"),
    _text("problem"),  # JSON of the whole problem, so that any past plan can be computed again
    _text("summary"),
    _key("id"),
)

visits = Table(
    "visits",
    metadata,
    _text("plan_id"),
    _text("visit_id"),  # kept through changes of day, rep and time
    _text("connection"),
    _text("customer_object"),
    _text("customer_id"),
    _integer("number"),  # running number of the visit to this customer, from 1
    _text("rep"),  # lower-case e-mail, or connection/object/id where there is none
    _text("day"),
    _integer("start_at"),
    _integer("end_at"),
    _text("zone"),
    _text("wall_start"),  # intended local time, YYYY-MM-DDTHH:MM
    _integer("sequence"),
    _number("travel_minutes", nullable=True),  # NULL: travel unknown
    _number("score"),
    _text("fixedness"),
    _text("origin"),
    _text("reasons"),
    _integer("revision"),
    _key("plan_id", "visit_id"),
)
Index(None, visits.c.visit_id)

left_out = Table(
    "left_out",
    metadata,
    _text("plan_id"),
    _text("connection"),
    _text("customer_object"),
    _text("customer_id"),
    _text("rep"),
    _text("code"),
    _text("text"),
    _text("change"),  # smallest change that would fit it, in words; "" where none is known
    _key("plan_id", "connection", "customer_object", "customer_id"),
)

campaign_people = Table(
    "campaign_people",
    metadata,
    _text("campaign"),  # the settings' name
    _text("connection"),
    _text("object"),
    _text("id"),  # of the contact, or of the customer where there are no contacts
    _text("customer_id"),
    _text("reason"),  # why it is left out; "" for one that is chosen
    _text("arm"),
    _number("score"),
    _integer("decided_at"),
    _integer("run_id"),
    _key("campaign", "connection", "object", "id"),
)

campaign_states = Table(
    "campaign_states",
    metadata,
    _text("campaign"),
    _text("state"),  # running, stopped
    _text("why"),
    _text("shifted_to"),
    _integer("at"),
    _key("campaign"),
)

changesets = Table(
    "changesets",
    metadata,
    _text("id"),
    _integer("run_id"),
    _integer("created_at"),
    _text("digest"),
    _text("epoch"),
    _text("organisations"),
    _text("state"),  # open, applying, applied, partial, superseded, undone
    _text("plan_id", nullable=True),
    _text("undoes", nullable=True),
    _text("guards"),
    _text("api_calls"),
    _integer("applied_at", nullable=True),
    _key("id"),
)

changeset_items = Table(
    "changeset_items",
    metadata,
    _text("changeset"),
    _text("item"),
    _integer("sequence"),
    _text("connection"),
    _text("object"),
    _text("record_id"),
    _text("key"),
    _text("operation"),
    _text("changes"),  # JSON list of {field, before, after}
    _text("version"),
    _text("parent"),
    _text("depends_on"),
    _text("reason"),
    _text("state"),  # pending, sending, applied, unchanged, rejected, conflict, unknown, skipped
    _text("error_class"),
    _text("error"),
    _text("remote_id"),
    _text("remote_version"),
    _text("handle"),
    _integer("sent_at", nullable=True),
    _integer("done_at", nullable=True),
    _key("changeset", "item"),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    _integer("at"),
    _text("actor"),
    _integer("run_id", nullable=True),
    _text("action"),
    _text("changeset"),
    _text("item"),
    _text("connection"),
    _text("object"),
    _text("record_id"),
    _text("operation"),
    _text("status"),
    _text("detail"),
)

erased = Table(
    "erased",
    metadata,
    _text("digest"),  # salted hash of an address or of connection/object/id; nothing else is kept
    _integer("at"),
    _key("digest"),
)
