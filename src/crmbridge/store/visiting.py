"""Queries for visits themselves: what to talk about, what was said last, and what was noted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from crmbridge.records import STREAMS
from crmbridge.store.schema import LIVE, RECORDS

PART = 500
"""Customers asked for at once: databases limit the parameters of one query."""

CustomerId = tuple[str, str]
"""(connection of the record, customer id there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNeed:
    """A need that is not met.

    Args:
        due_on: ``YYYY-MM-DD``, "" where nobody says.
        product: name of the product that would meet it, "" where nobody says.
        product_id: its id, "" where nobody says.
    """

    customer: CustomerId
    family: str
    product: str
    strength: float | None
    due_on: str
    evidence: str
    product_id: str = ""


def took_place(columns: Any) -> ColumnElement[bool]:
    """Whether an activity of the past counts as one that took place.

    A planned one does, unless it was marked missed or cancelled, or somebody refused it: the answer
    came too late to take it out of the calendar.
    """
    is_possible = or_(columns.status.is_(None), columns.status.in_(("done", "planned")))
    is_unanswered = or_(columns.reply.is_(None), columns.reply.not_in(("declined", "snoozed")))
    return and_(is_possible, or_(columns.status == "done", is_unanswered))


def open_needs(tx: Connection, sources: Sequence[str]) -> list[OpenNeed]:
    """Needs that are not met, the strongest of each customer first."""
    needs, products = RECORDS["needs"], RECORDS["products"]
    named = and_(
        products.c.connection == needs.c.connection,
        products.c.id == needs.c.product_id,
        products.c.record_state == LIVE,
    )
    strength = func.coalesce(needs.c.strength, 0)
    query = (
        select(needs, products.c.name.label("product"), products.c.family.label("of_product"))
        .join(products, named, isouter=True)
        .where(needs.c.connection.in_(list(sources)), needs.c.record_state == LIVE)
        .where(or_(needs.c.met.is_(None), needs.c.met == 0), needs.c.customer_id.is_not(None))
        .order_by(needs.c.customer_id, strength.desc(), needs.c.connection, needs.c.id)
    )
    return [
        OpenNeed(
            customer=(row.connection, row.customer_id),
            family=row.family or row.of_product or "",
            product=row.product or "",
            strength=row.strength,
            due_on=row.due_on or "",
            evidence=row.evidence or "",
            product_id=row.product_id or "",
        )
        for row in tx.execute(query)
    ]


def products_bought(tx: Connection, sources: Sequence[str]) -> set[tuple[CustomerId, str]]:
    """(customer, name, family or id of a product) of everything ever ordered."""
    lines, products = RECORDS["order_lines"], RECORDS["products"]
    named = and_(products.c.connection == lines.c.connection, products.c.id == lines.c.product_id)
    columns = (lines.c.connection, lines.c.customer_id, lines.c.product_id)
    query = (
        select(*columns, products.c.name, products.c.family)
        .join(products, named, isouter=True)
        .where(lines.c.connection.in_(list(sources)), lines.c.record_state == LIVE)
        .where(lines.c.customer_id.is_not(None), lines.c.product_id.is_not(None))
        .distinct()
    )
    return {((row[0], row[1]), str(word)) for row in tx.execute(query) for word in row[2:] if word}


def contacts_since(
    tx: Connection, sources: Sequence[str], kinds: Sequence[str], since: int, until: int
) -> list[tuple[CustomerId, int]]:
    """(customer, start) of every contact between two times, in ms, `until` included.

    What `took_place` counts.
    """
    table = RECORDS["activities"]
    columns = table.c
    query = (
        select(columns.connection, columns.customer_id, columns.start_at)
        .where(columns.connection.in_(list(sources)), columns.record_state == LIVE)
        .where(columns.kind.in_(list(kinds)), columns.customer_id.is_not(None))
        .where(columns.start_at > since, columns.start_at <= until)
        .where(took_place(columns))
        .order_by(columns.connection, columns.customer_id, columns.start_at)
    )
    return [((row[0], row[1]), row[2]) for row in tx.execute(query)]


def last_contacts(
    tx: Connection, sources: Sequence[str], customers: Iterable[str], until: int, most: int = 2
) -> dict[str, list[dict[str, Any]]]:
    """customer id -> the latest contacts that took place by then, the latest first."""
    table = RECORDS["activities"]
    columns = table.c
    kinds = ("visit", "meeting", "call", "email", "note")
    rank = func.row_number().over(
        partition_by=columns.customer_id,
        order_by=(columns.start_at.desc(), columns.connection, columns.id),
    )
    found: dict[str, list[dict[str, Any]]] = {}
    wanted = sorted(set(customers))
    for start in range(0, len(wanted), PART):
        ranked = (
            select(table, rank.label("place"))
            .where(columns.connection.in_(list(sources)), columns.record_state == LIVE)
            .where(columns.customer_id.in_(wanted[start : start + PART]), columns.kind.in_(kinds))
            .where(columns.start_at <= until)
            .where(or_(columns.status.is_(None), columns.status == "done"))
            .subquery()
        )
        query = select(ranked).where(ranked.c.place <= most).order_by(ranked.c.place)
        for row in tx.execute(query).mappings():
            found.setdefault(row["customer_id"], []).append(dict(row))
    return found


def open_tasks(
    tx: Connection, sources: Sequence[str], customers: Iterable[str]
) -> dict[str, list[dict[str, Any]]]:
    """customer id -> tasks that nobody has done yet: what was promised, by day."""
    columns = RECORDS["activities"].c
    found: dict[str, list[dict[str, Any]]] = {}
    wanted = sorted(set(customers))
    for start in range(0, len(wanted), PART):
        query = (
            select(columns.customer_id, columns.subject, columns.due_on, columns.id)
            .where(columns.connection.in_(list(sources)), columns.record_state == LIVE)
            .where(columns.customer_id.in_(wanted[start : start + PART]), columns.kind == "task")
            .where(or_(columns.status.is_(None), columns.status == "planned"))
            .where(columns.visit_key.is_(None))
            .order_by(func.coalesce(columns.due_on, "9999"), columns.connection, columns.id)
        )
        for row in tx.execute(query).mappings():
            found.setdefault(row["customer_id"], []).append(dict(row))
    return found


def past_visits(
    tx: Connection, sources: Sequence[str], since: int, until: int
) -> list[dict[str, Any]]:
    """Visits of a stretch of time, ms, that were not called off, by time."""
    table = RECORDS["activities"]
    columns = table.c
    names = ("connection", "object", "id", "extra", *STREAMS["activities"].by_name)
    query = (
        select(*(columns[name] for name in names))
        .where(columns.connection.in_(list(sources)), columns.record_state == LIVE)
        .where(columns.kind == "visit", columns.start_at >= since, columns.start_at < until)
        .where(took_place(columns))
        .order_by(columns.start_at, columns.connection, columns.id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def answered_visits(tx: Connection) -> list[dict[str, Any]]:
    """Our visits that bear an answer, deleted ones included."""
    columns = RECORDS["activities"].c
    names = ("connection", "object", "id", "customer_id", "start_at", "reply", "reply_until")
    query = (
        select(*(columns[name] for name in names))
        .where(columns.visit_key.is_not(None), columns.reply.is_not(None))
        .order_by(columns.connection, columns.id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]
