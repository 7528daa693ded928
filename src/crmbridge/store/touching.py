"""Tells of whom something changed since features were kept; see migration 0004."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Text, bindparam, select, text

from crmbridge.store.schema import touched

FACTS = ("activities", "campaign_members", "orders", "order_lines", "deals", "needs", "feedback")
BY_CONTACT = ("activities", "campaign_members")
WATCHED = (*FACTS, "contacts", "customers")


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What changed.

    Args:
        numbers: of the lines of the log that say so.
    """

    customers: frozenset[str]
    numbers: tuple[int, ...]


def last_rows(tx: Connection) -> dict[str, int]:
    """Table -> the greatest row number on SQLite, where a new row gets the next one.

    Nothing is ever deleted from these tables but by `erase_person`, after which the triggers let
    all be reduced again: so numbers neither come again nor move when the file is rewritten.
    """
    if tx.dialect.name != "sqlite":
        return {}
    query = "SELECT max(rowid) FROM {}"
    return {name: tx.scalar(text(query.format(name))) or 0 for name in WATCHED}


def news_since(tx: Connection, sources: tuple[str, ...], rows: Mapping[str, int]) -> News:
    """What the triggers logged, and what SQLite's new rows name.

    Args:
        rows: what `last_rows` said then.
    """
    log = select(touched.c.number, touched.c.customer_id, touched.c.contact_id).where(
        touched.c.connection.in_(sources)
    )
    logged = [tuple(row) for row in tx.execute(log)]
    named = {(customer, contact) for _, customer, contact in logged} | _new(tx, sources, rows)
    contacts = sorted({contact for customer, contact in named if customer is None and contact})
    customers = {customer for customer, _ in named if customer is not None}
    return News(
        customers=frozenset(customers | _customers_of(tx, sources[0], contacts)),
        numbers=tuple(number for number, _, _ in logged),
    )


def discard(tx: Connection, news: News) -> None:
    """Forget the lines that were read, and no others: some may have come meanwhile."""
    if news.numbers:
        lines = [{"line": number} for number in news.numbers]
        tx.execute(text("DELETE FROM touched WHERE number = :line"), lines)


def _new(
    tx: Connection, sources: tuple[str, ...], rows: Mapping[str, int]
) -> set[tuple[str | None, str | None]]:
    if not rows:
        return set()
    names = dict.fromkeys(FACTS, "customer_id, NULL")
    names |= dict.fromkeys(BY_CONTACT, "customer_id, contact_id")
    names |= {"contacts": "NULL, id", "customers": "id, NULL"}
    found: set[tuple[str | None, str | None]] = set()
    for table, columns in names.items():
        query = text(f"""SELECT DISTINCT {columns} FROM {table} NOT INDEXED
            WHERE rowid > :last AND connection IN :sources""")
        query = query.bindparams(bindparam("sources", expanding=True, type_=Text))
        parameters = {"last": rows.get(table, 0), "sources": sources}
        found |= {(row[0], row[1]) for row in tx.execute(query, parameters)}
    return found


def _customers_of(tx: Connection, base: str, contacts: list[str]) -> set[str]:
    """All customers of contacts with these ids, whatever their object."""
    if not contacts:
        return set()
    tx.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS named (id TEXT PRIMARY KEY)")
    tx.exec_driver_sql("DELETE FROM named")
    tx.execute(text("INSERT INTO named (id) VALUES (:id)"), [{"id": id_} for id_ in contacts])
    query = text("""SELECT DISTINCT customer_id FROM contacts
        WHERE connection = :base AND id IN (SELECT id FROM named) AND customer_id IS NOT NULL""")
    return set(tx.execute(query, {"base": base}).scalars())
