"""What changed from one plan to the next: kept, moved, new, dropped, and how much of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmbridge.planning.problem import Customer, Problem, Rep, Reply
from crmbridge.planning.visit import Fixedness, Plan, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A visit that stands elsewhere now.

    Args:
        days: from the old day to the new one; 0 if only the time of day changed.
        minutes: from the old time of day to the new one, on the wall clock.
        cause: why, as far as the plans tell.
    """

    before: Visit
    after: Visit
    days: int
    minutes: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A visit that is gone, and why."""

    before: Visit
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """The visits of two plans side by side, each list by start."""

    kept: tuple[Visit, ...] = ()
    moved: tuple[Move, ...] = ()
    new: tuple[Visit, ...] = ()
    dropped: tuple[Drop, ...] = ()

    @property
    def stood(self) -> int:
        """How many visits the earlier plan had."""
        return len(self.kept) + len(self.moved) + len(self.dropped)

    @property
    def to_another_day(self) -> int:
        """How many changed their day or their rep."""
        return sum(1 for move in self.moved if move.days or move.before.rep != move.after.rep)

    @property
    def churn(self) -> float:
        """Share of the earlier visits that are dropped or on another day; 0 if there were none."""
        return (self.to_another_day + len(self.dropped)) / self.stood if self.stood else 0.0

    def sentence(self) -> str:
        """The diff in one line, for people."""
        return (
            f"{len(self.moved)} of {self.stood} visits moved{self._by_days()}, "
            f"{len(self.dropped)} dropped, {len(self.new)} new"
        )

    def _by_days(self) -> str:
        """How far, for those that left their day, such as ``1 by a day, 2 by more``."""
        days = [abs(move.days) for move in self.moved if move.days]
        one, more = days.count(1), sum(number > 1 for number in days)
        to_others = sum(move.before.rep != move.after.rep for move in self.moved)
        parts = [f"{one} by a day"] if one else []
        parts += [f"{more} by more"] if more else []
        parts += [f"{to_others} to another rep"] if to_others else []
        return f" ({', '.join(parts)})" if parts else ""


def diff_plans(before: Iterable[Visit], after: Plan, problem: Problem | None = None) -> PlanDiff:
    """Compare the visits that stood with those of a new plan, by id.

    Args:
        before: visits of the horizon as they stood; done and past ones left away.
        problem: what the new plan was made from, to name causes by; fewer are known without.
    """
    old = {visit.id: visit for visit in before}
    new = {visit.id: visit for visit in after.visits}
    reasons = {item.customer: item.text for item in after.left_out}
    common = [(old[id_], new[id_]) for id_ in old.keys() & new.keys()]
    still = [(a, b) for a, b in common if _stands(a, b)]
    causes = _Causes(after, problem)
    return PlanDiff(
        kept=_by_start(b for _, b in still),
        moved=tuple(
            sorted(
                (_move(a, b, causes) for a, b in common if not _stands(a, b)),
                key=lambda move: (move.after.start_at, move.after.id),
            )
        ),
        new=_by_start(new[id_] for id_ in new.keys() - old.keys()),
        dropped=tuple(
            Drop(before=visit, cause=reasons.get(visit.customer) or causes.of_drop(visit))
            for visit in _by_start(old[id_] for id_ in old.keys() - new.keys())
        ),
    )


def _stands(before: Visit, after: Visit) -> bool:
    return (before.rep, before.start_at, before.end_at) == (after.rep, after.start_at, after.end_at)


def _move(before: Visit, after: Visit, causes: "_Causes") -> Move:
    minutes = _minute(after) - _minute(before)
    days = (after.day - before.day).days
    cause = causes.of_move(before, after)
    return Move(before=before, after=after, days=days, minutes=minutes, cause=cause)


class _Causes:
    """Says why a visit left its place, from what stands there now."""

    def __init__(self, after: Plan, problem: Problem | None) -> None:
        self._visits = after.visits
        self._problem = problem
        self._reps = {item.id: item for item in problem.reps} if problem else {}
        self._customers = {item.key: item for item in problem.customers} if problem else {}

    def of_move(self, before: Visit, after: Visit) -> str:
        """The first cause that holds, from the surest to the vaguest."""
        customer = self._customers.get(before.customer)
        if after.fixedness is Fixedness.PINNED:
            return f"{after.rep} put it there"
        if before.rep != after.rep:
            return f"The customer went from {before.rep} to {after.rep}"
        return (
            self._by_calendar(before)
            or (_by_customer(customer, before) if customer is not None else "")
            or _by_length(before, after)
            or self._by_neighbour(before)
            or _by_nothing_seen(before, after)
        )

    def of_drop(self, before: Visit) -> str:
        """Why a customer without any visit, or with another one instead, lost this one."""
        if self._problem is not None and before.customer not in self._customers:
            return "The customer is gone, closed or belongs to nobody here"
        customer = self._customers.get(before.customer)
        if customer is not None and _is_put_off(customer, before):
            return f"Put off until {customer.reply_until}"
        if any(visit.customer == before.customer for visit in self._visits):
            return "Another visit to the customer stands instead"
        return "No longer in the problem"

    def _by_calendar(self, before: Visit) -> str:
        from crmbridge.planning.workdays import shift_on

        rep: Rep | None = self._reps.get(before.rep)
        if self._problem is None or rep is None:
            return ""
        day = before.day.isoformat()
        if before.end_at <= self._problem.now:
            return f"{day} is over"
        if shift_on(rep, before.day) is None:
            return f"{before.rep} does not work on {day}"
        for item in self._problem.appointments:
            is_there = item.start_at < before.end_at and before.start_at < item.end_at
            if item.rep == before.rep and is_there:
                return f"{item.label or 'An appointment'} stands there now"
        return ""

    def _by_neighbour(self, before: Visit) -> str:
        """What stands at the old time now, unless it is the visit itself."""
        for visit in self._visits:
            overlaps = visit.start_at < before.end_at and before.start_at < visit.end_at
            if visit.rep == before.rep and visit.id != before.id and overlaps:
                customer = self._customers.get(visit.customer)
                name = (customer.name if customer is not None else "") or visit.customer
                return f"Makes room for {name}"
        return ""


def _is_put_off(customer: Customer, before: Visit) -> bool:
    until = customer.reply_until
    return customer.reply is Reply.SNOOZED and until is not None and before.day < until


def _by_customer(customer: Customer, before: Visit) -> str:
    day = before.day.isoformat()
    if any(item.holds(before.day) for item in customer.blocked):
        return f"The customer takes no visits on {day}"
    if customer.opening is not None and not customer.zone:
        start = _minute(before)
        end = start + round((before.end_at - before.start_at).total_seconds() / 60)
        windows = [w for w in customer.opening if w.weekday == before.day.weekday()]
        if not any(w.opens <= start and end <= w.closes for w in windows):
            return f"The customer is no longer open then on {day}"
    return ""


def _by_length(before: Visit, after: Visit) -> str:
    if before.end_at - before.start_at != after.end_at - after.start_at:
        return "The visit's length changed"
    return ""


def _by_nothing_seen(before: Visit, after: Visit) -> str:
    if before.day == after.day:
        return "The day's order or travel changed"
    return "It is worth more, or takes less travel, on the other day"


def _minute(visit: Visit) -> int:
    return visit.wall_start.hour * 60 + visit.wall_start.minute


def _by_start(visits: Iterable[Visit]) -> tuple[Visit, ...]:
    found: Sequence[Visit] = list(visits)
    return tuple(sorted(found, key=lambda visit: (visit.start_at, visit.id)))
