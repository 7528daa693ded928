"""Keeps every customer's features, and reduces again only whom a change or the clock touched.

What `crmbridge.store.features` reduces of all customers is kept in ``feature_blocks``. Later only
those are reduced again

- of whom a fact is new, changed, moved or gone, as the triggers of migration 0004 logged it (on
  SQLite new rows are those beyond the last row number);
- who were merged, or are no longer;
- for whom a fact came true or left a window of time since, which each row tells in advance.

All at once are reduced where nothing is kept, what is read differs (connections, lines that stand
for orders, this program's numbers), a record was erased, or a third of the customers is touched.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from sqlalchemy import Connection, delete, insert, select, text

from crmbridge.store.database import Store
from crmbridge.store.feature_blocks import (
    Kept,
    blocks_of,
    kept_in,
    kept_in_rows,
    kept_of,
    row_texts,
)
from crmbridge.store.features import (
    RAW,
    finish,
    line_sources,
    merged_customers,
    raw_of_all,
    raw_of_some,
)
from crmbridge.store.jsontext import from_json, to_json
from crmbridge.store.schema import feature_blocks, feature_states, features, touched
from crmbridge.store.touching import WATCHED, News, discard, last_rows, news_since
from crmbridge.store.writing import put_rows

VERSION = 1
"""Grows when the raw numbers come to mean something else under the same names."""

AT = "reduced_at"
COLUMNS = (*RAW, AT)
_CHANGES = tuple(name for name in RAW if name.endswith("_change_at"))

_ALL_AGAIN = 1 / 3
_BLOCKS_ANEW = 1 / 10
"""Shares of the customers; a row beside the blocks is read fifty times as slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was read up to.

    Args:
        token: differs after each reduction, so that of two at once one is not kept.
        basis: what all numbers rest on; see `_basis`.
        rows: table -> last row number, on SQLite.
        merges: loser -> winner.
    """

    token: str
    basis: str
    rows: Mapping[str, int] = field(default_factory=dict)
    merges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Some customers reduced again.

    Args:
        kept: of all customers, with them.
    """

    before: State
    after: State
    news: News
    ids: tuple[str, ...]
    again: Kept
    kept: Kept


def current_features(
    store: Store, sources: tuple[str, ...], as_of: int, run_id: int = 0
) -> pd.DataFrame:
    """What `features.reduce_features` gives of all customers, at the price of those touched."""
    update = _update(store, sources, as_of)
    if update is None:
        return finish(_all_anew(store, sources, as_of).frame(), as_of)
    if update.ids or update.before.rows != update.after.rows or update.news.numbers:
        _keep(store, sources, update, as_of, run_id)
    return finish(update.kept.frame(), as_of)


def _update(store: Store, sources: tuple[str, ...], as_of: int) -> Update | None:
    """None where all have to be reduced."""
    with store.read() as tx:
        before = _state(tx, sources[0])
        after = _state_now(tx, sources)
        if before is None or before.basis != after.basis:
            return None
        kept = _load(tx, sources[0])
        news = news_since(tx, sources, before.rows)
        ids = _to_reduce(kept, news, before, after, as_of)
        if len(ids) > max(_ALL_AGAIN * len(kept.ids), 1):
            return None
        raw = raw_of_some(tx, sources, as_of, ids)
    again = kept_of(raw[raw.index.isin(ids)].assign(**{AT: float(as_of)}), COLUMNS)
    return Update(
        before=before,
        after=after,
        news=news,
        ids=ids,
        again=again,
        kept=kept.with_again(ids, again),
    )


def _to_reduce(kept: Kept, news: News, before: State, after: State, as_of: int) -> tuple[str, ...]:
    """Customers that a change, a merge or the clock touched, and into whom they were merged."""
    changes = np.fmin.reduce([kept.of(name) for name in _CHANGES])
    is_due = (changes <= as_of) | (kept.of(AT) > as_of)
    ids = {*news.customers, *kept.ids[is_due].tolist()}
    for loser in before.merges.keys() | after.merges.keys():
        ends = before.merges.get(loser), after.merges.get(loser)
        if ends[0] != ends[1]:
            ids |= {loser, *(end for end in ends if end is not None)}
    winners = {after.merges[id_] for id_ in ids & after.merges.keys()}
    return tuple(sorted(ids | winners))


def _all_anew(store: Store, sources: tuple[str, ...], as_of: int) -> Kept:
    """Reduce all customers; what changes meanwhile is logged, and reduced the next time."""
    with store.write() as tx:
        begun = _begin(tx, sources)
    raw = raw_of_all(store, sources, as_of)
    kept = kept_of(raw.assign(**{AT: float(as_of)}), COLUMNS)
    with store.write() as tx:
        if _token(tx, sources[0]) == begun.token:
            _put_state(tx, sources[0], begun)
            _put_blocks(tx, sources[0], kept)
    return kept


def _begin(tx: Connection, sources: tuple[str, ...]) -> State:
    """Let the triggers log from here on, and forget what they logged before."""
    if tx.dialect.name == "postgresql":  # wait for those who write without the triggers' knowing
        tx.exec_driver_sql(f"LOCK TABLE {', '.join(WATCHED)} IN SHARE MODE")
    state = _state_now(tx, sources)
    of = feature_states.c.base == sources[0]
    tx.execute(delete(feature_states).where(of | feature_states.c.connection.in_(sources)))
    tx.execute(delete(touched).where(touched.c.connection.in_(sources)))
    for source in sources:
        row = {"connection": source, "base": sources[0], "token": state.token, "state": ""}
        tx.execute(insert(feature_states).values(row))
    return state


def _keep(store: Store, sources: tuple[str, ...], update: Update, as_of: int, run_id: int) -> None:
    base = sources[0]
    with store.write() as tx:
        if _token(tx, base) != update.before.token:
            return  # somebody else was faster, and theirs is as good
        discard(tx, update.news)
        rows = (
            (base, id_, as_of, run_id, text_) for id_, text_ in row_texts(update.ids, update.again)
        )
        put_rows(tx, features, tuple(features.c.keys()), rows)
        held = tx.scalar(
            text("SELECT count(*) FROM features WHERE connection = :base"), {"base": base}
        )
        if (held or 0) > _BLOCKS_ANEW * len(update.kept.ids):
            _put_blocks(tx, base, update.kept)
        _put_state(tx, base, update.after)


def _put_blocks(tx: Connection, base: str, kept: Kept) -> None:
    tx.execute(delete(features).where(features.c.connection == base))
    tx.execute(delete(feature_blocks).where(feature_blocks.c.connection == base))
    for number, (keys, numbers) in enumerate(blocks_of(kept)):
        row = {"connection": base, "number": number, "keys": keys, "numbers": numbers}
        tx.execute(insert(feature_blocks).values(row))


def _load(tx: Connection, base: str) -> Kept:
    blocks = select(feature_blocks.c["keys"], feature_blocks.c.numbers).where(
        feature_blocks.c.connection == base
    )
    found = tx.execute(blocks.order_by(feature_blocks.c.number))
    kept = kept_in([(row[0], row[1]) for row in found], COLUMNS)
    later = select(features.c.customer_id, features.c["values"]).where(
        features.c.connection == base
    )
    rows = [(row[0], row[1]) for row in tx.execute(later)]
    return kept.with_again([id_ for id_, _ in rows], kept_in_rows(rows, COLUMNS))


def _state_now(tx: Connection, sources: tuple[str, ...]) -> State:
    return State(
        token=secrets.token_hex(8),
        basis=_basis(sources, line_sources(tx, sources)),
        rows=last_rows(tx),
        merges=merged_customers(tx, sources),
    )


def _basis(sources: tuple[str, ...], lines: Iterable[str]) -> str:
    return to_json([VERSION, *COLUMNS, list(sources), list(lines)])


def _state(tx: Connection, base: str) -> State | None:
    query = select(feature_states.c.state).where(
        feature_states.c.connection == base, feature_states.c.base == base
    )
    found = tx.scalar(query)
    return State(**from_json(found)) if found else None


def _put_state(tx: Connection, base: str, state: State) -> None:
    tx.execute(
        feature_states.update()
        .where(feature_states.c.connection == base)
        .values(token=state.token, state=to_json(asdict(state)))
    )


def _token(tx: Connection, base: str) -> str:
    query = select(feature_states.c.token).where(feature_states.c.connection == base)
    return tx.scalar(query) or ""
