"""Keeps visit plans: what was planned, what was left out, and what each plan was made from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import Connection, func, select

from crmbridge.records import Reason, RecordKey, to_millis
from crmbridge.store.reasons import reasons_of, reasons_text
from crmbridge.store.schema import left_out, plans, visits
from crmbridge.store.writing import insert_rows, put


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan's head.

    Args:
        connection: whose calendars it is for.
        published_at: when it came into force, ms; None while nobody approved it.
        start_on: first day, ``YYYY-MM-DD``.
        parameters, problem, summary: JSON; from the problem the plan can be computed again.
    """

    id: str
    connection: str
    run_id: int
    created_at: int
    published_at: int | None = None
    start_on: str
    days: int
    input_digest: str
    seed: int
    parameters: str
    problem: str
    summary: str


class PlannedVisit(Protocol):
    """What the store keeps of a planned visit; `crmbridge.planning.Visit` is one."""

    @property
    def id(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def rep(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def start_at(self) -> datetime: ...
    @property
    def end_at(self) -> datetime: ...
    @property
    def zone(self) -> str: ...
    @property
    def wall_start(self) -> datetime: ...
    @property
    def sequence(self) -> int: ...
    @property
    def travel_minutes(self) -> float | None: ...
    @property
    def value(self) -> float: ...
    @property
    def fixedness(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def reasons(self) -> tuple[Reason, ...]: ...


class CustomerLeftOut(Protocol):
    """What the store keeps of a customer without a visit; `crmbridge.planning.LeftOut` is one."""

    @property
    def customer(self) -> str: ...
    @property
    def rep(self) -> str | None: ...
    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def change(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVisit:
    """A visit of a plan.

    Args:
        visit_id: the same in every plan that has the visit.
        number: running number of the visit to this customer, from 1.
        day: ``YYYY-MM-DD`` on the rep's wall clock; `wall_start` is ``YYYY-MM-DDTHH:MM``.
        start_at: ms, as `end_at`.
        score: what the visit is worth, 0 to 100.
    """

    plan_id: str
    visit_id: str
    customer: RecordKey
    number: int
    rep: str
    day: str
    start_at: int
    end_at: int
    zone: str
    wall_start: str
    sequence: int
    travel_minutes: float | None
    score: float
    fixedness: str
    origin: str
    reasons: tuple[Reason, ...]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLeftOut:
    """A customer that a plan left out, why, and the smallest change that would help."""

    plan_id: str
    customer: RecordKey
    rep: str
    code: str
    text: str
    change: str


_CUSTOMER = ("connection", "customer_object", "customer_id")
_VISIT = (
    "plan_id", "visit_id", *_CUSTOMER, "number", "rep", "day", "start_at", "end_at", "zone",
    "wall_start", "sequence", "travel_minutes", "score", "fixedness", "origin", "reasons",
    "revision",
)  # fmt: skip
_LEFT_OUT = ("plan_id", *_CUSTOMER, "rep", "code", "text", "change")


def save_plan(
    tx: Connection,
    plan: StoredPlan,
    planned: Sequence[PlannedVisit],
    not_planned: Sequence[CustomerLeftOut] = (),
) -> None:
    """Keep a plan whole; the same plan made again stays in force if it was."""
    for table in (visits, left_out):
        tx.execute(table.delete().where(table.c.plan_id == plan.id))
    put(tx, plans, [asdict(plan)], keep=("published_at", "created_at", "run_id"))
    insert_rows(tx, visits, _VISIT, (_visit_row(plan.id, visit) for visit in planned))
    insert_rows(tx, left_out, _LEFT_OUT, (_left_out_row(plan.id, one) for one in not_planned))


def publish_plan(tx: Connection, plan_id: str, at: int) -> None:
    """Bring a plan into force, ms."""
    tx.execute(plans.update().where(plans.c.id == plan_id).values(published_at=at))


def get_plan(tx: Connection, plan_id: str) -> StoredPlan | None:
    """A plan's head by its id."""
    row = tx.execute(select(plans).where(plans.c.id == plan_id)).one_or_none()
    return None if row is None else StoredPlan(**row._asdict())


def list_plans(tx: Connection, limit: int = 20) -> list[StoredPlan]:
    """Plans, those made last first."""
    query = select(plans).order_by(plans.c.created_at.desc(), plans.c.run_id.desc(), plans.c.id)
    return [StoredPlan(**row._asdict()) for row in tx.execute(query.limit(limit))]


def plans_named(tx: Connection, start: str, limit: int) -> list[StoredPlan]:
    """Plans whose id begins so, by id."""
    query = select(plans).where(plans.c.id.startswith(start, autoescape=True)).order_by(plans.c.id)
    return [StoredPlan(**row._asdict()) for row in tx.execute(query.limit(limit))]


def last_plan(tx: Connection, connection: str) -> StoredPlan | None:
    """The plan for a connection's calendars that was made last, in force or not."""
    made = (plans.c.created_at.desc(), plans.c.run_id.desc(), plans.c.id)
    return _first(tx, connection, *made)


def plan_in_force(tx: Connection, connection: str) -> StoredPlan | None:
    """The plan for a connection's calendars that was published last; None if none was."""
    published = plans.c.published_at.is_not(None)
    return _first(tx, connection, plans.c.published_at.desc(), plans.c.id, where=(published,))


def first_published(tx: Connection, since: int) -> int | None:
    """When the first plan came into force that was made since a time, ms; None if none was."""
    made = plans.c.created_at >= since
    at: int | None = tx.scalar(select(func.min(plans.c.published_at)).where(made))
    return at


def load_visits(tx: Connection, plan_id: str) -> list[StoredVisit]:
    """A plan's visits by rep, time and id."""
    order = (visits.c.rep, visits.c.start_at, visits.c.visit_id)
    query = select(visits).where(visits.c.plan_id == plan_id).order_by(*order)
    return [_visit(row) for row in tx.execute(query)]


def former_visits(tx: Connection, plan: StoredPlan, since: str) -> list[StoredVisit]:
    """Visits of plans that were in force before and that this one no longer has, by id.

    Args:
        since: first day looked at, YYYY-MM-DD.
    """
    kept = select(visits.c.visit_id).where(visits.c.plan_id == plan.id)
    query = (
        select(visits)
        .join(plans, plans.c.id == visits.c.plan_id)
        .where(
            plans.c.connection == plan.connection,
            plans.c.published_at.is_not(None),
            visits.c.day >= since,
            visits.c.visit_id.not_in(kept),
        )
        .order_by(visits.c.visit_id, plans.c.published_at, plans.c.id)
    )
    latest = {row.visit_id: row for row in tx.execute(query)}
    return [_visit(row) for row in latest.values()]


def load_left_out(tx: Connection, plan_id: str) -> list[StoredLeftOut]:
    """Customers that a plan left out, by key."""
    order = (left_out.c[name] for name in _CUSTOMER)
    query = select(left_out).where(left_out.c.plan_id == plan_id).order_by(*order)
    return [
        StoredLeftOut(
            plan_id=row.plan_id,
            customer=_customer(row),
            rep=row.rep,
            code=row.code,
            text=row.text,
            change=row.change,
        )
        for row in tx.execute(query)
    ]


def find_visit(tx: Connection, visit_id: str) -> StoredVisit | None:
    """A visit as the plan made last has it."""
    query = (
        select(visits)
        .join(plans, plans.c.id == visits.c.plan_id)
        .where(visits.c.visit_id == visit_id)
        .order_by(plans.c.created_at.desc(), plans.c.id)
    )
    row = tx.execute(query.limit(1)).one_or_none()
    return None if row is None else _visit(row)


def visit_numbers(tx: Connection) -> dict[RecordKey, int]:
    """Customer -> highest running number of any visit that was ever planned."""
    key = [visits.c[name] for name in _CUSTOMER]
    rows = tx.execute(select(*key, func.max(visits.c.number)).group_by(*key))
    return {RecordKey(row[0], row[1], row[2]): row[3] for row in rows}


def _first(tx: Connection, connection: str, *order: Any, where: Any = ()) -> StoredPlan | None:
    query = select(plans).where(plans.c.connection == connection, *where).order_by(*order)
    row = tx.execute(query.limit(1)).one_or_none()
    return None if row is None else StoredPlan(**row._asdict())


def _visit_row(plan_id: str, visit: PlannedVisit) -> tuple[Any, ...]:
    key = RecordKey.parse(visit.customer)
    return (
        *(plan_id, visit.id, key.connection, key.object, key.id, visit.number, visit.rep),
        *(visit.day.isoformat(), to_millis(visit.start_at), to_millis(visit.end_at), visit.zone),
        *(f"{visit.wall_start:%Y-%m-%dT%H:%M}", visit.sequence, visit.travel_minutes),
        *(visit.value, str(visit.fixedness), "ours", reasons_text(visit.reasons)),
        visit.revision,
    )


def _left_out_row(plan_id: str, one: CustomerLeftOut) -> tuple[Any, ...]:
    key = RecordKey.parse(one.customer)
    head = (plan_id, key.connection, key.object, key.id)
    return (*head, one.rep or "", str(one.code), one.text, one.change)


def _customer(row: Any) -> RecordKey:
    return RecordKey(row.connection, row.customer_object, row.customer_id)


def _visit(row: Any) -> StoredVisit:
    """The row's columns, of which three are its customer."""
    own: dict[str, Any] = {f.name: getattr(row, f.name, None) for f in fields(StoredVisit)}
    return StoredVisit(**{**own, "customer": _customer(row), "reasons": reasons_of(row.reasons)})
