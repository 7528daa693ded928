"""What changed from one plan to the next: kept, moved, new, dropped, and how much of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from crmbridge.planning.policy import Refusal, wishes
from crmbridge.planning.problem import Customer, Problem, Rep, Reply
from crmbridge.planning.visit import Fixedness, LeftOut, Plan, Visit, WhyNot

_SAME = 0.05
"""Values nearer than this read alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time that two plans have in common, and that still lies ahead of the later one.

    Args:
        since: aware; visits that begin before it are past.
        first: a day; visits before it are past, too.
        last: a day; visits after it are beyond.
    """

    since: datetime
    first: date
    last: date

    def is_past(self, visit: Visit) -> bool:
        """Whether a visit lies before it."""
        return visit.start_at < self.since or visit.day < self.first

    def holds(self, visit: Visit) -> bool:
        """Whether a visit lies in it."""
        return not self.is_past(visit) and visit.day <= self.last


def common_stretch(one: Problem, other: Problem) -> Stretch:
    """What the plans of two problems can be compared in."""
    return Stretch(
        since=max(one.now, other.now),
        first=max(one.first, other.first),
        last=min(one.last, other.last),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A visit that stands elsewhere now.

    Args:
        days: from the old day to the new one; 0 if only the time of day changed.
        minutes: from the old time of day to the new one, on the wall clock.
        cause: why, as far as the plans tell.
        is_forced: it could not have stayed: a person, a calendar or the customer saw to that.
    """

    before: Visit
    after: Visit
    days: int
    minutes: int
    cause: str
    is_forced: bool = False

    @property
    def leaves_day(self) -> bool:
        """Whether it changed its day or its rep."""
        return bool(self.days) or self.before.rep != self.after.rep


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A visit that is gone, and why; forced unless another visit was preferred to it."""

    before: Visit
    cause: str
    is_forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """The visits of two plans side by side, each list by start.

    Args:
        past: visits of the earlier plan that were over, and are not compared.
        beyond: visits of either plan on days that the other does not reach.
    """

    kept: tuple[Visit, ...] = ()
    moved: tuple[Move, ...] = ()
    new: tuple[Visit, ...] = ()
    dropped: tuple[Drop, ...] = ()
    past: int = 0
    beyond: int = 0

    @property
    def stood(self) -> int:
        """How many visits the earlier plan had."""
        return len(self.kept) + len(self.moved) + len(self.dropped)

    @property
    def to_another_day(self) -> int:
        """How many changed their day or their rep."""
        return sum(move.leaves_day for move in self.moved)

    @property
    def churn(self) -> float:
        """Share of the earlier visits that are dropped or on another day; 0 if there were none."""
        return (self.to_another_day + len(self.dropped)) / self.stood if self.stood else 0.0

    @property
    def forced(self) -> int:
        """How many of these had to go: no budget holds them."""
        moves = sum(move.leaves_day and move.is_forced for move in self.moved)
        return moves + sum(drop.is_forced for drop in self.dropped)

    @property
    def chosen_churn(self) -> float:
        """The part of `churn` that the plan chose; what its budget is about."""
        left = self.to_another_day + len(self.dropped)
        return (left - self.forced) / self.stood if self.stood else 0.0

    def sentence(self) -> str:
        """The diff in one line, for people."""
        return (
            f"{len(self.moved)} of {self.stood} visits moved{self._by_days()}, "
            f"{len(self.dropped)} dropped, {len(self.new)} new{self._outside()}"
        )

    def _outside(self) -> str:
        parts = [f"{self.forced} of these had to"] if self.forced else []
        parts += [f"{self.past} past"] if self.past else []
        parts += [f"{self.beyond} beyond the other plan"] if self.beyond else []
        return f"; {', '.join(parts)}" if parts else ""

    def _by_days(self) -> str:
        """How far, for those that left their day, such as ``1 by a day, 2 by more``."""
        days = [abs(move.days) for move in self.moved if move.days]
        one, more = days.count(1), sum(number > 1 for number in days)
        to_others = sum(move.before.rep != move.after.rep for move in self.moved)
        parts = [f"{one} by a day"] if one else []
        parts += [f"{more} by more"] if more else []
        parts += [f"{to_others} to another rep"] if to_others else []
        return f" ({', '.join(parts)})" if parts else ""


def diff_plans(
    before: Iterable[Visit],
    after: Plan,
    problem: Problem | None = None,
    stretch: Stretch | None = None,
) -> PlanDiff:
    """Compare the visits that stood with those of a new plan, by id.

    Args:
        before: visits as they stood.
        problem: what the new plan was made from, to name causes by; fewer are known without.
        stretch: only visits that are in it in either plan are compared; all if None.
    """
    old, new, outside = _cut(_by_id(before), _by_id(after.visits), stretch)
    reasons = {item.customer: item for item in after.left_out}
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
            _drop(visit, reasons.get(visit.customer), causes)
            for visit in _by_start(old[id_] for id_ in old.keys() - new.keys())
        ),
        past=outside[0],
        beyond=outside[1],
    )


_Visits = Mapping[str, Visit]


def _by_id(visits: Iterable[Visit]) -> _Visits:
    return {visit.id: visit for visit in visits}


def _cut(
    old: _Visits, new: _Visits, stretch: Stretch | None
) -> tuple[_Visits, _Visits, tuple[int, int]]:
    """The visits to compare, and how many of the others are past and beyond."""
    if stretch is None:
        return old, new, (0, 0)
    ids = old.keys() | new.keys()
    held = {
        id_ for id_ in ids if any(stretch.holds(plan[id_]) for plan in (old, new) if id_ in plan)
    }
    past = sum(stretch.is_past(old[id_]) for id_ in old.keys() - held)
    beyond = sum(not stretch.is_past(old.get(id_) or new[id_]) for id_ in ids - held)
    return (
        {id_: visit for id_, visit in old.items() if id_ in held},
        {id_: visit for id_, visit in new.items() if id_ in held},
        (past, beyond),
    )


def _drop(visit: Visit, left_out: LeftOut | None, causes: "_Causes") -> Drop:
    if left_out is None:
        return Drop(before=visit, cause=causes.of_drop(visit), is_forced=True)
    is_forced = left_out.code is not WhyNot.LOWER_VALUE
    return Drop(before=visit, cause=left_out.text, is_forced=is_forced)


def _stands(before: Visit, after: Visit) -> bool:
    return (before.rep, before.start_at, before.end_at) == (after.rep, after.start_at, after.end_at)


def _move(before: Visit, after: Visit, causes: "_Causes") -> Move:
    minutes = _minute(after) - _minute(before)
    days = (after.day - before.day).days
    forced = causes.that_force(before, after)
    cause = forced or causes.of_choice(before, after)
    return Move(
        before=before,
        after=after,
        days=days,
        minutes=minutes,
        cause=cause,
        is_forced=bool(forced),
    )


class _Causes:
    """Says why a visit left its place, from what stands there now."""

    def __init__(self, after: Plan, problem: Problem | None) -> None:
        self._visits = after.visits
        self._problem = problem
        self._reps = {item.id: item for item in problem.reps} if problem else {}
        self._customers = {item.key: item for item in problem.customers} if problem else {}

    def that_force(self, before: Visit, after: Visit) -> str:
        """Why it could not stay where it was; empty if nothing is seen that forbids it."""
        customer = self._customers.get(before.customer)
        if after.fixedness is Fixedness.PINNED:
            return f"{after.rep} put it there"
        if before.rep != after.rep:
            return f"The customer went from {before.rep} to {after.rep}"
        return (
            self._by_calendar(before)
            or (_by_customer(customer, before) if customer is not None else "")
            or self._by_neighbour(before, (Fixedness.PINNED, Fixedness.FROZEN))
        )

    def of_choice(self, before: Visit, after: Visit) -> str:
        """Why the plan put it elsewhere, from the surest to the vaguest."""
        return (
            _by_length(before, after)
            or self._by_neighbour(before, (Fixedness.SUGGESTED,))
            or self._by_worth(before, after)
            or "The day's order or travel changed"
        )

    def _by_worth(self, before: Visit, after: Visit) -> str:
        """What the visit itself is worth on either day; empty if it stays on its day."""
        customer = self._customers.get(before.customer)
        if before.day == after.day:
            return ""
        old = new = None
        if self._problem is not None and customer is not None:
            old, new = (_worth_on(self._problem, customer, v.day) for v in (before, after))
        if old is not None and new is not None and new > old + _SAME:
            return f"It is worth {new:.1f} there, and {old:.1f} on its old day"
        return "Its old day holds visits that are worth more together, or lie nearer"

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

    def _by_neighbour(self, before: Visit, kinds: tuple[Fixedness, ...]) -> str:
        """What of these kinds stands at the old time now, unless it is the visit itself."""
        for visit in self._visits:
            overlaps = visit.start_at < before.end_at and before.start_at < visit.end_at
            is_other = visit.rep == before.rep and visit.id != before.id
            if is_other and overlaps and visit.fixedness in kinds:
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


def _worth_on(problem: Problem, customer: Customer, day: date) -> float | None:
    """The most that a visit is worth on a day; None if none is wished for there."""
    found = wishes(problem, customer, ())
    if isinstance(found, Refusal):
        return None
    values = [value for wish in found for on, value in wish.values if on == day]
    return max(values, default=None)


def _minute(visit: Visit) -> int:
    return visit.wall_start.hour * 60 + visit.wall_start.minute


def _by_start(visits: Iterable[Visit]) -> tuple[Visit, ...]:
    found: Sequence[Visit] = list(visits)
    return tuple(sorted(found, key=lambda visit: (visit.start_at, visit.id)))
