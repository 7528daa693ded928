"""Nobody is contacted more often than the rules allow, visits that are planned included."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from crmbridge.planning import Budget, Rules, WhyNot, check_plan, plan_visits
from crmbridge.testing.planning import MONDAY, a_customer, a_problem, an_appointment

GREEDY = Budget(iterations=0)


def planned(customer, days=5, **rules):
    problem = a_problem([customer], days=days, rules=Rules(**rules))
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []
    return plan


def ago(*days):
    return tuple(MONDAY - timedelta(days=n) for n in days)


def test_a_customer_who_had_enough_is_left_alone_and_says_why():
    plan = planned(a_customer("c1", contacts=ago(1, 2)), max_contacts=2, contact_days=30)

    (out,) = plan.left_out
    assert out.code is WhyNot.CONTACTED_OFTEN
    assert out.text == "2 contacts stand; at most 2 in 30 days"
    assert out.change


def test_the_visit_waits_until_an_old_contact_no_longer_counts():
    plan = planned(a_customer("c1", contacts=ago(7, 3)), max_contacts=2, contact_days=10)

    # The contact of seven days ago counts for ten days: from Thursday on there is room again.
    assert [visit.day for visit in plan.visits] == [MONDAY + timedelta(days=3)]


def test_no_limit_counts_nothing():
    assert planned(a_customer("c1", contacts=ago(*range(1, 9)))).visits


def test_a_second_visit_counts_the_first():
    twice = a_customer("c1", every_days=7, min_gap_days=3)

    assert len(planned(twice, days=12, max_contacts=1, contact_days=30).visits) == 1
    assert len(planned(twice, days=12, max_contacts=2, contact_days=30).visits) == 2
    assert len(planned(twice, days=12, max_contacts=1, contact_days=3).visits) == 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    contacts=st.lists(st.integers(0, 20), max_size=6),
    most=st.integers(1, 4),
    days=st.integers(1, 25),
    every=st.integers(2, 10),
    gap=st.integers(0, 6),
    meets=st.none() | st.integers(0, 11),
)
def test_no_stretch_of_time_ever_holds_more_contacts_than_allowed(
    contacts, most, days, every, gap, meets
):
    customer = a_customer("c1", every_days=every, min_gap_days=gap, contacts=ago(*contacts))
    rules = Rules(max_contacts=most, contact_days=days)
    met = []
    if meets is not None:
        at = a_problem().now + timedelta(days=meets + 1)
        met = [an_appointment(at, at + timedelta(hours=1), customer="c1")]
    problem = a_problem([customer], days=12, rules=rules, appointments=tuple(met))

    plan = plan_visits(problem, GREEDY)

    standing = [*customer.contacts, *(item.start_at.date() for item in met)]
    new = [visit.day for visit in plan.visits]
    for end in new:
        inside = [day for day in standing + new if 0 <= (end - day).days < days]
        assert len(inside) <= most
    assert len(plan.visits) + len(plan.left_out) >= 1
