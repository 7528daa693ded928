"""What is proposed for a customer left out does bring it in, or is said not to be sure."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from crmbridge.planning import (
    Act,
    Budget,
    DateRange,
    Reply,
    Rules,
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


def test_the_change_proposed_brings_the_customer_in_or_is_not_sure():
    outcomes = Counter()
    for seed in range(6):
        problem = crowded(seed)
        plan = plan_visits(problem, SMALL)
        standing = replace(problem, previous=plan.visits)
        for out in plan.left_out:
            changed = apply_change(standing, out.customer, out.fix)
            second = plan_visits(changed, SMALL)
            assert check_plan(changed, second) == []
            is_in = out.customer in {visit.customer for visit in second.visits}
            assert out.fix.is_sure != out.change.startswith("Perhaps: ")
            outcomes[is_in, out.fix.is_sure] += 1

    total = sum(outcomes.values())
    assert total >= 200
    assert outcomes[True, True] + outcomes[True, False] >= 0.95 * total
    assert outcomes[False, True] == 0, outcomes
    assert outcomes[True, True] > 0.5 * total, outcomes


def left_out(customer, others=(), **changes):
    """What is said of one customer, and whether its change brings it in."""
    problem = a_problem([customer, *others], **changes)
    plan = plan_visits(problem, Budget(iterations=0))
    (out,) = [one for one in plan.left_out if one.customer == customer.key]
    changed = apply_change(replace(problem, previous=plan.visits), customer.key, out.fix)
    second = plan_visits(changed, Budget(iterations=0))
    assert check_plan(changed, second) == []
    return out, customer.key in {visit.customer for visit in second.visits}


LAST = date(2026, 3, 10)
ALONE = {
    "barred": ({"barred": "denied"}, Act.CONSENT),
    "declined": ({"reply": Reply.DECLINED}, Act.REPLY),
    "snoozed": ({"reply": Reply.SNOOZED, "reply_until": LAST}, Act.HORIZON),
    "worthless": ({"value": 0.0}, Act.WORTH),
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
