"""Queries for what was promised: visits as the plan in force at their time had them."""

from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, select

from crmbridge.records import RecordKey
from crmbridge.store.schema import plans, visits


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVisit:
    """A visit as the plan had it that was in force when it was due.

    Args:
        connection: whose calendar it is in.
        start_at: ms.
    """

    connection: str
    visit_id: str
    customer: RecordKey
    rep: str
    day: str
    start_at: int


def visits_as_published(
    tx: Connection, connection: str, since: int, until: int
) -> list[PublishedVisit]:
    """Visits due in a stretch of time, ms, `until` excluded; each by the plan that was in force.

    A plan is in force from its publication to the next one's; what a later plan moved away before
    it was due was not promised any more.
    """
    published = (
        select(plans.c.id, plans.c.published_at)
        .where(plans.c.connection == connection, plans.c.published_at.is_not(None))
        .order_by(plans.c.published_at, plans.c.created_at, plans.c.id)
    )
    heads = [tuple(row) for row in tx.execute(published)]
    found = []
    for (plan_id, start), (_, end) in pairwise([*heads, ("", until)]):
        query = (
            select(visits)
            .where(visits.c.plan_id == plan_id)
            .where(visits.c.start_at >= max(start, since), visits.c.start_at < min(end, until))
            .order_by(visits.c.start_at, visits.c.visit_id)
        )
        found += [
            PublishedVisit(
                connection=connection,
                visit_id=row.visit_id,
                customer=RecordKey(row.connection, row.customer_object, row.customer_id),
                rep=row.rep,
                day=row.day,
                start_at=row.start_at,
            )
            for row in tx.execute(query)
        ]
    return found
