"""Queries that sum up for departments: needs by product, the market by segment, service."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from crmbridge.store.schema import LIVE, RECORDS

Row = tuple[Any, ...]

_NEEDS, _DEALS, _PRODUCTS = RECORDS["needs"], RECORDS["deals"], RECORDS["products"]
_CUSTOMERS, _ORDERS, _FEEDBACK = RECORDS["customers"], RECORDS["orders"], RECORDS["feedback"]
_UNNAMED = "not named"


def needs_by_product(tx: Connection, sources: Sequence[str]) -> list[Row]:
    """(product or family, region, open needs, mean strength, met needs) with the most open first.

    Regions are the customers'; "" where none is known.
    """
    is_met = case((_NEEDS.c.met == 1, 1), else_=0)
    product = func.coalesce(_PRODUCTS.c.name, _NEEDS.c.family, _NEEDS.c.product_id, _UNNAMED)
    region = func.coalesce(_CUSTOMERS.c.region, "")
    unmet = func.sum(1 - is_met)
    strength = func.avg(case((is_met == 0, _NEEDS.c.strength)))
    query = (
        select(product, region, unmet, strength, func.sum(is_met))
        .select_from(_NEEDS.outerjoin(_PRODUCTS, _of(_NEEDS, _PRODUCTS, "product_id")))
        .outerjoin(_CUSTOMERS, _of_base(_NEEDS, sources))
        .where(_NEEDS.c.connection.in_(list(sources)), _NEEDS.c.record_state == LIVE)
        .group_by(product, region)
        .order_by(unmet.desc(), product, region)
    )
    return _rows(tx, query)


def deals_by_product(tx: Connection, sources: Sequence[str]) -> list[Row]:
    """(product, region, open deals, their amount), the largest amount first."""
    product = func.coalesce(_PRODUCTS.c.name, _DEALS.c.product_id, _UNNAMED)
    region = func.coalesce(_CUSTOMERS.c.region, "")
    amount = func.coalesce(func.sum(_DEALS.c.amount), 0)
    query = (
        select(product, region, func.count(), amount)
        .select_from(_DEALS.outerjoin(_PRODUCTS, _of(_DEALS, _PRODUCTS, "product_id")))
        .outerjoin(_CUSTOMERS, _of_base(_DEALS, sources))
        .where(_DEALS.c.connection.in_(list(sources)), _DEALS.c.record_state == LIVE)
        .where(func.coalesce(_DEALS.c.closed, 0) == 0)
        .group_by(product, region)
        .order_by(amount.desc(), product, region)
    )
    return _rows(tx, query)


def market_by_segment(tx: Connection, sources: Sequence[str], now: int, year: int) -> list[Row]:
    """(market segment, customers, orders' amount of the last year, of the year before), the
    largest first.

    Args:
        now: ms.
        year: ms.
    """
    ordered = _ORDERS.c.ordered_at
    amounts = (
        select(
            _ORDERS.c.customer_id,
            func.sum(_when((ordered > now - year) & (ordered <= now))).label("last"),
            func.sum(_when((ordered > now - 2 * year) & (ordered <= now - year))).label("before"),
        )
        .where(_ORDERS.c.connection.in_(list(sources)), _ORDERS.c.record_state == LIVE)
        .group_by(_ORDERS.c.customer_id)
        .subquery()
    )
    segment = func.coalesce(_CUSTOMERS.c.segment, _CUSTOMERS.c.industry, "not known")
    last = func.coalesce(func.sum(amounts.c.last), 0)
    query = (
        select(segment, func.count(), last, func.coalesce(func.sum(amounts.c.before), 0))
        .select_from(_CUSTOMERS.outerjoin(amounts, amounts.c.customer_id == _CUSTOMERS.c.id))
        .where(_CUSTOMERS.c.connection == sources[0], _CUSTOMERS.c.record_state == LIVE)
        .group_by(segment)
        .order_by(last.desc(), segment)
    )
    return _rows(tx, query)


def service_cases(tx: Connection, sources: Sequence[str]) -> list[Row]:
    """(product or family, open cases, solved cases) of the needs that came as tickets."""
    is_met = case((_NEEDS.c.met == 1, 1), else_=0)
    product = func.coalesce(_PRODUCTS.c.name, _NEEDS.c.family, _NEEDS.c.product_id, _UNNAMED)
    unmet = func.sum(1 - is_met)
    query = (
        select(product, unmet, func.sum(is_met))
        .select_from(_NEEDS.outerjoin(_PRODUCTS, _of(_NEEDS, _PRODUCTS, "product_id")))
        .where(_NEEDS.c.connection.in_(list(sources)), _NEEDS.c.record_state == LIVE)
        .where(_NEEDS.c.source == "ticket")
        .group_by(product)
        .order_by(unmet.desc(), product)
    )
    return _rows(tx, query)


def feedback_times(tx: Connection, sources: Sequence[str]) -> list[Row]:
    """(given at in ms, expected, actual) of each feedback that has an answer, by time and id."""
    query = (
        select(_FEEDBACK.c.given_at, _FEEDBACK.c.expected, _FEEDBACK.c.actual)
        .where(_FEEDBACK.c.connection.in_(list(sources)), _FEEDBACK.c.record_state == LIVE)
        .where(_FEEDBACK.c.given_at.is_not(None), _FEEDBACK.c.actual.is_not(None))
        .order_by(_FEEDBACK.c.given_at, _FEEDBACK.c.id)
    )
    return _rows(tx, query)


def _when(condition: ColumnElement[bool]) -> ColumnElement[float]:
    return case((condition, _ORDERS.c.amount), else_=0)


def _of(fact: Any, record: Any, column: str) -> ColumnElement[bool]:
    """The record of the fact's own connection that it names."""
    joined: ColumnElement[bool] = (record.c.connection == fact.c.connection) & (
        record.c.id == fact.c[column]
    )
    return joined


def _of_base(fact: Any, sources: Sequence[str]) -> ColumnElement[bool]:
    """The customer of the base connection: facts of completing ones name it by the same id."""
    joined: ColumnElement[bool] = (_CUSTOMERS.c.connection == sources[0]) & (
        _CUSTOMERS.c.id == fact.c.customer_id
    )
    return joined


def _rows(tx: Connection, query: Select[Any]) -> list[Row]:
    return [tuple(row) for row in tx.execute(query)]
