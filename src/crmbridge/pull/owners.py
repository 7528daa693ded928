"""Takes the owner that a customer lacks from its latest deal, where the settings say so."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from crmbridge.pull.source import Source
from crmbridge.store.schema import LIVE, RECORDS
from crmbridge.store.writing import in_parts


def fill_owners(tx: Connection, source: Source) -> int:
    """Give customers without an owner that of their latest deal, by opening day, then by id.

    Returns:
        How many got one.
    """
    customers = RECORDS["customers"]
    owner = _latest_owner(source)
    statement = (
        update(customers)
        .where(
            customers.c.connection == source.connection,
            customers.c.owner_id.is_(None),
            customers.c.record_state == LIVE,
            owner.is_not(None),
        )
        .values(owner_id=owner, changed_run=source.run_id)
    )
    return tx.execute(statement).rowcount


def _latest_owner(source: Source) -> Any:
    deals = RECORDS["deals"]
    return (
        select(deals.c.owner_id)
        .where(
            deals.c.connection == source.connection,
            deals.c.customer_id == RECORDS["customers"].c.id,
            deals.c.owner_id.is_not(None),
            deals.c.record_state == LIVE,
        )
        .order_by(deals.c.opened_on.desc().nulls_last(), deals.c.id.desc())
        .limit(1)
        .correlate(RECORDS["customers"])
        .scalar_subquery()
    )


def owners_of(tx: Connection, source: Source, ids: Iterable[str]) -> dict[str, str]:
    """Customer id -> owner of its latest deal; those without one are left out."""
    deals = RECORDS["deals"]
    latest: dict[str, tuple[str, str, str]] = {}
    for part in in_parts(ids):
        query = select(deals.c.customer_id, deals.c.opened_on, deals.c.id, deals.c.owner_id).where(
            deals.c.connection == source.connection,
            deals.c.customer_id.in_(part),
            deals.c.owner_id.is_not(None),
            deals.c.record_state == LIVE,
        )
        for customer, opened_on, id_, owner in tx.execute(query):
            candidate = (opened_on or "", id_, owner)
            latest[customer] = max(candidate, latest.get(customer, candidate))
    return {customer: owner for customer, (_, _, owner) in latest.items()}
