"""What is proposed for a customer left out does bring it in, or is said not to be sure."""

import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from crmbridge.planning import (
    Act,
    Budget,
    DateRange,
    Reply,
    Rules,
    WhyNot,
    apply_change,
    check_plan,
    plan_visits,
)
from crmbridge.testing.planning import (
    HOME,
    MONDAY,
    a_customer,
    a_problem,
    a_rep,
    a_week,
    an_appointment,
    hours,
    travel,
)

SMALL = Budget(iterations=2000, seconds=0)
GREEDY = Budget(iterations=0)


def crowded(seed, customers=58, miles=70):
    """Three days of one rep, with room for about a third of the customers."""
    rng = random.Random(seed)
    spots = {HOME: (miles / 2, miles / 2)}
    found = []
    for number in range(customers):
        key = f"c{number:02}"
        spots[key] = (rng.uniform(0, miles), rng.uniform(0, miles))
        opens = rng.choice([8, 8, 8, 9, 13])
        found.append(
            a_customer(
                key,
                rng.uniform(10, 90),
                minutes=rng.choice([30, 45, 60]),
                every_days=rng.choice([14, 30, 60]),
                opening=hours(opens, rng.choice([17, 18])),
                last_visit_on=MONDAY - timedelta(days=rng.randrange(20, 100)),
            )
        )
    rep = a_rep(shifts=a_week(lunch_minutes=45))
    return a_problem(found, days=3, reps=(rep,), travels=(travel(spots),))


@dataclass(frozen=True)
class Said:
    """One customer left out: what was proposed, and whether that brought it in."""

    act: Act
    amount: float
    change: str
    is_sure: bool
    is_in: bool


@pytest.fixture(scope="module")
def proposals():
    return [said for seed in range(6) for said in proposals_of(crowded(seed))]


def proposals_of(problem):
    plan = plan_visits(problem, SMALL)
    standing = replace(problem, previous=plan.visits)
    for out in plan.left_out:
        changed = apply_change(standing, out.customer, out.fix)
        second = plan_visits(changed, SMALL)
        assert check_plan(changed, second) == []
        is_in = out.customer in {visit.customer for visit in second.visits}
        fix = out.fix
        yield Said(fix.act, fix.amount, out.change, fix.is_sure, is_in)


def test_the_change_proposed_brings_the_customer_in_or_is_not_sure(proposals):
    came = sum(said.is_in for said in proposals)

    print(f"{sum(said.is_sure for said in proposals)} of {len(proposals)} are sure; {came} came in")
    assert len(proposals) >= 200
    assert came >= 0.95 * len(proposals)
    assert [said for said in proposals if said.is_sure and not said.is_in] == []
    assert sum(said.is_sure for said in proposals) >= 0.7 * len(proposals)
    assert all(said.is_sure != said.change.startswith("Perhaps: ") for said in proposals)


def test_no_score_is_proposed_that_no_customer_can_have(proposals):
    scores = [said.amount for said in proposals if said.act is Act.WORTH]
    in_words = [float(n) for p in proposals for n in re.findall(r"score of ([\d.]+)", p.change)]

    assert scores
    assert max(scores) <= 100
    assert sorted(in_words) == sorted(scores)


def test_a_person_can_make_most_of_the_changes(proposals):
    by_hand = {Act.PRIORITY, Act.HORIZON, Act.MINUTES, Act.SHIFT, Act.VISITS}

    assert sum(said.act in by_hand for said in proposals) > 0.6 * len(proposals)
    priorities = [said.amount for said in proposals if said.act is Act.PRIORITY]
    assert max(priorities) <= 1000


def left_out(customer, others=(), budget=GREEDY, **changes):
    """What is said of one customer, and whether its change brings it in."""
    problem = a_problem([customer, *others], **changes)
    plan = plan_visits(problem, budget)
    (out,) = [one for one in plan.left_out if one.customer == customer.key]
    changed = apply_change(replace(problem, previous=plan.visits), customer.key, out.fix)
    second = plan_visits(changed, budget)
    assert check_plan(changed, second) == []
    return out, customer.key in {visit.customer for visit in second.visits}


LAST = date(2026, 3, 10)
ALONE = {
    "barred": ({"barred": "denied"}, Act.CONSENT),
    "declined": ({"reply": Reply.DECLINED}, Act.REPLY),
    "snoozed": ({"reply": Reply.SNOOZED, "reply_until": LAST}, Act.HORIZON),
    "snoozed for ever": ({"reply": Reply.SNOOZED}, Act.REPLY),
    "worthless": ({"value": 0.0}, Act.WORTH),
    "no priority": ({"value": 0.0, "priority": 0.0}, Act.PRIORITY),
    "not due": ({"every_days": 30, "last_visit_on": date(2026, 2, 20)}, Act.HORIZON),
    "seen": ({"min_gap_days": 12, "last_visit_on": date(2026, 2, 25)}, Act.HORIZON),
    "blocked": ({"blocked": (DateRange(first=MONDAY, last=LAST),)}, Act.HORIZON),
    "closed": ({"opening": ()}, Act.OPENING),
}


@pytest.mark.parametrize("name", sorted(ALONE))
def test_where_nobody_else_waits_the_change_is_enough(name):
    fields, act = ALONE[name]

    out, is_in = left_out(a_customer("c1", **fields))

    assert out.fix.act is act
    assert is_in


def test_a_contact_too_many_names_how_many():
    customer = a_customer("c1", contacts=(MONDAY - timedelta(days=1),) * 3)

    out, is_in = left_out(customer, rules=Rules(max_contacts=2, contact_days=30))

    assert (out.fix.act, out.fix.amount, is_in) == (Act.PRESSURE, 2, True)


def test_a_far_place_needs_longer_days():
    far = travel({HOME: (0, 0), "c1": (300, 0)})

    out, is_in = left_out(a_customer("c1"), travels=(far,))

    assert (out.fix.act, out.fix.amount, out.fix.is_sure, is_in) == (Act.MINUTES, 120, True, True)


def test_a_rep_without_shifts_needs_one():
    out, is_in = left_out(a_customer("c1"), reps=(a_rep(shifts=a_week()[1:], absences=(
        DateRange(first=MONDAY, last=MONDAY + timedelta(days=4)),)),))  # fmt: skip

    assert (out.fix.act, is_in) == (Act.SHIFT, True)


def test_who_is_met_anyhow_is_not_short_of_a_visit():
    meeting = an_appointment(
        datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC), customer="c1"
    )

    out, _ = left_out(a_customer("c1"), appointments=(meeting,))

    assert out.change.startswith("Perhaps: a horizon that reaches")


def test_what_a_score_cannot_bring_a_priority_does():
    rep = a_rep(shifts=a_week(end=10 * 60))
    rivals = [a_customer("a", 90.0), a_customer("b", 80.0)]
    poor = a_customer("c", 20.0, priority=0.5)

    out, is_in = left_out(poor, rivals, SMALL, days=1, reps=(rep,))

    # 90 x 1.15 x 1.5 = 155.25 against 20: 7.8 times as much, which no score of 40 can grow by.
    assert out.change == (
        "A priority of 3.9 instead of 0.5 until 2026-03-02 in the overrides file, "
        "to take the place of a on 2026-03-02"
    )
    assert (out.fix.act, out.fix.is_sure, is_in) == (Act.PRIORITY, True, True)


def test_a_score_is_named_without_the_priority():
    rep = a_rep(shifts=a_week(end=10 * 60))
    rivals = [a_customer("a", 90.0), a_customer("b", 20.0)]
    poor = a_customer("c", 40.0, priority=4.0)

    out, is_in = left_out(poor, rivals, SMALL, days=1, reps=(rep,))

    assert out.change.startswith("A score of 38.9 instead of 10.0")
    assert (out.fix.act, out.fix.amount, is_in) == (Act.WORTH, 38.9, True)


def test_a_rep_who_may_not_travel_that_far_says_so():
    far = travel({HOME: (0, 0), "c1": (60, 0)})

    out, is_in = left_out(a_customer("c1"), reps=(a_rep(max_travel_minutes=60),), travels=(far,))

    assert out.text == "The way there and back is longer than the rep may travel a day"
    assert out.change == "60 more minutes on the road a day"
    assert (out.fix.act, out.fix.amount, out.fix.is_sure, is_in) == (Act.TRAVEL, 60, True, True)


def test_a_rep_whose_travel_went_to_another_needs_more_of_it():
    far = travel({HOME: (0, 0), "c1": (60, 0), "c2": (0, 60)})
    rep = a_rep(max_travel_minutes=130)

    out, is_in = left_out(a_customer("c1"), [a_customer("c2", 50.0)], days=1, reps=(rep,),
                          travels=(far,))  # fmt: skip

    # 60 + 85 + 60 minutes against 130.
    assert out.text.startswith("No travel left: worth 10.0")
    assert out.change == "75 more minutes on the road a day"
    assert (out.fix.is_sure, is_in) == (True, True)


def test_days_full_of_appointments_need_one_more_visit():
    meetings = [
        an_appointment(
            datetime(2026, 3, 2, hour, tzinfo=UTC),
            datetime(2026, 3, 2, hour + 1, tzinfo=UTC),
            customer=f"x{hour}", place=HOME,
        )
        for hour in (9, 11)
    ]  # fmt: skip

    out, is_in = left_out(
        a_customer("c1"), days=1, reps=(a_rep(max_visits=1),), appointments=tuple(meetings)
    )

    assert out.text == "Every possible day holds its most visits already"
    assert out.change == "2 more visits a day"
    assert (out.fix.act, out.fix.is_sure, is_in) == (Act.VISITS, True, True)


def test_doors_that_shut_before_anyone_can_be_there_ask_for_an_opening():
    far = travel({HOME: (0, 0), "c1": (120, 0)})

    out, is_in = left_out(a_customer("c1", opening=hours(8, 9)), travels=(far,))

    assert out.code is WhyNot.TOO_FAR
    assert (out.change, out.fix.act, is_in) == (
        "Perhaps: an opening that the rep reaches in time", Act.OPENING, True,
    )  # fmt: skip
