"""What changed from one plan to the next: kept, moved, new, dropped, and how much of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmbridge.planning.visit import Plan, Visit


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
            f"{len(self.moved)} of {self.stood} visits moved, {self.to_another_day} to another "
            f"day, {len(self.dropped)} dropped, {len(self.new)} new"
        )


def diff_plans(before: Iterable[Visit], after: Plan) -> PlanDiff:
    """Compare the visits that stood with those of a new plan, by id.

    Args:
        before: visits of the horizon as they stood; done and past ones left away.
    """
    old = {visit.id: visit for visit in before}
    new = {visit.id: visit for visit in after.visits}
    reasons = {item.customer: item.text for item in after.left_out}
    common = [(old[id_], new[id_]) for id_ in old.keys() & new.keys()]
    still = [(a, b) for a, b in common if _stands(a, b)]
    return PlanDiff(
        kept=_by_start(b for _, b in still),
        moved=tuple(
            sorted(
                (_move(a, b) for a, b in common if not _stands(a, b)),
                key=lambda move: (move.after.start_at, move.after.id),
            )
        ),
        new=_by_start(new[id_] for id_ in new.keys() - old.keys()),
        dropped=tuple(
            Drop(before=visit, cause=reasons.get(visit.customer, "No longer in the problem"))
            for visit in _by_start(old[id_] for id_ in old.keys() - new.keys())
        ),
    )


def _stands(before: Visit, after: Visit) -> bool:
    return (before.rep, before.start_at, before.end_at) == (after.rep, after.start_at, after.end_at)


def _move(before: Visit, after: Visit) -> Move:
    minutes = _minute(after) - _minute(before)
    days = (after.day - before.day).days
    return Move(before=before, after=after, days=days, minutes=minutes, cause=_cause(before, after))


def _cause(before: Visit, after: Visit) -> str:
    if before.rep != after.rep:
        return f"The customer went from {before.rep} to {after.rep}"
    if before.end_at - before.start_at != after.end_at - after.start_at:
        return "The visit's length changed"
    if before.day == after.day:
        return "The day's order or travel changed"
    return "It fits better, or only, on the other day"


def _minute(visit: Visit) -> int:
    return visit.wall_start.hour * 60 + visit.wall_start.minute


def _by_start(visits: Iterable[Visit]) -> tuple[Visit, ...]:
    found: Sequence[Visit] = list(visits)
    return tuple(sorted(found, key=lambda visit: (visit.start_at, visit.id)))
