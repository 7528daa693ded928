"""Reduces what is known of each customer to one row of numbers, as of a moment, in the store."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Text, TextClause, bindparam, text

from crmbridge.records import from_millis
from crmbridge.store.database import WAL_IS_SAFE_FROM, Store
from crmbridge.store.fast_reduction import is_available, reduce_fast
from crmbridge.store.feature_sql import DAY, KINDS, Shape, feature_queries

COUNTS = (
    *(f"{name}_count{window}" for name in KINDS for window in ("", "_90", "_365")),
    "orders_count", "orders_count_365", "order_days",
    "orders_amount", "orders_amount_365", "orders_amount_prev_365",
    "open_deals", "open_deal_amount", "won_deals", "won_amount", "lost_deals",
    "campaign_sent", "campaign_responded",
    "open_needs", "feedback_count", "needs_total", "needs_met",
)  # fmt: skip
"""Numbers and sums; 0 for a customer of whom nothing of the kind is known."""

MEASURES = (
    "recency_days", "last_activity_days", "last_visit_days", "days_between_visits_mean",
    "next_planned_days", "first_order_days", "last_order_days", "orders_amount_mean",
    "response_rate", "need_strength_max", "feedback_expected_mean", "feedback_actual_mean",
)  # fmt: skip
"""NaN where nothing of the kind is known. Days are before the moment, `next_planned_days` after
it; all with fractions."""

FEATURES = (*COUNTS, *MEASURES)

_DAYS = {
    "last_activity_days": "last_activity_at",
    "last_visit_days": "last_visit_at",
    "first_order_days": "first_order_at",
    "last_order_days": "last_order_at",
}

FAST_FROM = 1_000_000
"""From so many facts on, DuckDB reduces a SQLite file where the extra ``fast`` is installed."""

_EVENTS = ("activities", "campaign_members", "orders", "order_lines", "deals", "needs", "feedback")


def reduce_features(
    store: Store, sources: tuple[str, ...], as_of: int, customers: Iterable[str] | None = None
) -> pd.DataFrame:
    """One row per live customer of the base connection, from facts not later than `as_of`.

    Args:
        sources: the base connection and those that complete it, whose facts name its customers.
        as_of: the decision time, ms.
        customers: ids to reduce again after they were touched; None for all.

    Returns:
        indexed by customer id, in order; the columns are ``object`` and `FEATURES`, floats. Where
        two objects hold the same id, each has a row with the facts of both.
    """
    with store.read() as tx:
        if customers is not None:
            _want(tx, sources[0], customers)
        shape = _shape(tx, sources, is_limited=customers is not None)
        parameters = _parameters(tx, sources, as_of)
        frame = _customers(tx, sources[0], shape)
        is_fast = _is_worth_a_process(tx, shape)
        answers = {} if is_fast else _answers(tx, shape, parameters)
    if is_fast and store.path is not None:
        answers = reduce_fast(store.path, shape, parameters)
    for answer in answers.values():
        frame = frame.join(answer)
    return _finish(frame, as_of)


def _answers(tx: Connection, shape: Shape, parameters: dict[str, Any]) -> dict[str, pd.DataFrame]:
    queries = feature_queries(shape)
    return {name: _read(tx, query, parameters) for name, query in queries.items()}


def _is_worth_a_process(tx: Connection, shape: Shape) -> bool:
    """Whether DuckDB can and should do it: starting it costs a second or two."""
    if shape.dialect != "sqlite" or shape.is_limited or not is_available():
        return False
    facts = sum(tx.scalar(text(f"SELECT max(rowid) FROM {name}")) or 0 for name in _EVENTS)
    return facts > FAST_FROM and sqlite3.sqlite_version_info < WAL_IS_SAFE_FROM


def touched_customers(tx: Connection, sources: tuple[str, ...], since_run: int) -> list[str]:
    """Customers whose own record, or a fact of theirs, changed in a run after this one; in order.

    Facts that only move out of a window of time touch nobody.
    """
    parts = [
        "SELECT id FROM customers WHERE connection IN :sources AND changed_run > :run",
        *(
            f"SELECT customer_id FROM {name} WHERE connection IN :sources AND changed_run > :run"
            for name in _EVENTS
        ),
        *(
            f"""SELECT person.customer_id FROM {name} AS fact
            JOIN contacts AS person ON person.connection = :base AND person.id = fact.contact_id
            WHERE fact.customer_id IS NULL AND fact.connection IN :sources
                AND fact.changed_run > :run"""
            for name in ("activities", "campaign_members")
        ),
    ]
    parameters = {"sources": sources, "base": sources[0], "run": since_run}
    rows = tx.execute(_bound(" UNION ".join(parts)), parameters)
    return sorted(row[0] for row in rows if row[0] is not None)


def _want(tx: Connection, base: str, customers: Iterable[str]) -> None:
    """Put the ids asked for, and those merged into them, where the queries look."""
    tx.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS wanted (id TEXT PRIMARY KEY)")
    tx.exec_driver_sql("DELETE FROM wanted")
    rows = [{"id": id_} for id_ in customers]
    if rows:
        tx.execute(text("INSERT INTO wanted (id) VALUES (:id) ON CONFLICT DO NOTHING"), rows)
    losers = """INSERT INTO wanted (id) SELECT loser_id FROM aliases
        WHERE connection = :base AND winner_id IN (SELECT id FROM wanted) ON CONFLICT DO NOTHING"""
    tx.execute(text(losers), {"base": base})


def _shape(tx: Connection, sources: tuple[str, ...], *, is_limited: bool) -> Shape:
    return Shape(
        dialect=tx.dialect.name,
        has_merges=_is_any(tx, "SELECT 1 FROM aliases WHERE connection = :base", sources),
        has_persons=any(
            _is_any(
                tx,
                f"""SELECT 1 FROM {name} WHERE customer_id IS NULL AND contact_id IS NOT NULL
                AND connection IN :sources""",
                sources,
            )
            for name in ("activities", "campaign_members")
        ),
        is_limited=is_limited,
    )


def _is_any(tx: Connection, query: str, sources: tuple[str, ...]) -> bool:
    parameters = {"sources": sources, "base": sources[0]}
    return tx.execute(_bound(f"{query} LIMIT 1"), parameters).first() is not None


def _parameters(tx: Connection, sources: tuple[str, ...], as_of: int) -> dict[str, Any]:
    with_orders = [
        source
        for source in sources
        if _is_any(tx, "SELECT 1 FROM orders WHERE connection = :base", (source,))
    ]
    return {
        "sources": sources,
        "line_sources": [source for source in sources if source not in with_orders],
        "base": sources[0],
        "at": as_of,
        "at_90": as_of - 90 * DAY,
        "at_365": as_of - 365 * DAY,
        "at_730": as_of - 730 * DAY,
        "today": from_millis(as_of).date().isoformat(),
    }


def _bound(query: str) -> TextClause:
    lists = [name for name in ("sources", "line_sources") if f":{name}" in query]
    return text(query).bindparams(*(bindparam(name, expanding=True, type_=Text) for name in lists))


def _customers(tx: Connection, base: str, shape: Shape) -> pd.DataFrame:
    only = "AND id IN (SELECT id FROM wanted)" if shape.is_limited else ""
    query = f"""SELECT id, object FROM customers
        WHERE connection = :base AND record_state = 0 {only} ORDER BY id, object"""
    rows = [tuple(row) for row in tx.execute(text(query), {"base": base})]
    return pd.DataFrame.from_records(rows, columns=["id", "object"]).set_index("id")


def _read(tx: Connection, query: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """The answer as floats, indexed by id; facts of nobody are left out."""
    result = tx.execute(_bound(query), dict(parameters))
    names = list(result.keys())
    rows = [tuple(row) for row in result if row[0] is not None]
    ids = [row[0] for row in rows]
    values = np.array([row[1:] for row in rows], dtype=np.float64)
    return pd.DataFrame(values.reshape(len(rows), len(names) - 1), index=ids, columns=names[1:])


def _finish(frame: pd.DataFrame, as_of: int) -> pd.DataFrame:
    facts = {name: frame[name].fillna(0.0) for name in COUNTS}
    for name, column in _DAYS.items():
        facts[name] = (as_of - frame[column]) / DAY
    latest = frame[["last_activity_at", "last_order_at"]].max(axis=1)
    facts["recency_days"] = (as_of - latest) / DAY
    facts["next_planned_days"] = (frame["next_planned_at"] - as_of) / DAY
    gaps = frame["visits_dated"] - 1
    span = (frame["last_visit_at"] - frame["first_visit_at"]) / DAY
    facts["days_between_visits_mean"] = (span / gaps).where(gaps > 0)
    facts["orders_amount_mean"] = _ratio(facts["orders_amount"], facts["orders_count"])
    facts["response_rate"] = _ratio(facts["campaign_responded"], facts["campaign_sent"])
    for name in ("need_strength_max", "feedback_expected_mean", "feedback_actual_mean"):
        facts[name] = frame[name]
    return pd.DataFrame({"object": frame["object"], **{name: facts[name] for name in FEATURES}})


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole).where(whole > 0)
