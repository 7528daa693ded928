"""Reduces what is known of each customer to one row of numbers, as of a moment, in the store."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, TextClause, bindparam, text

from crmbridge.records import from_millis
from crmbridge.store.database import WAL_IS_SAFE_FROM, Store
from crmbridge.store.fast_reduction import is_available, reduce_fast
from crmbridge.store.feature_sql import DAY, KINDS, WINNERS, Shape, feature_queries
from crmbridge.store.touching import FACTS

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

RAW = (
    *COUNTS, "visits_dated", "first_visit_at", "last_visit_at", "last_activity_at",
    "next_planned_at", "first_order_at", "last_order_at", "need_strength_max",
    "feedback_expected_mean", "feedback_actual_mean", "activities_change_at",
    "orders_change_at", "deals_change_at", "campaign_members_change_at", "feedback_change_at",
)  # fmt: skip
"""What the queries answer and features are made of: none of it moves with the clock but when the
moment of a ``..._change_at`` has come."""

_DAYS = {
    "last_activity_days": "last_activity_at",
    "last_visit_days": "last_visit_at",
    "first_order_days": "first_order_at",
    "last_order_days": "last_order_at",
}

_MAPPED_BYTES = 1 << 36

FAST_FROM = 1_000_000
"""From so many facts on, DuckDB reduces a SQLite file where the extra ``fast`` is installed."""

_SUMS = (
    "orders_amount", "orders_amount_365", "orders_amount_prev_365", "open_deal_amount",
    "won_amount", "feedback_expected_mean", "feedback_actual_mean",
)  # fmt: skip
_DIGITS = 13
"""Of a sum: the last ones depend on the order in which a database happens to add."""


def reduce_features(
    store: Store, sources: tuple[str, ...], as_of: int, customers: Iterable[str] | None = None
) -> pd.DataFrame:
    """One row per live customer of the base connection, from facts not later than `as_of`.

    Args:
        sources: the base connection and those that complete it, whose facts name its customers.
        as_of: the decision time, ms.
        customers: the only ids to reduce; None for all. `feature_cache.current_features` reduces
            all by those that changed.

    Returns:
        indexed by customer id, in order; the columns are ``object`` and `FEATURES`, floats. Where
        two objects hold the same id, each has a row with the facts of both.
    """
    if customers is None:
        return finish(raw_of_all(store, sources, as_of), as_of)
    with store.read() as tx:
        return finish(raw_of_some(tx, sources, as_of, customers), as_of)


def raw_of_all(store: Store, sources: tuple[str, ...], as_of: int) -> pd.DataFrame:
    """``object`` and `RAW` of all live customers, by id."""
    with store.read() as tx:
        shape = _shape(tx, sources, is_limited=False)
        parameters = _parameters(tx, sources, as_of)
        frame = _customers(tx, sources[0], shape)
        is_fast = _is_worth_a_process(tx, shape)
        answers = {} if is_fast else _answers(tx, shape, parameters)
    if is_fast and store.path is not None:
        answers = reduce_fast(store.path, shape, parameters)
    return _joined(frame, answers.values())


def raw_of_some(
    tx: Connection, sources: tuple[str, ...], as_of: int, customers: Iterable[str]
) -> pd.DataFrame:
    """``object`` and `RAW` of the live ones of these customers, and of those merged into them."""
    _want(tx, sources[0], customers)
    shape = _shape(tx, sources, is_limited=True)
    frame = _customers(tx, sources[0], shape)
    with _mapped(tx):
        answers = _answers(tx, shape, _parameters(tx, sources, as_of))
    return _joined(frame, answers.values())


@contextmanager
def _mapped(tx: Connection) -> Iterator[None]:
    """Facts of some customers lie anywhere in a SQLite file: a call for each page takes twice as
    long as reading it from memory. Not longer than that, as a mapped page's error ends the process.
    """
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
    try:
        yield
    finally:
        if tx.dialect.name == "sqlite":
            tx.exec_driver_sql("PRAGMA mmap_size = 0")


def merged_customers(tx: Connection, sources: tuple[str, ...]) -> dict[str, str]:
    """Loser -> winner, as the queries read it."""
    if not _is_any(tx, "SELECT 1 FROM aliases WHERE connection = :base", sources):
        return {}
    rows = tx.execute(text(WINNERS), {"base": sources[0]})
    return {row.loser_id: row.winner_id for row in rows}


def line_sources(tx: Connection, sources: tuple[str, ...]) -> list[str]:
    """Sources without orders, whose order lines stand for them."""
    query = "SELECT 1 FROM orders WHERE connection = :base"
    return [source for source in sources if not _is_any(tx, query, (source,))]


def _answers(tx: Connection, shape: Shape, parameters: dict[str, Any]) -> dict[str, pd.DataFrame]:
    queries = feature_queries(shape)
    return {name: _read(tx, query, parameters) for name, query in queries.items()}


def _is_worth_a_process(tx: Connection, shape: Shape) -> bool:
    """Whether DuckDB can and should do it: starting it costs a second or two."""
    if shape.dialect != "sqlite" or shape.is_limited or not is_available():
        return False
    facts = sum(tx.scalar(text(f"SELECT max(rowid) FROM {name}")) or 0 for name in FACTS)
    return facts > FAST_FROM and sqlite3.sqlite_version_info < WAL_IS_SAFE_FROM


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
    return {
        "sources": sources,
        "line_sources": line_sources(tx, sources),
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
    """Live ones, in the order of their ids' bytes; by the driver, four times as fast."""
    only = "AND id IN (SELECT id FROM wanted)" if shape.is_limited else ""
    is_sqlite = tx.dialect.name == "sqlite"
    mark, order = ("?", "BINARY") if is_sqlite else ("%s", '"C"')
    cursor = tx.connection.cursor()
    cursor.execute(
        f"""SELECT id, object FROM customers
        WHERE connection = {mark} AND record_state = 0 {only}
        ORDER BY id COLLATE {order}, object COLLATE {order}""",
        (base,),
    )
    rows = cursor.fetchall()
    cursor.close()
    index = pd.Index([row[0] for row in rows], name="id")
    return pd.DataFrame({"object": [row[1] for row in rows]}, index=index)


def _read(tx: Connection, query: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """The answer as floats, indexed by id; facts of nobody are left out."""
    result = tx.execute(_bound(query), dict(parameters))
    names = list(result.keys())
    rows = [tuple(row) for row in result if row[0] is not None]
    ids = [row[0] for row in rows]
    values = np.array([row[1:] for row in rows], dtype=np.float64)
    return pd.DataFrame(values.reshape(len(rows), len(names) - 1), index=ids, columns=names[1:])


def _joined(frame: pd.DataFrame, answers: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Customers with what the queries answer of them, NaN where that is nothing."""
    numbers = np.full((len(frame), len(RAW)), np.nan, order="F")
    ids = frame.index.to_numpy(dtype=object)
    for answer in answers:
        if not len(answer):
            continue
        places = pd.Index(answer.index, dtype=object).get_indexer(ids)
        found = places >= 0
        for name in answer.columns:
            column = answer[name].to_numpy()
            values = _settled(column) if name in _SUMS else column
            numbers[:, RAW.index(name)] = np.where(found, values[places], np.nan)
    return _table(frame["object"], numbers, RAW)


def _settled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to so many digits that every way of adding the same amounts gives the same sum."""
    size = np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values))))
    shift = 10.0 ** np.clip(_DIGITS - 1 - np.nan_to_num(size), 0, 22)
    return np.asarray(np.rint(values * shift) / shift)


def finish(raw: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """``object`` and `FEATURES` as of a moment, from ``object`` and `RAW`."""
    facts = {name: np.nan_to_num(raw[name].to_numpy()) for name in COUNTS}
    for name, column in _DAYS.items():
        facts[name] = (as_of - raw[column].to_numpy()) / DAY
    latest = np.fmax(raw["last_activity_at"].to_numpy(), raw["last_order_at"].to_numpy())
    facts["recency_days"] = (as_of - latest) / DAY
    facts["next_planned_days"] = (raw["next_planned_at"].to_numpy() - as_of) / DAY
    span = (raw["last_visit_at"] - raw["first_visit_at"]).to_numpy() / DAY
    facts["days_between_visits_mean"] = _ratio(span, raw["visits_dated"].to_numpy() - 1)
    facts["orders_amount_mean"] = _ratio(facts["orders_amount"], facts["orders_count"])
    facts["response_rate"] = _ratio(facts["campaign_responded"], facts["campaign_sent"])
    for name in ("need_strength_max", "feedback_expected_mean", "feedback_actual_mean"):
        facts[name] = raw[name].to_numpy()
    numbers = np.empty((len(raw), len(FEATURES)), order="F")
    for place, name in enumerate(FEATURES):
        numbers[:, place] = facts[name]
    return _table(raw["object"], numbers, FEATURES)


def _table(
    objects: pd.Series, numbers: NDArray[np.float64], columns: tuple[str, ...]
) -> pd.DataFrame:
    frame = pd.DataFrame(numbers, index=objects.index, columns=list(columns), copy=False)
    frame.insert(0, "object", objects.array)
    return frame


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
