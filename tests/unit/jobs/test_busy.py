"""Times taken come from files and feeds; a feed that fails is as it was last."""

from datetime import UTC, date, datetime

import pytest

from crmbridge.jobs.territory.busy import read_calendars
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.reps import RepRecord, join_reps
from crmbridge.planning import DateRange
from crmbridge.testing.loopback import answer, html, redirect, silent, truncated

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 15)
FEED = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20260101T000000Z\r
DTSTART:20260303T090000Z\r
DTEND:20260303T100000Z\r
SUMMARY:{label}\r
END:VEVENT\r
END:VCALENDAR\r
"""


def feed(label="Dentist"):
    return answer(body=FEED.format(label=label).encode())


def toml(source):
    return f'[reps."ann@example.com"]\nzone = "Europe/Berlin"\nbusy = ["{source}"]\n'


def read(workspace):
    reps = join_reps([], workspace.settings).reps
    return read_calendars(workspace, reps, FIRST, LAST)


def taken(found):
    return [(start, label) for start, _, label in found.spans.get("ann@example.com", [])]


DENTIST = (datetime(2026, 3, 3, 9, tzinfo=UTC), "Dentist")


def test_a_feed_is_read_from_its_own_host(space, serve):
    server = serve([feed()])

    found = read(space(toml(f"{server.url}/ann.ics")))

    assert taken(found) == [DENTIST]
    assert found.findings == ()


TROUBLES = {
    "error": answer(500),
    "silence": silent(120),
    "signed out": answer(401),
    "refused": answer(403),
    "not found": answer(404),
    "gone": answer(410),
    "elsewhere": redirect("http://127.0.0.2/x.ics"),
    "login page": html(),
    "broken off": truncated(FEED[:80].encode(), 400),
    "half a calendar": answer(body=FEED[:120].encode()),
    "nothing": answer(),
}


@pytest.mark.parametrize("name", sorted(TROUBLES))
def test_a_feed_that_fails_is_as_it_was_read_last(name, space, serve, monkeypatch):
    monkeypatch.setattr("crmbridge.jobs.workspace.Limits", quick_limits())
    server = serve([feed()])
    workspace = space(toml(f"{server.url}/ann.ics"))
    read(workspace)
    server.script = lambda _: TROUBLES[name]

    for found in (read(workspace), read(workspace)):
        assert [finding.code for finding in found.findings] == ["calendar.as_read_last"]
        assert taken(found) == [DENTIST]


def test_a_feed_that_is_well_again_replaces_what_was_read(space, serve):
    server = serve([feed()])
    workspace = space(toml(f"{server.url}/ann.ics"))
    read(workspace)
    server.script = lambda _: feed("Doctor")
    read(workspace)
    server.script = lambda _: html()

    assert [label for _, label in taken(read(workspace))] == ["Doctor"]


def quick_limits():
    from functools import partial

    from crmbridge.adapters.limits import Limits

    return partial(Limits, tries=1, connect_seconds=0.3, read_seconds=0.3, total_seconds=0.3)


def test_a_feed_that_never_answered_is_a_finding_and_no_secret_is_told(
    space, serve, tmp_path, monkeypatch
):
    monkeypatch.setattr("crmbridge.jobs.workspace.Limits", quick_limits())
    server = serve([html(500)])
    (tmp_path / "feed").write_text(f"{server.url}/private-4711/ann.ics")
    (tmp_path / "feed").chmod(0o600)

    text = toml("x").replace('["x"]', '[{ file = "feed" }]')
    found = read(space(text))

    assert [finding.code for finding in found.findings] == ["calendar.unread"]
    assert "4711" not in found.findings[0].example


def test_a_login_page_is_never_kept(space, serve):
    workspace = space(toml(f"{serve([html()]).url}/ann.ics"))

    assert [finding.code for finding in read(workspace).findings] == ["calendar.unread"]
    assert not (workspace.state_folder / "calendars").exists()


def test_the_copy_is_its_owner_s_alone(space, serve):
    workspace = space(toml(f"{serve([feed()]).url}/ann.ics"))
    read(workspace)

    (copy,) = (workspace.state_folder / "calendars").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "ann" not in copy.name


def test_holidays_are_those_of_the_rep_s_own_region(space, put):
    text = """
[connections.crm]
adapter = "csv"
folder = "data"
[planning.holidays]
country = "DE"
[reps."ann@example.com"]
holidays = { country = "DE", region = "BY" }
[reps."bob@example.com"]
zone = "UTC"
"""
    workspace = space(text, now=datetime(2026, 1, 5, 6, tzinfo=UTC))

    known = gather(workspace, date(2026, 1, 5)).known

    epiphany = date(2026, 1, 6)
    days = {rep: [one.first for one in found] for rep, found in known.holidays.items()}
    assert days == {"ann@example.com": [epiphany], "bob@example.com": []}
    assert isinstance(known.holidays["ann@example.com"][0], DateRange)


def test_a_day_may_have_hours_of_its_own(space):
    from crmbridge.jobs.territory.known import Known
    from crmbridge.jobs.territory.problems import territories

    text = (
        '[reps."ann@example.com"]\nmax_travel_minutes = 90\nhours = { fri = [08:00:00, 13:00:00] }'
    )
    text += "\n[planning]\ngrid_minutes = 15\nunknown_travel_minutes = 20\nearly_share = 0.5\n"
    workspace = space(text)
    record = RepRecord(connection="crm", object="User", id="R1", email="ann@example.com")
    row = dict.fromkeys(
        ("class", "segment", "industry", "region", "country", "visit_interval_days", "opening",
         "visit_minutes", "min_gap_days", "blocked", "zone", "last_visit_at", "latitude",
         "longitude", "geo_quality", "status", "name")
    )  # fmt: skip
    row |= {"connection": "crm", "object": "Account", "id": "C1", "owner_id": "R1"}
    known = Known(reps=join_reps([record], workspace.settings), customers=[row], sources={})

    (territory,) = territories(known, workspace.settings, FIRST, workspace.clock.now())

    problem = territory.problem
    (ann,) = problem.reps
    assert [(s.weekday, s.start, s.end) for s in ann.shifts][3:] == [(3, 480, 1020), (4, 480, 780)]
    assert ann.max_travel_minutes == 90
    rules = problem.rules
    assert (rules.grid_minutes, rules.unknown_travel_minutes, rules.early_share) == (15, 20, 0.5)
