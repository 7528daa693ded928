"""What `show policy` tells a person: may it be visited, how often, when, and who says so."""

from datetime import date

import pytest

from crmbridge.cli.policy_text import policy_text
from crmbridge.errors import UsageError
from crmbridge.jobs.showing.hours import days_text, hours_text
from crmbridge.jobs.showing.policy import explain_policy
from crmbridge.planning import DateRange, Window
from crmbridge.records import to_millis

TOML = """
[connections.crm]
adapter = "csv"
[reps."ann@example.com"]
zone = "Europe/Berlin"
[planning]
overrides = "exceptions.csv"
class_default = "C"
[planning.classes.A]
every_days = 14
priority = 2.0
agenda = ["Thank for the last order"]
outcome = ["outcome"]
[planning.classes.C]
[planning.rules.dairy]
markets = ["Dairy"]
hours = [05:00:00, 09:00:00]
closed = [[2026-12-24, 2026-12-31]]
[planning.rules.rivals]
markets = ["Rivals"]
barred = "they sell the same"
"""
OPENING = '{"mon": [["07:00", "12:00"], ["13:00", "17:00"]], "tue": [["07:00", "12:00"]]}'
EXCEPTIONS = "customer,reason,until,minutes\nC2,tender,2026-04-01,90\n"


@pytest.fixture
def office(space, put, tmp_path):
    (tmp_path / "exceptions.csv").write_text(EXCEPTIONS)
    workspace = space(TOML)
    put(workspace, "reps", id="R1", name="Ann Berger", email="ann@example.com", active=1)

    def keep(id_, **fields):
        put(workspace, "customers", id=id_, name=f"Mill {id_}", owner_id="R1", **fields)

    keep("C1", **{"class": "A"}, last_visit_at=to_millis(workspace.clock.now()) - 20 * 86_400_000,
         visit_minutes=30, opening=OPENING, industry="Dairy")  # fmt: skip
    keep("C2", reply="snoozed", reply_until="2026-06-01")
    keep("C3", industry="Rivals")
    keep("C4", status="closed")
    put(workspace, "customers", id="C5", name="Mill C5", owner_id="R9")
    return workspace


def parts(document):
    return {line["part"]: (line["value"], line["origin"]) for line in document["lines"]}


def test_each_part_says_its_value_and_the_layer_it_is_from(office):
    found = parts(explain_policy(office, "C1"))

    assert found["class"] == ("A", "the CRM's record")
    assert found["interval"] == ("every 14 days", "planning.classes.A")
    assert found["length"] == ("30 minutes", "the CRM's record")
    assert found["priority"] == ("2", "planning.classes.A")
    assert found["next due"] == ("2026-02-24, 6 days overdue", "")
    assert found["open"] == (
        "Mon-Tue 07:00-09:00",
        "the CRM's record, cut by planning.rules.dairy",
    )
    assert found["closed on"] == ("2026-12-24 to 2026-12-31", "planning.rules.dairy")
    assert found["agenda"] == ("Thank for the last order", "planning.classes.A")
    assert found["to fill in"] == ("outcome", "planning.classes.A")
    assert found["rules"] == ("dairy", "those that fit")


def test_defaults_and_exceptions_are_named_too(office):
    found = parts(explain_policy(office, "C2"))

    assert found["class"] == ("C", "planning.class_default")
    assert found["interval"] == ("every 60 days", "planning.every_days")
    assert found["length"] == ("90 minutes", "exceptions.csv line 2 until 2026-04-01: tender")
    assert found["answer"] == ("put off until 2026-06-01", "")
    assert found["open"] == ("Mon-Fri 08:00-18:00", "planning.opening")
    assert found["consent"] == ("visits: not known, counts as allow", "consent.unknown.visit")


@pytest.mark.parametrize(
    ("customer", "why"),
    [
        ("C2", "2026-06-01"),
        ("C3", "they sell the same"),
        ("C4", "Its record is closed in the CRM"),
        ("C5", "No rep of this plan owns it"),
    ],
)
def test_who_may_not_be_visited_is_told_why(office, customer, why):
    document = explain_policy(office, customer)

    assert not document["may_be_visited"]
    assert why in document["why"]
    assert document["change"]
    assert "May be visited: no." in policy_text(document)


def test_the_text_is_narrow_and_holds_nothing_of_a_program(office):
    for customer in ("C1", "C2", "C3", "C4", "C5"):
        text = policy_text(explain_policy(office, customer))

        assert max(map(len, text.splitlines())) <= 80
        assert not [word for word in ("{", "[]", "()", "datetime", "None") if word in text]
    assert "Visited by: Ann Berger (ann@example.com)" in policy_text(explain_policy(office, "C1"))


def test_a_customer_nobody_knows_is_refused(office):
    with pytest.raises(UsageError, match="a customer that was pulled"):
        explain_policy(office, "crm/customers/C99")


def test_hours_are_grouped_by_weekdays_alike():
    week = [Window(weekday=day, opens=480, closes=1020) for day in range(5)]
    late = Window(weekday=5, opens=1320, closes=1560)
    split = Window(weekday=6, opens=0, closes=1440)

    assert hours_text([*week, late, split]) == (
        "Mon-Fri 08:00-17:00; Sat 22:00-02:00; Sun 00:00-24:00"
    )
    assert hours_text([week[0], week[2]]) == "Mon 08:00-17:00; Wed 08:00-17:00"
    assert (hours_text(()), hours_text(None)) == ("never open", "always open")


def test_closed_days_are_ranges_or_days():
    whole = DateRange(first=date(2026, 12, 24), last=date(2026, 12, 31))
    day = DateRange(first=date(2027, 1, 6), last=date(2027, 1, 6))

    assert days_text([whole, day]) == "2026-12-24 to 2026-12-31, 2027-01-06"
