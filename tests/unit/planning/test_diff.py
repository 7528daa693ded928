"""Every move has its cause, and the sum of them is one line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crmbridge.planning import (
    Budget,
    DateRange,
    Fixedness,
    LeftOut,
    Reply,
    WhyNot,
    diff_plans,
    plan_visits,
)
from crmbridge.planning.diff import common_stretch
from crmbridge.testing.planning import (
    MONDAY,
    a_customer,
    a_problem,
    a_rep,
    an_appointment,
    hours,
)

GREEDY = Budget(iterations=0)
TUESDAY = MONDAY + timedelta(days=1)


def replanned(problem, **changes):
    """The first plan, and its difference to the plan of the changed problem."""
    first = plan_visits(problem, GREEDY)
    changed = replace(problem, previous=first.visits, **changes)
    second = plan_visits(changed, GREEDY)
    return first, diff_plans(first.visits, second, changed)


MEETING = an_appointment(
    datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 2, 17, tzinfo=UTC), label="Fair"
)
CAUSES = {
    "away": (
        {"reps": (a_rep(absences=(DateRange(first=MONDAY, last=MONDAY),)),)},
        "ann does not work on 2026-03-02",
    ),
    "meeting": ({"appointments": (MEETING,)}, "Fair stands there now"),
    "closed": (
        {"customers": (a_customer("c1", blocked=(DateRange(first=MONDAY, last=MONDAY),)),)},
        "The customer takes no visits on 2026-03-02",
    ),
    "hours": (
        {"customers": (a_customer("c1", opening=hours(14, 18)),)},
        "The customer is no longer open then on 2026-03-02",
    ),
    "length": ({"customers": (a_customer("c1", minutes=30),)}, "The visit's length changed"),
    "owner": (
        {"reps": (a_rep(), a_rep("bob")), "customers": (a_customer("c1", owner="bob"),)},
        "The customer went from ann to bob",
    ),
}


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_a_move_names_its_cause(name):
    changes, cause = CAUSES[name]

    _, diff = replanned(a_problem([a_customer("c1")]), **changes)

    assert [move.cause for move in diff.moved] == [cause]


def test_a_visit_that_a_person_moved_says_who():
    problem = a_problem([a_customer("c1")])
    first = plan_visits(problem, GREEDY)
    (visit,) = first.visits
    later = replace(
        visit,
        start_at=visit.start_at + timedelta(hours=3),
        end_at=visit.end_at + timedelta(hours=3),
        fixedness=Fixedness.PINNED,
    )
    changed = replace(problem, previous=(later,))

    diff = diff_plans(first.visits, plan_visits(changed, GREEDY), changed)

    assert diff.moved[0].cause == "ann put it there"


def test_what_makes_room_names_for_whom():
    problem = a_problem([a_customer("c1", name="Mill")])
    first = plan_visits(problem, GREEDY)
    (visit,) = first.visits
    other = replace(visit, id="x", customer="c2")
    moved = replace(visit, start_at=visit.end_at, end_at=visit.end_at + timedelta(hours=1))
    both = a_problem([a_customer("c1", name="Mill"), a_customer("c2", name="Barn")])
    after = replace(first, visits=(other, moved))

    assert diff_plans(first.visits, after, both).moved[0].cause == "Makes room for Barn"


def test_the_sentence_counts_moves_by_how_far():
    problem = a_problem([a_customer(f"c{i}") for i in range(4)])
    visits = plan_visits(problem, GREEDY).visits

    def later(visit, **shift):
        by = timedelta(**shift)
        return replace(
            visit, day=visit.day + timedelta(days=by.days), start_at=visit.start_at + by,
            end_at=visit.end_at + by,
        )  # fmt: skip

    after = replace(
        plan_visits(problem, GREEDY),
        visits=(visits[0], later(visits[1], minutes=20), later(visits[2], days=1),
                later(visits[3], days=3)),
    )  # fmt: skip

    sentence = diff_plans(visits, after).sentence()

    assert sentence == "3 of 4 visits moved (1 by a day, 1 by more), 0 dropped, 0 new"


def test_a_drop_says_why():
    problem = a_problem([a_customer("c1"), a_customer("c2")])

    _, declined = replanned(
        problem, customers=(a_customer("c1", reply=Reply.DECLINED), a_customer("c2"))
    )
    _, gone = replanned(problem, customers=(a_customer("c2"),))
    later = a_customer("c1", reply=Reply.SNOOZED, reply_until=TUESDAY)
    _, snoozed = replanned(problem, customers=(later, a_customer("c2")))

    assert [drop.cause for drop in declined.dropped] == ["The visit was declined"]
    assert [drop.cause for drop in snoozed.dropped] == ["Put off until 2026-03-03"]
    assert [drop.cause for drop in gone.dropped] == [
        "The customer is gone, closed or belongs to nobody here"
    ]


def test_only_what_both_plans_reach_and_is_to_come_is_compared():
    problem = a_problem([a_customer(f"c{i:02}") for i in range(40)], days=12)
    later = replace(
        problem, first=MONDAY + timedelta(days=7), now=datetime(2026, 3, 9, 5, tzinfo=UTC)
    )
    first = plan_visits(problem, GREEDY)
    second = plan_visits(replace(later, previous=first.visits), GREEDY)

    diff = diff_plans(first.visits, second, later, common_stretch(problem, later))

    past = [visit for visit in first.visits if visit.day < later.first]
    assert (diff.past, len(diff.dropped)) == (len(past), 0)
    assert diff.stood == len(first.visits) - len(past)
    assert all(visit.day <= problem.last for visit in diff.new)
    assert diff.sentence().endswith(f"; {diff.past} past, {diff.beyond} beyond the other plan")


def test_what_had_to_go_is_told_apart_from_what_was_chosen():
    problem = a_problem([a_customer("c1"), a_customer("c2"), a_customer("c3")])
    first = plan_visits(problem, GREEDY)
    gone = replace(first, visits=(first.visits[1],))
    by = timedelta(days=1)
    (left,) = gone.visits
    moved = replace(left, start_at=left.start_at + by, end_at=left.end_at + by, day=left.day + by)
    out = LeftOut(customer=first.visits[0].customer, rep="ann", code=WhyNot.BARRED, text="no")
    less = replace(out, customer=first.visits[2].customer, code=WhyNot.LOWER_VALUE)

    diff = diff_plans(first.visits, replace(gone, visits=(moved,), left_out=(out, less)), problem)

    assert [drop.is_forced for drop in diff.dropped] == [True, False]
    assert (diff.forced, diff.churn) == (1, 1.0)
    assert diff.chosen_churn == pytest.approx(2 / 3)
    assert (
        diff.sentence() == "1 of 3 visits moved (1 by a day), 2 dropped, 0 new; 1 of these had to"
    )


@pytest.mark.parametrize(
    ("tuesday", "cause"),
    [
        (20.0, "It is worth 20.0 there, and 10.0 on its old day"),
        (5.0, "Its old day holds visits that are worth more together, or lie nearer"),
    ],
)
def test_a_move_for_no_seen_cause_compares_what_the_days_are_worth(tuesday, cause):
    customer = a_customer("c1", day_values=((TUESDAY, tuesday),))
    problem = a_problem([customer])
    plan = plan_visits(a_problem([a_customer("c1")]), GREEDY)
    (visit,) = plan.visits
    by = timedelta(days=1)
    there = replace(visit, start_at=visit.start_at + by, end_at=visit.end_at + by, day=TUESDAY)

    diff = diff_plans(plan.visits, replace(plan, visits=(there,)), problem)

    assert [move.cause for move in diff.moved] == [cause]
