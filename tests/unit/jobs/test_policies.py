"""Which policy holds for a customer, in which order the settings speak, and what they refuse."""

from datetime import date
from pathlib import Path

import pytest

from crmbridge.errors import ConfigError, StorageError
from crmbridge.jobs.territory.opening import allowed_windows
from crmbridge.jobs.territory.overrides import Override, read_overrides
from crmbridge.jobs.territory.policies import Facts, facts_of, unused_rules, visit_policy
from crmbridge.planning import Window
from crmbridge.settings import loads

TODAY = date(2026, 3, 2)
TOML = """
[planning]
every_days = 90
class_default = "C"
[planning.classes.A]
every_days = 14
minutes = 60
agenda = ["Thank for the last order"]
outcome = ["outcome"]
[planning.classes.C]
[planning.rules.milk]
needs = ["Milk"]
classes = ["A"]
every_days = 10
agenda = ["Show the new cooler"]
closed = [2026-05-01]
[planning.rules.north]
markets = ["North", "Coast"]
days = ["mon", "tue"]
hours = [09:00:00, 11:30:00]
priority = 2.0
[planning.rules.rivals]
segments = ["competitors"]
barred = "they buy from themselves"
"""


def planning(text=TOML):
    return loads(text, {}, Path()).planning


def a_row(**changes):
    names = ("class", "segment", "industry", "region", "country", "visit_interval_days",
             "visit_minutes", "min_gap_days")  # fmt: skip
    return {**dict.fromkeys(names), **changes}


def policy(row=None, overrides=(), text=TOML, **words):
    row = row or a_row()
    settings = planning(text)
    return visit_policy(facts_of(row, settings.class_default, **words), row, settings, overrides)


def test_the_defaults_hold_where_nothing_else_speaks():
    found = policy(a_row(**{"class": "B"}))

    assert (found.every_days, found.minutes, found.min_gap_days, found.priority) == (90, 45, 7, 1.0)
    assert found.origins["every_days"] == "planning"


def test_class_then_rule_then_record_then_exception():
    row = a_row(**{"class": "A"})
    exception = Override(
        customer="c1", reason="tender", until=TODAY, values={"every_days": 5}, line="o.csv line 2"
    )

    of_class = policy(row)
    of_rule = policy(row, needs=["MILK"])
    of_record = policy(a_row(**{"class": "A", "visit_interval_days": 7}), needs=["milk"])
    of_exception = policy(a_row(visit_interval_days=7), [exception])

    found = [p.every_days for p in (of_class, of_rule, of_record, of_exception)]
    assert found == [14, 10, 7, 5]
    assert of_rule.origins["every_days"] == "planning.rules.milk"
    assert of_exception.origins["every_days"] == "o.csv line 2 until 2026-03-02: tender"


def test_agendas_and_closed_days_add_up():
    found = policy(a_row(**{"class": "A"}), needs=["milk"])

    assert found.agenda == ("Thank for the last order", "Show the new cooler")
    assert found.closed == ((date(2026, 5, 1), date(2026, 5, 1)),)
    assert found.outcome == ("outcome",)
    assert found.origins["agenda"] == "planning.classes.A, planning.rules.milk"


def test_a_rule_holds_only_if_all_its_conditions_do():
    assert policy(a_row(**{"class": "C"}), needs=["milk"]).rules == ()
    assert policy(a_row(region="coast")).rules == ("north",)


def test_weekdays_hours_and_bars_come_through():
    found = policy(a_row(industry="NORTH"), segments=["Competitors"])

    assert found.days == ("mon", "tue")
    assert found.hours == (540, 690)
    assert found.barred == "they buy from themselves"
    assert found.priority == 2.0


def test_the_gap_is_at_most_half_the_interval_unless_somebody_says():
    assert policy(a_row(visit_interval_days=6)).min_gap_days == 3
    assert policy(a_row(visit_interval_days=6, min_gap_days=0)).min_gap_days == 0


def test_every_part_says_where_it_is_from():
    lines = policy(a_row(**{"class": "A"}), needs=["milk"]).lines()

    assert "every_days 10: planning.rules.milk" in lines
    assert "minutes 60: planning.classes.A" in lines
    assert lines[-1] == "rules that fit: milk"


def test_rules_that_fit_nobody_are_named():
    settings = planning()
    found = [policy(a_row(region="north"))]

    assert unused_rules(settings, found) == ["milk", "rivals"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[planning.rules.x]\nsegmnts = ["a"]', "Did you mean 'segments'?"),
        ('[planning.rules.x]\ndays = ["monday"]', "'mon'"),
        ('[planning.classes.Gold]\n[planning.rules.x]\nclasses = ["Glod"]', "Did you mean 'Gold'?"),
        ("[planning.rules.x]\nhours = [11:00:00, 09:00:00]", "a start before the end"),
        ("[planning.pressure]\nmax_contact = 3", "Did you mean 'max_contacts'?"),
        ('[planning.pressure]\nkinds = ["fax"]', "'visit'"),
        ('[planning.travel]\nservice = "osrm"', "planning.travel.url"),
        ('[planning.travel]\nservice = "orsm"', "'osrm'"),
    ],
)
def test_what_nobody_can_mean_is_refused_with_the_nearest(text, message):
    with pytest.raises(ConfigError) as raised:
        planning(text)

    assert message in raised.value.line()


def test_a_class_is_found_whatever_its_case():
    found = policy(a_row(**{"class": " a"}), needs=["milk"])

    assert (found.class_, found.minutes, found.rules) == ("A", 60, ("milk",))


def test_a_facts_class_is_the_default_where_the_record_has_none():
    assert facts_of(a_row(), "C") == Facts(class_="C")


def overrides(tmp_path, text):
    path = tmp_path / "exceptions.csv"
    path.write_text(text)
    return read_overrides(path, TODAY)


def test_exceptions_hold_to_their_last_day(tmp_path):
    text = (
        "customer,rep,reason,until,every_days,days\n"
        "crm/Account/1,ann,tender runs,2026-03-02,5,mon fri\n"
        "2,ann,over,2026-03-01,5,\n"
    )

    found = overrides(tmp_path, text)

    (one,) = found.of("crm/Account/1", "1")
    assert one.values == {"every_days": 5, "days": ("mon", "fri")}
    assert one.origin == "exceptions.csv line 2 by ann until 2026-03-02: tender runs"
    assert found.of("crm/Account/2", "2") == ()
    assert [finding.code for finding in found.findings] == ["policy.override_ended"]


@pytest.mark.parametrize(
    "line",
    [
        "1,,2026-05-01,5",
        "1,why,,5",
        "1,why,soon,5",
        "1,why,2026-05-01,0",
        "1,why,2026-05-01,often",
        ",why,2026-05-01,5",
    ],
)
def test_a_line_without_reason_end_or_sense_holds_nothing(line, tmp_path):
    good = "2,why,2026-05-01,5\n"

    found = overrides(tmp_path, f"customer,reason,until,every_days\n{line}\n{good}")

    assert [one.customer for one in found.all] == ["2"]
    assert found.findings[0].example.startswith("exceptions.csv line 2: expected")


def test_a_column_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'every_days'"):
        overrides(tmp_path, "customer,reason,until,evry_days\n")
    with pytest.raises(ConfigError, match="a column until"):
        overrides(tmp_path, "customer,reason\n")
    with pytest.raises(StorageError):
        read_overrides(tmp_path / "none.csv", TODAY)


def test_an_exception_may_say_hours_closed_days_and_agenda(tmp_path):
    head = "customer,reason,until,hours,closed,agenda\n"
    line = "1,why,2026-12-31,08:00-11:30,2026-08-01..2026-08-09 2026-10-02,Cake; Listen\n"

    (one,) = overrides(tmp_path, head + line).all
    found = policy(a_row(), [one], text='[planning.classes.A]\nagenda = ["Thank"]')

    assert found.hours == (480, 690)
    days = [(a.isoformat(), b.isoformat()) for a, b in found.closed]
    assert days == [("2026-08-01", "2026-08-09"), ("2026-10-02", "2026-10-02")]
    assert found.agenda == ("Cake", "Listen")


@pytest.mark.parametrize(
    "cells", ["8 to 12,", "12:00-08:00,", ",summer", ",2026-08-09..2026-08-01", "-,"]
)
def test_hours_and_closed_days_without_sense_hold_nothing(cells, tmp_path):
    found = overrides(tmp_path, f"customer,reason,until,hours,closed\n1,why,2026-12-31,{cells}\n")

    assert found.all == ()
    assert [one.code for one in found.findings] == ["policy.override_unread"]


def test_hours_are_cut_to_what_a_policy_leaves():
    morning = Window(weekday=0, opens=480, closes=720)
    later = Window(weekday=2, opens=840, closes=1080)

    assert allowed_windows((morning, later), (), None) == (morning, later)
    assert allowed_windows((morning, later), ("wed",), None) == (later,)
    cut = allowed_windows((morning, later), (), (540, 690))
    assert cut == (Window(weekday=0, opens=540, closes=690),)
