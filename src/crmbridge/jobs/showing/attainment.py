"""Measures how far plans were kept as they were published: visits made, and customers on time."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from crmbridge.jobs.analysis.customers import base_connections
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import Problem, loads
from crmbridge.push.visits import visit_key
from crmbridge.records import RecordKey, from_millis, to_millis
from crmbridge.store.plans import plan_in_force
from crmbridge.store.published import PublishedVisit, visits_as_published
from crmbridge.store.schema import LIVE
from crmbridge.store.territory import load_last_visits, load_ours

DAY = 86_400_000
NEAR_DAYS = 7
"""Where a calendar shows nothing of a visit, one to the same customer so near counts for it."""

_NOT_MADE = ("missed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How much of something was kept.

    Args:
        by: all, rep or period.
        group: the rep, the month, or all.
        sentence: the same in words; it says why there is no share where nothing was promised.
    """

    by: str
    group: str
    kept: int
    promised: int
    sentence: str

    @property
    def share(self) -> float | None:
        """Kept over promised; None where nothing was."""
        return self.kept / self.promised if self.promised else None


def plan_attainment(workspace: Workspace, days: int = 365) -> list[Kept]:
    """Visits made over visits due, by the plan that was in force when each was due.

    A visit counts as made where its calendar entry stands and nobody marked it missed or
    cancelled; where no entry was ever seen, where the customer was visited within a week of it.
    """
    now = workspace.clock.now()
    since, until = to_millis(now - timedelta(days=days)), to_millis(now)
    due: list[PublishedVisit] = []
    states: dict[str, bool] = {}
    last: dict[tuple[str, str], int] = {}
    with workspace.store.read() as tx:
        for connection in sorted({*workspace.settings.connections, ""}):
            due += visits_as_published(tx, connection, since, until)
        for row in load_ours(tx, {visit_key(one.connection, one.visit_id) for one in due}):
            stands = row["record_state"] == LIVE and row["status"] not in _NOT_MADE
            states[row["visit_key"]] = stands or states.get(row["visit_key"], False)
        for base, sources in base_connections(workspace.settings).items():
            visited = load_last_visits(tx, sources, until)
            last |= {(base, id_): at for id_, at in visited.items()}
    made = [_is_made(one, states, last) for one in due]
    groups: Mapping[str, Callable[[PublishedVisit], str]] = {
        "all": lambda _: "all",
        "rep": lambda one: one.rep,
        "period": lambda one: one.day[:7],
    }
    return [
        kept
        for by, group_of in groups.items()
        for kept in _counted(by, [group_of(one) for one in due], made, _ATTAINED)
    ]


def _is_made(
    one: PublishedVisit, states: Mapping[str, bool], last: Mapping[tuple[str, str], int]
) -> bool:
    seen = states.get(visit_key(one.connection, one.visit_id))
    if seen is not None:
        return seen
    at = last.get((one.customer.connection, one.customer.id))
    return at is not None and abs(at - one.start_at) <= NEAR_DAYS * DAY


def frequency_compliance(workspace: Workspace) -> list[Kept]:
    """Customers visited within their interval over those with one, by the plans in force."""
    now = workspace.clock.now()
    reps: list[str] = []
    on_time: list[bool] = []
    last: dict[tuple[str, str], int] = {}
    with workspace.store.read() as tx:
        for base, sources in base_connections(workspace.settings).items():
            visited = load_last_visits(tx, sources, to_millis(now))
            last |= {(base, id_): at for id_, at in visited.items()}
        for connection in sorted({*workspace.settings.connections, ""}):
            plan = plan_in_force(tx, connection)
            if plan is None:
                continue
            for customer in loads(Problem, plan.problem).customers:
                if not customer.every_days or customer.barred:
                    continue
                key = RecordKey.parse(customer.key)
                at = last.get((key.connection, key.id))
                day = from_millis(at).date() if at is not None else customer.last_visit_on
                reps.append(customer.owner or "no rep")
                on_time.append(day is not None and (now.date() - day).days <= customer.every_days)
    all_ = _counted("all", ["all"] * len(reps), on_time, _COMPLIANT)
    return [*all_, *_counted("rep", reps, on_time, _COMPLIANT)]


def kept_rows(workspace: Workspace) -> list[tuple[str, str, str, float | None, str]]:
    """Both figures as rows beside the four ratios; see `showing.ratios.HEADERS`."""
    found = {
        "plan_attainment": plan_attainment(workspace),
        "frequency_compliance": frequency_compliance(workspace),
    }
    return [
        (one.by, one.group, name, one.share, one.sentence)
        for name, all_ in found.items()
        for one in all_
    ]


_ATTAINED = ("visits as published were made", "No published visit was due, so there is no share")
_COMPLIANT = ("customers were visited in time", "No published plan with intervals, so no share")


def _counted(
    by: str, groups: Iterable[str], kept: Iterable[bool], said: tuple[str, str]
) -> list[Kept]:
    promised, good = Counter[str](), Counter[str]()
    for group, is_kept in zip(groups, kept, strict=True):
        promised[group] += 1
        good[group] += is_kept
    if by == "all" and not promised:
        promised["all"] = 0
    return [
        Kept(by=by, group=group, kept=good[group], promised=count,
             sentence=_sentence(good[group], count, said))
        for group, count in sorted(promised.items())
    ]  # fmt: skip


def _sentence(kept: int, promised: int, said: tuple[str, str]) -> str:
    if not promised:
        return said[1]
    return f"{kept} of {promised} {said[0]} ({100 * kept / promised:.0f} %)"
