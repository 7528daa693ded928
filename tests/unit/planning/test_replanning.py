"""A visit keeps its id; what is pinned, frozen, declined or snoozed is honoured."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from crmbridge.planning import (
    Budget,
    DateRange,
    Fixedness,
    Reply,
    Rules,
    check_plan,
    diff_plans,
    plan_visits,
    visit_id,
)
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


def planned(problem):
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []
    return plan


def again(problem, plan, **changes):
    return replace(problem, previous=plan.visits, **changes)


def pinned(visit, hour):
    start = datetime(visit.day.year, visit.day.month, visit.day.day, hour, tzinfo=UTC)
    return replace(
        visit,
        fixedness=Fixedness.PINNED,
        start_at=start,
        end_at=start + (visit.end_at - visit.start_at),
        wall_start=datetime(visit.day.year, visit.day.month, visit.day.day, hour + 1),
    )


def some_customers(count=12, **changes):
    return [a_customer(f"c{i:02}", value=10.0 + i, **changes) for i in range(count)]


def test_the_first_visit_s_id_follows_from_connection_customer_and_number():
    (visit,) = planned(a_problem([a_customer("c1", last_number=4)])).visits

    assert (visit.number, visit.id) == (5, visit_id("sales", "c1", 5))


def test_replanning_the_same_changes_nothing():
    problem = a_problem(some_customers())
    plan = planned(problem)

    second = planned(again(problem, plan))

    assert second.visits == plan.visits


def test_a_visit_that_must_move_keeps_its_id_and_counts_a_revision():
    problem = a_problem([a_customer("c1")])
    plan = planned(problem)
    ill = a_rep(absences=(DateRange(first=MONDAY, last=MONDAY),))

    (visit,) = planned(again(problem, plan, reps=(ill,))).visits

    assert visit.id == plan.visits[0].id
    assert visit.day == TUESDAY
    assert visit.revision == 1


def test_one_more_customer_moves_no_other():
    problem = a_problem(some_customers())
    plan = planned(problem)
    more = (*problem.customers, a_customer("new", value=11.5))

    second = planned(again(problem, plan, customers=more))

    diff = diff_plans(plan.visits, second)
    assert diff.to_another_day == 0
    assert [visit.customer for visit in diff.new] == ["new"]


def test_the_churn_budget_is_kept():
    problem = a_problem(some_customers(60), rules=Rules(keep_bonus=0.0))
    plan = planned(problem)
    worth_more = [replace(item, value=70 - item.value) for item in problem.customers]
    changed = again(problem, plan, customers=tuple(worth_more))
    budget = Budget(iterations=500, seconds=0)

    free = plan_visits(changed, budget)
    steady = plan_visits(replace(changed, rules=Rules(keep_bonus=0.0, churn_budget=0.1)), budget)

    assert diff_plans(plan.visits, free).churn > 0.1
    assert diff_plans(plan.visits, steady).churn <= 0.1
    assert check_plan(changed, steady) == []


def test_a_pinned_visit_stays_to_the_minute():
    problem = a_problem(some_customers())
    moved = pinned(planned(problem).visits[0], 14)

    plan = planned(replace(problem, previous=(moved,)))

    (kept,) = [visit for visit in plan.visits if visit.id == moved.id]
    assert (kept.start_at, kept.end_at) == (moved.start_at, moved.end_at)
    assert kept.reasons[0].text == "Put there by the rep"


def test_a_visit_pinned_outside_hours_and_shift_stays_all_the_same():
    problem = a_problem([a_customer("c1", opening=hours(9, 12))])
    moved = pinned(planned(problem).visits[0], 19)

    (visit,) = planned(replace(problem, previous=(moved,))).visits

    assert visit.start_at == moved.start_at


def test_a_pinned_visit_against_an_appointment_is_kept_and_reported():
    problem = a_problem([a_customer("c1")])
    moved = pinned(planned(problem).visits[0], 14)
    clash = an_appointment(moved.start_at, moved.end_at, label="Board")

    plan = planned(replace(problem, previous=(moved,), appointments=(clash,)))

    assert plan.visits[0].start_at == moved.start_at
    assert [finding.code for finding in plan.findings] == ["plan.pinned_clash"]


def test_consent_withdrawn_stands_above_a_pin():
    problem = a_problem([a_customer("c1")])
    moved = pinned(planned(problem).visits[0], 14)
    barred = (a_customer("c1", barred="denied yesterday"),)

    assert planned(replace(problem, previous=(moved,), customers=barred)).visits == ()


def test_frozen_days_stay_as_they_are():
    problem = a_problem(some_customers(), rules=Rules(freeze_days=1))
    plan = planned(problem)
    late = an_appointment(datetime(2026, 3, 3, 8, tzinfo=UTC), datetime(2026, 3, 3, 15, tzinfo=UTC))

    second = planned(again(problem, plan, appointments=(late,)))

    monday = [visit for visit in plan.visits if visit.day == MONDAY]
    kept = [visit for visit in second.visits if visit.day == MONDAY]
    assert [(v.id, v.start_at) for v in kept] == [(v.id, v.start_at) for v in monday]
    assert {visit.fixedness for visit in kept} == {Fixedness.FROZEN}


def test_a_frozen_visit_gives_way_to_a_new_appointment_and_keeps_its_id():
    problem = a_problem([a_customer("c1")], rules=Rules(freeze_days=5))
    (visit,) = planned(problem).visits
    clash = an_appointment(visit.start_at, visit.end_at)

    second = planned(replace(problem, previous=(visit,), appointments=(clash,)))

    assert second.visits[0].id == visit.id
    assert second.visits[0].start_at >= clash.end_at
    assert [finding.code for finding in second.findings] == ["plan.frozen_released"]


def test_a_frozen_visit_gives_way_to_one_that_the_rep_put_there():
    problem = a_problem([a_customer("a"), a_customer("b")], rules=Rules(freeze_days=5))
    first, second = planned(problem).visits
    dragged = replace(
        second,
        fixedness=Fixedness.PINNED,
        start_at=first.start_at,
        end_at=first.end_at,
        wall_start=first.wall_start,
    )

    after = planned(replace(problem, previous=(first, dragged)))

    places = {visit.id: visit.start_at for visit in after.visits}
    assert places[second.id] == first.start_at
    assert places[first.id] >= first.end_at
    assert [finding.code for finding in after.findings] == ["plan.frozen_released"]


def test_two_visits_that_the_rep_put_at_one_time_stay_and_are_reported():
    problem = a_problem([a_customer("a"), a_customer("b")])
    first, second = (pinned(visit, 14) for visit in planned(problem).visits)

    after = planned(replace(problem, previous=(first, second)))

    assert {visit.start_at for visit in after.visits} == {first.start_at}
    (finding,) = after.findings
    assert (finding.code, finding.count) == ("plan.pinned_clash", 2)


def test_a_visit_that_has_begun_gives_way_to_nothing():
    problem = a_problem([a_customer("c1")])
    (visit,) = planned(problem).visits
    late = an_appointment(visit.start_at, visit.end_at)
    begun = visit.start_at + timedelta(minutes=5)

    (same,) = planned(again(problem, planned(problem), appointments=(late,), now=begun)).visits

    assert same.start_at == visit.start_at


def test_a_visit_that_has_begun_is_not_moved():
    problem = a_problem(some_customers(3), days=1)
    plan = planned(problem)
    later = replace(again(problem, plan), now=plan.visits[0].start_at + timedelta(minutes=5))

    assert planned(later).visits[0].start_at == plan.visits[0].start_at


def test_a_declined_visit_leaves_the_plan_and_a_snoozed_one_waits():
    problem = a_problem([a_customer("a"), a_customer("b")])
    plan = planned(problem)
    answers = (
        a_customer("a", reply=Reply.DECLINED),
        a_customer("b", reply=Reply.SNOOZED, reply_until=TUESDAY),
    )

    (visit,) = planned(again(problem, plan, customers=answers)).visits

    assert (visit.customer, visit.day) == ("b", TUESDAY)


def test_a_new_owner_takes_the_visit_over_under_its_id():
    reps = (a_rep(), a_rep("bob"))
    problem = a_problem([a_customer("c1")], reps=reps)
    (visit,) = planned(problem).visits

    (taken,) = planned(
        replace(problem, previous=(visit,), customers=(a_customer("c1", owner="bob"),))
    ).visits

    assert (taken.id, taken.rep, taken.revision) == (visit.id, "bob", 1)


def test_a_customer_due_twice_is_planned_twice_with_its_gap():
    customer = a_customer("c1", every_days=7, min_gap_days=5)

    plan = planned(a_problem([customer], days=12))

    first, second = (visit.day for visit in plan.visits)
    assert (second - first).days >= 5
    assert [visit.number for visit in plan.visits] == [1, 2]


def test_a_pinned_visit_takes_the_place_of_one_of_two():
    problem = a_problem([a_customer("c1", every_days=7, min_gap_days=5)], days=12)
    moved = pinned(planned(problem).visits[0], 14)

    plan = planned(replace(problem, previous=(moved,)))

    assert len(plan.visits) == 2
    assert plan.visits[0].id == moved.id
    assert (plan.visits[1].day - plan.visits[0].day).days >= 5


def test_visits_before_and_after_the_horizon_are_left_alone():
    problem = a_problem([a_customer("c1")])
    (visit,) = planned(problem).visits
    past = replace(visit, day=date(2026, 2, 20), start_at=datetime(2026, 2, 20, 9, tzinfo=UTC))

    (new,) = planned(replace(problem, previous=(past,))).visits

    assert new.number == visit.number + 1


def test_five_drop_outs_and_one_new_appointment_leave_the_others_on_their_day():
    customers = [
        a_customer(f"c{i:03}", value=20.0 + (i * 37) % 80, minutes=30 + 15 * (i % 3))
        for i in range(150)
    ]
    problem = a_problem(customers, days=12)
    strong = Budget(iterations=2000, seconds=0)
    plan = plan_visits(problem, strong)
    gone = {visit.customer for visit in plan.visits[3::9][:5]}
    busy = an_appointment(
        datetime(2026, 3, 4, 8, tzinfo=UTC), datetime(2026, 3, 4, 11, tzinfo=UTC), label="Fair"
    )
    left = tuple(item for item in customers if item.key not in gone)
    changed = again(problem, plan, customers=left, appointments=(busy,))

    second = plan_visits(changed, strong)

    assert check_plan(changed, second) == []
    survivors = [visit for visit in plan.visits if visit.customer not in gone]
    days = {(visit.customer, visit.day) for visit in second.visits}
    same = sum((visit.customer, visit.day) in days for visit in survivors)
    assert same >= 0.9 * len(survivors)
    diff = diff_plans(plan.visits, second, changed)
    assert all(move.cause for move in diff.moved)
    assert all(drop.cause for drop in diff.dropped)
    assert f"of {len(plan.visits)} visits moved" in diff.sentence()


def test_one_customer_more_stays_within_the_churn_budget():
    problem = a_problem(some_customers(60), rules=Rules(churn_budget=0.05))
    strong = Budget(iterations=1000, seconds=0)
    plan = plan_visits(problem, strong)
    more = again(problem, plan, customers=(*problem.customers, a_customer("new", value=90.0)))

    second = plan_visits(more, strong)

    assert "new" in {visit.customer for visit in second.visits}
    assert diff_plans(plan.visits, second, more).churn <= 0.05
