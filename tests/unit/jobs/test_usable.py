"""One record's slip stops nobody else's visits: what no plan can use counts as not said."""

from datetime import date

import pytest

from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.problems import territories
from crmbridge.jobs.territory.travels import measure
from crmbridge.jobs.territory.usable import is_zone, usable
from crmbridge.planning.problem import MAX_INTERVAL_DAYS, MINUTES_PER_DAY
from crmbridge.records import MOST_INTERVAL_DAYS, MOST_VISIT_MINUTES, STREAMS

FIRST = date(2026, 3, 2)
TOML = """
[connections.crm]
adapter = "csv"
path = "data"
[planning]
visit_minutes = 40
every_days = 50
"""


def a_row(**changes):
    names = ("zone", "visit_interval_days", "visit_minutes", "min_gap_days")
    key = {"connection": "crm", "object": "Account", "id": "C1"}
    return {**key, **dict.fromkeys(names), **changes}


def a_problem(workspace):
    known = gather(workspace, FIRST).known
    (territory,) = territories(known, workspace.settings, FIRST, workspace.clock.now())
    return territory


@pytest.mark.parametrize(
    "name", ["Berlin", "Europe", "../etc/passwd", "W. Europe Standard Time", "\0", "x" * 300]
)
def test_a_text_that_names_no_zone_is_not_one(name):
    assert not is_zone(name)
    assert is_zone("Europe/Berlin")


def test_what_no_plan_can_use_counts_as_not_said():
    odd = a_row(zone="Berlin", visit_minutes=2000, visit_interval_days=5000, min_gap_days=3660)
    fine = a_row(id="C2", zone="UTC", visit_minutes=1440, visit_interval_days=3660)

    rows, findings = usable([odd, fine])

    assert rows == [a_row(min_gap_days=3660), fine]
    assert [(one.code, one.example) for one in findings] == [
        ("visit_interval_days_out_of_range", "crm/Account/C1: '5000'"),
        ("visit_minutes_out_of_range", "crm/Account/C1: '2000'"),
        ("zone_unreadable", "crm/Account/C1: 'Berlin'"),
    ]


def test_odd_records_stop_no_plan(space, put):
    workspace = space(TOML)
    put(workspace, "reps", id="R1", email="ann@example.com", zone="Mars/Base")
    odd = {"zone": "Berlin", "visit_minutes": 2000, "visit_interval_days": 5000}
    put(workspace, "customers", id="C1", owner_id="R1", last_visit_at=1_700_000_000_000, **odd)

    territory = a_problem(workspace)

    (customer,), (rep,) = territory.problem.customers, territory.problem.reps
    assert (customer.zone, customer.minutes, customer.every_days) == ("", 40, 50)
    assert str(customer.last_visit_on) == "2023-11-14"
    assert rep.zone == "UTC"
    told = {one.code: one.example for one in territory.findings}
    assert told["rep_zone_unreadable"] == "ann@example.com: 'Mars/Base'"


def test_a_rep_that_nobody_places_is_told(space, put):
    workspace = space(TOML)
    put(workspace, "reps", id="R1", email="ann@example.com", home_latitude=91, home_longitude=8)
    put(workspace, "reps", id="R2", email="idle@example.com")
    put(workspace, "customers", id="C1", owner_id="R1")

    told = {one.code: (one.count, one.example) for one in a_problem(workspace).findings}

    assert told["rep_without_zone"] == (1, "ann@example.com")
    assert told["rep_without_home"] == (1, "ann@example.com")


def test_days_start_and_end_where_the_settings_say(space, put):
    places = "start_places = { fri = [52.0, 13.0] }\nend_places = { mon = [53.0, 13.0] }\n"
    workspace = space(TOML + f'[reps."ann@example.com"]\nhome = [50.0, 13.0]\n{places}')
    put(workspace, "reps", id="R1", email="ann@example.com")
    put(workspace, "customers", id="C1", owner_id="R1", latitude=51.0, longitude=13.0)
    territory = a_problem(workspace)

    shifts = territory.problem.reps[0].shifts
    (travel,), _ = measure(
        territory.problem, territory.coordinates, workspace.settings.planning.speed
    )

    home = "home of ann@example.com"
    monday, friday = "end on mon of ann@example.com", "start on fri of ann@example.com"
    ends = [(shift.start_place, shift.end_place) for shift in shifts]
    assert ends == [(home, monday), *[(home, home)] * 3, (friday, home)]
    assert set(travel.places) == {home, monday, friday, "crm/customers/C1"}


def test_a_rep_whose_days_all_have_their_places_needs_no_home(space, put):
    days = 'days = ["mon"]\nstart_places = { mon = [52.0, 13.0] }\n'
    workspace = space(
        TOML + f'[reps."ann@example.com"]\n{days}end_places = {{ mon = [53.0, 1.0] }}'
    )
    put(workspace, "reps", id="R1", email="ann@example.com")
    put(workspace, "customers", id="C1", owner_id="R1")

    assert "rep_without_home" not in {one.code for one in a_problem(workspace).findings}


def test_pull_and_planner_agree_on_what_can_be_planned():
    fields = STREAMS["customers"].by_name

    assert (MOST_VISIT_MINUTES, MOST_INTERVAL_DAYS) == (MINUTES_PER_DAY, MAX_INTERVAL_DAYS)
    assert fields["visit_minutes"].maximum == MINUTES_PER_DAY
    assert fields["visit_interval_days"].maximum == fields["min_gap_days"].maximum == 3660
