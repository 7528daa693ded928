"""Calendars read and written: stable ids, wall clocks through changes of clocks, whole days."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from icalendar import Calendar

from crmbridge.errors import RecordError
from crmbridge.planning import Budget, DateRange, plan_visits
from crmbridge.planning.ics import CalendarEntry, calendar_text, uid_of
from crmbridge.planning.ics_busy import busy_times
from crmbridge.testing.planning import a_customer, a_problem

STAMP = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_calendar(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def read(*events: str, first=date(2026, 3, 23), last=date(2026, 4, 3), zone="Europe/Berlin"):
    return busy_times(a_calendar(*events), first, last, zone, "ann.ics")


def starts(calendar):
    return [span.start_at.strftime("%m-%d %H:%M") for span in calendar.spans]


def a_visit():
    return plan_visits(a_problem([a_customer("c1")]), Budget(iterations=0)).visits[0]


def test_an_event_in_utc_is_busy_then():
    found = read("UID:1\nDTSTART:20260324T090000Z\nDTEND:20260324T100000Z\nSUMMARY:Dentist")

    assert starts(found) == ["03-24 09:00"]
    assert found.spans[0].label == "Dentist"


def test_a_time_without_a_zone_is_on_the_owners_wall_clock():
    assert starts(read("UID:1\nDTSTART:20260324T090000\nDURATION:PT1H")) == ["03-24 08:00"]


def test_a_weekly_nine_o_clock_stays_at_nine_through_the_change_of_clocks():
    weekly = (
        "UID:1\nDTSTART;TZID=Europe/Berlin:20260112T090000\n"
        "DTEND;TZID=Europe/Berlin:20260112T100000\nRRULE:FREQ=WEEKLY;BYDAY=MO"
    )

    # Clocks go forward on 29 March: nine is 08:00 UTC before and 07:00 after.
    assert starts(read(weekly)) == ["03-23 08:00", "03-30 07:00"]


def test_exceptions_and_moved_occurrences_replace_the_rule():
    daily = (
        "UID:1\nDTSTART:20260323T090000Z\nDTEND:20260323T093000Z\n"
        "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260325T090000Z"
    )
    moved = (
        "UID:1\nRECURRENCE-ID:20260324T090000Z\nDTSTART:20260324T150000Z\nDTEND:20260324T153000Z"
    )

    assert starts(read(daily, moved)) == ["03-23 09:00", "03-24 15:00", "03-26 09:00"]


def test_a_rule_until_a_date_ends_there():
    daily = (
        "UID:1\nDTSTART:20260323T090000Z\nDURATION:PT30M\nRRULE:FREQ=DAILY;UNTIL=20260324T235959Z"
    )

    assert starts(read(daily)) == ["03-23 09:00", "03-24 09:00"]


def test_whole_days_stay_dates_in_every_zone():
    trip = "UID:1\nDTSTART;VALUE=DATE:20260324\nDTEND;VALUE=DATE:20260326\nSUMMARY:Trade fair"

    for zone in ("Pacific/Auckland", "America/Sao_Paulo", "Asia/Kolkata"):
        days = read(trip, zone=zone).days
        assert days == (
            DateRange(first=date(2026, 3, 24), last=date(2026, 3, 25), label="Trade fair"),
        )


@pytest.mark.parametrize(
    "line", ["TRANSP:TRANSPARENT", "STATUS:CANCELLED", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"]
)
def test_what_leaves_the_time_free_is_not_busy(line):
    assert read(f"UID:1\nDTSTART:20260324T090000Z\nDURATION:PT1H\n{line}").spans == ()


def test_an_event_that_began_before_the_horizon_still_counts():
    night = "UID:1\nDTSTART:20260322T200000Z\nDTEND:20260323T040000Z"

    assert starts(read(night)) == ["03-22 20:00"]


def test_an_event_outside_the_horizon_does_not():
    assert read("UID:1\nDTSTART:20260501T090000Z\nDURATION:PT1H").spans == ()


def test_our_own_visits_read_back_are_no_busy_times():
    text = calendar_text([CalendarEntry(visit=a_visit(), summary="Visit")], STAMP)

    assert busy_times(text, date(2026, 3, 1), date(2026, 3, 31), "UTC", "own.ics").spans == ()


def test_an_event_that_recurs_without_end_is_named_and_the_others_count():
    endless = "UID:bad\nDTSTART:19700101T000000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY"
    found = read(endless, "UID:2\nDTSTART:20260324T090000Z\nDURATION:PT1H")

    assert starts(found) == ["03-24 09:00"]
    assert [finding.code for finding in found.findings] == ["plan.calendar_event_unread"]
    assert "bad" in found.findings[0].example


@pytest.mark.parametrize("text", ["", "<html>Sign in</html>", "BEGIN:VCALENDAR"])
def test_text_that_is_no_calendar_is_refused(text):
    with pytest.raises(RecordError, match=r"ann\.ics: expected iCalendar text"):
        busy_times(text, date(2026, 3, 1), date(2026, 3, 2), "UTC", "ann.ics")


def test_a_visit_keeps_its_uid_and_counts_its_revisions():
    visit = a_visit()
    moved = replace(visit, revision=visit.revision + 1)

    first, second = (
        Calendar.from_ical(calendar_text([CalendarEntry(visit=v, summary="Visit")], STAMP)).walk(
            "VEVENT"
        )[0]
        for v in (visit, moved)
    )

    assert first["UID"] == second["UID"] == uid_of(visit.id)
    assert (first["SEQUENCE"], second["SEQUENCE"]) == (0, 1)


def test_a_dropped_visit_stays_as_a_cancelled_event():
    entry = CalendarEntry(visit=a_visit(), summary="Visit", cancelled=True)

    event = Calendar.from_ical(calendar_text([entry], STAMP)).walk("VEVENT")[0]

    assert event["STATUS"] == "CANCELLED"
    assert event["SEQUENCE"] == 1


def test_nobody_is_invited():
    text = calendar_text([CalendarEntry(visit=a_visit(), summary="Visit")], STAMP)

    assert "ATTENDEE" not in text
    assert "ORGANIZER" not in text


def test_the_order_of_entries_does_not_matter():
    one = a_visit()
    entries = [CalendarEntry(visit=replace(one, id=id_), summary="Visit") for id_ in ("a", "b")]

    assert calendar_text(entries, STAMP) == calendar_text(entries[::-1], STAMP)


def test_line_breaks_in_names_cannot_smuggle_properties():
    entry = CalendarEntry(visit=a_visit(), summary="Acme\r\nATTENDEE:mailto:x@example.com")

    event = Calendar.from_ical(calendar_text([entry], STAMP)).walk("VEVENT")[0]

    assert "ATTENDEE" not in event
