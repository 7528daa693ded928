"""Keeps what to talk about with each customer; equal offers are not rewritten."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from crmbridge.records import RecordKey
from crmbridge.store.schema import offers
from crmbridge.store.writing import put_rows

_NAMES = ("connection", "object", "id", "rank", "product", "why", "model", "run_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What to talk about with a customer.

    Args:
        rank: 1 for the best.
        why: one sentence.
    """

    key: RecordKey
    rank: int
    product: str
    why: str = ""
    model: str
    run_id: int = 0


def save_offers(tx: Connection, connection: str, found: Iterable[Offer]) -> None:
    """Keep the offers for a connection's customers in the place of those there were."""
    rows = {(one.key.object, one.key.id, one.rank): one for one in found}
    key = (offers.c.object, offers.c.id, offers.c.rank)
    held = tx.execute(select(*key).where(offers.c.connection == connection))
    for gone in [tuple(row) for row in held if tuple(row) not in rows]:
        where = [column == value for column, value in zip(key, gone, strict=True)]
        tx.execute(offers.delete().where(offers.c.connection == connection, *where))
    values = (
        (*(o.key.connection, o.key.object, o.key.id, o.rank), *(o.product, o.why),
         *(o.model, o.run_id))
        for o in rows.values()
    )  # fmt: skip
    put_rows(tx, offers, _NAMES, values, quiet=("run_id",))


def load_offers(
    tx: Connection, connections: Sequence[str], key: RecordKey | None = None
) -> list[Offer]:
    """Offers for the customers of some connections, or for one customer; by key and rank."""
    query = select(*(offers.c[name] for name in _NAMES)).where(
        offers.c.connection.in_(list(connections))
    )
    if key is not None:
        query = query.where(offers.c.object == key.object, offers.c.id == key.id)
    order = (offers.c.connection, offers.c.object, offers.c.id, offers.c.rank)
    return [
        Offer(
            key=RecordKey(row.connection, row.object, row.id),
            rank=row.rank,
            product=row.product,
            why=row.why,
            model=row.model,
            run_id=row.run_id,
        )
        for row in tx.execute(query.order_by(*order))
    ]
