"""The SQL that reduces activities, orders and the rest to one row per customer.

Every query obeys the same rules, in the same words on SQLite, PostgreSQL and DuckDB:

- Only live records of ``:sources`` count, and only facts whose time is not after the decision
  time: ``:at`` in ms, ``:today`` its UTC date. A feature never knows what came later. A fact
  without a time counts.
- A fact belongs to its customer, or to the customer of its contact if it names none, and after a
  merge to the winner.
- Only what happened counts: an activity that is done or has no status, an order that was not
  cancelled. A planned visit of the past counts as made unless somebody marked it missed or
  cancelled: many CRMs keep no outcome, and a customer must not be planned anew every morning.
- Each query tells in ``..._change_at`` the next moment at which time alone changes its answer for
  a customer: a fact that comes true or leaves a window. Until then the answer may be kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DAY = 86_400_000
"""Milliseconds."""

KINDS = {"visits": "visit", "calls": "call", "emails": "email", "meetings": "meeting"}

_START_OF = {
    "sqlite": "CAST(strftime('%s', {day}) AS INTEGER) * 1000",
    "postgresql": "CAST(EXTRACT(epoch FROM CAST({day} AS timestamp)) * 1000 AS bigint)",
    "duckdb": "epoch_ms(CAST({day} AS timestamp))",
}
"""Start of a day in UTC, the one thing the databases say differently."""

DUE_AT = {dialect: text.format(day="fact.due_on") for dialect, text in _START_OF.items()}
"""Start of an all-day activity's day."""

_KNOWN = "(fact_at IS NULL OR fact_at <= :at)"

WINNERS = """SELECT loser_id, min(winner_id) AS winner_id FROM aliases
    WHERE connection = :base
        AND object IN (SELECT object FROM customers WHERE connection = :base)
    GROUP BY loser_id"""
"""Merged customers."""

_PERSONS = """
    LEFT JOIN (SELECT id, min(customer_id) AS customer_id FROM contacts
               WHERE connection = :base AND customer_id IS NOT NULL GROUP BY id) AS person
        ON fact.customer_id IS NULL AND person.id = fact.contact_id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a store makes necessary: joins that nothing needs are left out, for speed.

    Args:
        dialect: sqlite, postgresql or duckdb.
        has_merges: some customers were merged.
        has_persons: some facts name only a contact.
        is_limited: only the customers in the table ``wanted`` are asked for.
    """

    dialect: str
    has_merges: bool = False
    has_persons: bool = False
    is_limited: bool = False


def feature_queries(shape: Shape) -> Mapping[str, str]:
    """Name -> query; each gives ``id`` and one column per feature, ``..._at`` in ms."""
    return {
        "activities": _activities(shape),
        "orders": _orders(shape),
        "deals": _deals(shape),
        "campaign_members": _members(shape),
        "needs": _needs(shape),
        "feedback": _feedback(shape),
    }


def _facts(shape: Shape, table: str, columns: str, sources: str = ":sources") -> str:
    """Facts with the ``id`` of the customer they belong to."""
    names_contacts = shape.has_persons and table in ("activities", "campaign_members")
    customer = "fact.customer_id"
    joins = ""
    if names_contacts:
        customer, joins = "COALESCE(fact.customer_id, person.customer_id)", _PERSONS
    asked = customer
    if shape.has_merges:
        joins += f" LEFT JOIN ({WINNERS}) AS merged ON merged.loser_id = {customer}"
        customer = f"COALESCE(merged.winner_id, {customer})"
    only = f"AND {asked} IN (SELECT id FROM wanted)" if shape.is_limited else ""
    return f"""SELECT {customer} AS id, {columns}
        FROM {table} AS fact {_scan(shape)} {joins}
        WHERE fact.connection IN {sources} AND fact.record_state = 0 {only}"""


def _scan(shape: Shape) -> str:
    """SQLite would walk the customers' index and fetch each row by itself: five times slower."""
    return "NOT INDEXED" if shape.dialect == "sqlite" and not shape.is_limited else ""


def _activities(shape: Shape) -> str:
    due = DUE_AT[shape.dialect]
    facts = _facts(
        shape,
        "activities",
        f"fact.kind, fact.status, COALESCE(fact.start_at, {due}, fact.end_at) AS fact_at",
    )
    made = "(kind = 'visit' AND status = 'planned' AND fact_at IS NOT NULL)"
    done = f"""((status IS NULL OR status = 'done' OR {made})
        AND (fact_at IS NULL OR fact_at <= :at))"""
    counts = ",\n".join(
        f"count(CASE WHEN kind = '{kind}' AND {done} {since} THEN 1 END) AS {name}_count{suffix}"
        for name, kind in KINDS.items()
        for suffix, since in (
            ("", ""),
            ("_90", "AND fact_at > :at_90"),
            ("_365", "AND fact_at > :at_365"),
        )
    )
    return f"""SELECT id, {counts},
            count(CASE WHEN kind = 'visit' AND {done} AND fact_at IS NOT NULL THEN 1 END)
                AS visits_dated,
            min(CASE WHEN kind = 'visit' AND {done} THEN fact_at END) AS first_visit_at,
            max(CASE WHEN kind = 'visit' AND {done} THEN fact_at END) AS last_visit_at,
            max(CASE WHEN {done} THEN fact_at END) AS last_activity_at,
            min(CASE WHEN kind IN ('visit', 'meeting') AND fact_at > :at
                    AND (status IS NULL OR status = 'planned') THEN fact_at END) AS next_planned_at,
            {_next_change("activities", 90, 365)}
        FROM ({facts}) AS facts
        WHERE kind NOT IN ('absence', 'task', 'note') GROUP BY id"""


def _next_change(name: str, *windows: int) -> str:
    """The least time at which a fact comes true or leaves the next of these windows of days."""
    leaves = " ".join(f"WHEN fact_at > :at_{days} THEN fact_at + {days * DAY}" for days in windows)
    return f"min(CASE WHEN fact_at > :at THEN fact_at {leaves} END) AS {name}_change_at"


def _orders(shape: Shape) -> str:
    """Orders; where a source has only lines, the lines of one order number are an order."""
    columns = "fact.amount, fact.ordered_at AS fact_at"
    orders = _facts(shape, "orders", columns)
    lines = _facts(shape, "order_lines", f"fact.order_id, {columns}", ":line_sources")
    return f"""SELECT id,
            count(CASE WHEN {_KNOWN} THEN 1 END) AS orders_count,
            count(CASE WHEN fact_at <= :at AND fact_at > :at_365 THEN 1 END) AS orders_count_365,
            count(DISTINCT CASE WHEN fact_at <= :at THEN fact_at - fact_at % {DAY} END)
                AS order_days,
            COALESCE(sum(CASE WHEN {_KNOWN} THEN amount END), 0) AS orders_amount,
            COALESCE(sum(CASE WHEN fact_at <= :at AND fact_at > :at_365 THEN amount END), 0)
                AS orders_amount_365,
            COALESCE(sum(CASE WHEN fact_at > :at_730 AND fact_at <= :at_365 THEN amount END), 0)
                AS orders_amount_prev_365,
            min(CASE WHEN fact_at <= :at THEN fact_at END) AS first_order_at,
            max(CASE WHEN fact_at <= :at THEN fact_at END) AS last_order_at,
            {_next_change("orders", 365, 730)}
        FROM ({orders} AND (fact.status IS NULL
                OR lower(fact.status) NOT IN ('cancelled', 'canceled'))
            UNION ALL
            SELECT id, sum(amount) AS amount, min(fact_at) AS fact_at
            FROM ({lines}) AS lines GROUP BY id, order_id) AS facts
        GROUP BY id"""


def _deals(shape: Shape) -> str:
    """A deal that closed after the decision time was open at that time."""
    known = "(opened_on IS NULL OR opened_on <= :today)"
    later = """min(CASE WHEN opened_on > :today THEN opened_on
                WHEN closed_on > :today THEN closed_on END)"""
    closed = "((closed = 1 OR won = 1) AND (closed_on IS NULL OR closed_on <= :today))"
    facts = _facts(shape, "deals", "fact.amount, fact.closed, fact.won, opened_on, closed_on")
    return f"""SELECT id,
            count(CASE WHEN {known} AND NOT is_closed THEN 1 END) AS open_deals,
            COALESCE(sum(CASE WHEN {known} AND NOT is_closed THEN amount END), 0)
                AS open_deal_amount,
            count(CASE WHEN {known} AND is_closed AND won = 1 THEN 1 END) AS won_deals,
            COALESCE(sum(CASE WHEN {known} AND is_closed AND won = 1 THEN amount END), 0)
                AS won_amount,
            count(CASE WHEN {known} AND is_closed AND COALESCE(won, 0) <> 1 THEN 1 END)
                AS lost_deals,
            {_START_OF[shape.dialect].format(day=later)} AS deals_change_at
        FROM (SELECT id, amount, won, opened_on, closed_on,
                  COALESCE({closed}, 1 = 0) AS is_closed
              FROM ({facts}) AS deals) AS facts
        GROUP BY id"""


def _members(shape: Shape) -> str:
    """A member counts from its response, or from its last change where there was none."""
    facts = _facts(
        shape,
        "campaign_members",
        """fact.status, fact.responded, fact.converted,
            COALESCE(fact.responded_at, fact.modified_at) AS fact_at""",
    )
    answered = "(status IN ('responded', 'converted') OR responded = 1 OR converted = 1)"
    return f"""SELECT id,
            count(CASE WHEN {_KNOWN} AND (status = 'sent' OR {answered}) THEN 1 END)
                AS campaign_sent,
            count(CASE WHEN {_KNOWN} AND {answered} THEN 1 END) AS campaign_responded,
            {_next_change("campaign_members")}
        FROM ({facts}) AS facts GROUP BY id"""


def _needs(shape: Shape) -> str:
    facts = _facts(shape, "needs", "fact.strength, fact.met")
    return f"""SELECT id,
            count(CASE WHEN COALESCE(met, 0) <> 1 THEN 1 END) AS open_needs,
            max(CASE WHEN COALESCE(met, 0) <> 1 THEN strength END) AS need_strength_max
        FROM ({facts}) AS facts GROUP BY id"""


def _feedback(shape: Shape) -> str:
    facts = _facts(
        shape,
        "feedback",
        "fact.expected, fact.actual, fact.needs, fact.needs_met, fact.given_at AS fact_at",
    )
    return f"""SELECT id,
            count(CASE WHEN {_KNOWN} THEN 1 END) AS feedback_count,
            avg(CASE WHEN {_KNOWN} THEN expected END) AS feedback_expected_mean,
            avg(CASE WHEN {_KNOWN} THEN actual END) AS feedback_actual_mean,
            COALESCE(sum(CASE WHEN {_KNOWN} THEN needs END), 0) AS needs_total,
            COALESCE(sum(CASE WHEN {_KNOWN} THEN needs_met END), 0) AS needs_met,
            {_next_change("feedback")}
        FROM ({facts}) AS facts GROUP BY id"""
