"""One rep's problem laid out for the searches, and the searches of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from crmbridge.planning.board import Board, Held, Standing, held_days, lay_board, with_bonus
from crmbridge.planning.change import Act, Change
from crmbridge.planning.distances import Distances, distances_of
from crmbridge.planning.greedy import by_value, fill, first_tours
from crmbridge.planning.kept import Kept, keep_visits
from crmbridge.planning.policy import Refusal, Wish, wishes
from crmbridge.planning.problem import Problem, Rep
from crmbridge.planning.raising import ENOUGH_MORE, TOP_SCORE, raised
from crmbridge.planning.tours import TourState
from crmbridge.planning.visit import Budget, Visit, WhyNot
from crmbridge.planning.workdays import Workday, workdays
from crmbridge.planning.zones import seconds_of, wall_clock

MOST_WISHES = 2000
"""Most visits of one rep that are weighed against each other; the ways between more of them take
gigabytes, and a rep makes a few hundred in a horizon."""
FIRST = Budget(iterations=0)
"""The first plan, without a search."""
USUAL_WAY = 15
"""Minutes, to hold visits of different lengths against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Tours that a search found, and how far it came."""

    state: TourState
    iterations: int = 0
    cut_by_cap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A rep's days, wishes and ways, and what stood before.

    Args:
        rep: with the nights away that the days are laid for.
        refused: customers without a wish, and why.
        crowded: customers of these that so many others are worth more than.
        unweighed: customers of the visits due to those, one for each.
        before: where the loose visits of the plan before had their nodes.
    """

    rep: Rep
    kept: Kept
    days: Sequence[Workday]
    wanted: Sequence[Wish]
    refused: dict[str, Refusal]
    crowded: Sequence[str]
    unweighed: Sequence[str]
    distances: Distances
    board: Board
    before: Sequence[Standing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a short search can place, without names, reasons and times.

    Args:
        kept: customers of visits that stand and stay, one for each.
        wanted: customers of the other visits that are due, one for each.
        placed: those of them that found a place.
        unweighed: customers of due visits for which so many others left no chance, one for each.
        travel_minutes: of all days together, the ways home included.
    """

    kept: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    placed: tuple[str, ...] = ()
    unweighed: tuple[str, ...] = ()
    travel_minutes: float = 0.0


def try_out(problem: Problem, rep: Rep) -> Trial:
    """Plan a rep's part of a problem just far enough to count what fits: the first plan."""
    return _counted(lay_out(problem, rep, keep_visits(problem, rep)), FIRST)


def try_harder(problem: Problem, rep: Rep, effort: Budget) -> tuple[Trial, Trial]:
    """The first plan, and what a short search makes of it where it has no room for everybody."""
    laid = lay_out(problem, rep, keep_visits(problem, rep))
    first = _counted(laid, FIRST)
    is_enough = len(first.placed) == len(first.wanted)
    return first, first if is_enough else _counted(laid, effort)


def _counted(laid: Layout, budget: Budget) -> Trial:
    state = _search(laid.board, laid.before, budget).state
    limits = laid.board.day_travel.tolist()
    travel = sum(limit - left for limit, left in zip(limits, state.travel_left, strict=True))
    return Trial(
        kept=tuple(visit.customer for visit in laid.kept.visits),
        wanted=tuple(wish.customer.key for wish in laid.wanted),
        placed=tuple(laid.wanted[node].customer.key for node in sorted(state.placed)),
        unweighed=tuple(laid.unweighed),
        travel_minutes=travel / 60,
    )


def lay_out(problem: Problem, rep: Rep, kept: Kept) -> Layout:
    """Everything that a search of the rep's days plays on."""
    days = workdays(problem, rep, kept.visits)
    every, refused = _wanted(problem, kept)
    wanted, crowded = _weighed(every)
    distances = distances_of(problem, rep.id)
    return Layout(
        rep=rep,
        kept=kept,
        days=days,
        wanted=wanted,
        refused={**refused, **crowded},
        crowded=sorted(crowded),
        unweighed=[wish.customer.key for wish in every if wish.customer.key in crowded],
        distances=distances,
        board=lay_board(problem, rep, days, wanted, distances),
        before=_nodes_before(wanted, days, kept.loose),
    )


def weighed_customers(part: Problem) -> frozenset[str]:
    """Keys of those of one rep's customers between whom ways are looked up."""
    kept = keep_visits(part, part.reps[0])
    wanted, _ = _weighed(_wanted(part, kept)[0])
    stand = {visit.customer for visit in part.previous}
    return frozenset(wish.customer.key for wish in wanted) | stand


def _weighed(wanted: list[Wish]) -> tuple[list[Wish], dict[str, Refusal]]:
    """The wishes that are worth most for their time, and why the others are none."""
    if len(wanted) <= MOST_WISHES:
        return wanted, {}
    rates = {id(wish): _rate(wish) for wish in wanted}
    ranked = sorted(wanted, key=lambda wish: (-rates[id(wish)], wish.customer.key))
    least = rates[id(ranked[MOST_WISHES - 1])]
    stay = {wish.customer.key for wish in ranked[:MOST_WISHES]}
    crowded = {
        wish.customer.key: _crowded_out(wish, least / rates[id(wish)])
        for wish in wanted
        if wish.customer.key not in stay
    }
    return [wish for wish in wanted if wish.customer.key in stay], crowded


def _rate(wish: Wish) -> float:
    """Value for each minute that a visit usually takes."""
    return max(value for _, value in wish.values) / (wish.customer.minutes + USUAL_WAY)


def _crowded_out(wish: Wish, times: float) -> Refusal:
    """Why a wish is not weighed at all.

    Args:
        times: how often its rate goes into the least that is weighed.
    """
    customer, until = wish.customer, wish.values[-1][0]
    text = f"{MOST_WISHES} others of the rep are worth more for their time"
    if not customer.value:
        change, fix = "A score of 100", Change(act=Act.WORTH, amount=TOP_SCORE)
    else:
        change, fix = raised(customer, max(times, 1.0) * ENOUGH_MORE, until, is_sure=False)
    return Refusal(code=WhyNot.LOWER_VALUE, text=text, change=change, fix=fix)


def search_layout(problem: Problem, layout: Layout, budget: Budget) -> Search:
    """The best plan that keeps the churn budget; where the first plan cannot, it moves no more."""
    rules, before = problem.rules, layout.before
    board = with_bonus(layout.board, before, rules.keep_bonus)
    return _search(board, before, budget, held_days(board, before, rules.churn_budget))


def worth_of_visits(layout: Layout, found: Search) -> float:
    """What the visits of a search are worth, wherever they stood before."""
    state, value = found.state, layout.board.value
    return sum(float(value[node, state.legs[leg][4]]) for node, leg in state.placed.items())


def _wanted(problem: Problem, kept: Kept) -> tuple[list[Wish], dict[str, Refusal]]:
    """All wishes in node order, and why the other customers have none."""
    days = _days_taken(problem, kept)
    wanted, refused = list[Wish](), dict[str, Refusal]()
    for customer in problem.customers:
        found = wishes(problem, customer, tuple(sorted(days.get(customer.key, ()))))
        if isinstance(found, Refusal):
            refused[customer.key] = found
        else:
            wanted += found
    return wanted, refused


def _days_taken(problem: Problem, kept: Kept) -> dict[str, set[date]]:
    """Days on which a customer is seen anyhow: kept visits, and appointments in the calendar."""
    zone = problem.reps[0].zone
    days = {one.key: set(one.seen_on) for one in problem.customers if one.seen_on}
    for visit in kept.visits:
        days.setdefault(visit.customer, set()).add(visit.day)
    for item in problem.appointments:
        day = wall_clock(int(item.start_at.timestamp()), zone).date()
        if item.customer and problem.first <= day <= problem.last:
            days.setdefault(item.customer, set()).add(day)
    return days


def _search(
    board: Board, before: Sequence[Standing], budget: Budget, held: Held | None = None
) -> Search:
    first = first_tours(board, before)
    if budget.iterations == 0 or board.nodes == 0:
        return Search(state=first)
    # Only here, since it loads the compiler.
    from crmbridge.planning.search import Effort, search

    effort = Effort(
        iterations=budget.iterations, seconds=budget.seconds or math.inf, seed=budget.seed
    )
    found = search(board, first.freeze(), effort, held=held)
    state = TourState(board)
    state.load(found.tours)
    fill(state, by_value(board))
    return Search(state=state, iterations=found.iterations, cut_by_cap=found.cut)


def _nodes_before(
    wanted: Sequence[Wish], days: Sequence[Workday], loose: Sequence[Visit]
) -> list[Standing]:
    """Where the earlier plan had which nodes, each visit with a node of its own."""
    index = {day.day: i for i, day in enumerate(days)}
    nodes: dict[str, list[int]] = {}
    for node, wish in enumerate(wanted):
        nodes.setdefault(wish.customer.key, []).append(node)
    found = []
    for visit in loose:
        left = nodes.get(visit.customer, [])
        worth = {node: dict(wanted[node].values).get(visit.day, 0.0) for node in left}
        best = max(left, key=lambda node: (worth[node], -node), default=None)
        if best is not None and worth[best] > 0 and visit.day in index:
            left.remove(best)
            day = index[visit.day]
            start = days[day].to_working(seconds_of(visit.start_at))
            found.append(Standing(node=best, day=day, start=start))
    return found
