"""Calendars read and written: stable ids, wall clocks through changes of clocks, whole days."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import pytest
from dateutil.rrule import rrulestr
from icalendar import Calendar, vRecur

from crmbridge.errors import RecordError
from crmbridge.planning import Budget, DateRange, plan_visits
from crmbridge.planning.ics import CalendarEntry, calendar_text, uid_of
from crmbridge.planning.ics_busy import busy_times
from crmbridge.planning.recurrence import unrolled
from crmbridge.testing.planning import a_customer, a_problem

STAMP = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_calendar(*events: str, kind: str = "VEVENT") -> str:
    body = "".join(f"BEGIN:{kind}\n{event}\nEND:{kind}\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def read(*events: str, first=date(2026, 3, 23), last=date(2026, 4, 3), zone="Europe/Berlin"):
    return busy_times(a_calendar(*events), first, last, zone, "ann.ics")


def read_parts(kind, *parts, zone="Europe/Berlin"):
    text = a_calendar(*parts, kind=kind)
    return busy_times(text, date(2026, 3, 23), date(2026, 4, 3), zone, "ann.ics")


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


@pytest.mark.parametrize(
    "end",
    ["DTEND;VALUE=DATE:20260324", "DURATION:PT3H", "DTEND:20260324T120000", "SUMMARY:x"],
    ids=["ends on the day it starts", "hours", "ends at a time", "no end"],
)
def test_what_starts_on_a_day_takes_the_whole_of_it(end):
    found = read(f"UID:1\nDTSTART;VALUE=DATE:20260324\n{end}")

    days = [(taken.first.day, taken.last.day) for taken in found.days]
    assert (days, found.spans, found.findings) == ([(24, 24)], (), ())


def test_what_starts_on_a_day_and_ends_at_a_time_takes_its_last_day_too():
    found = read("UID:1\nDTSTART;VALUE=DATE:20260324\nDTEND:20260326T090000Z")

    assert [(taken.first.day, taken.last.day) for taken in found.days] == [(24, 26)]


def test_what_starts_at_a_time_and_ends_on_a_day_ends_at_its_midnight():
    found = read("UID:1\nDTSTART:20260324T090000Z\nDTEND;VALUE=DATE:20260325")

    (taken,) = found.spans
    assert taken.end_at - taken.start_at == timedelta(hours=15)


def test_what_ends_before_it_starts_is_named():
    found = read("UID:odd\nDTSTART:20260324T090000Z\nDTEND:20260324T080000Z")

    assert [one.code for one in found.findings] == ["plan.calendar_event_unread"]
    assert "ends before it starts" in found.findings[0].example


FREE_BUSY = """UID:1
DTSTART:20260301T000000Z
DTEND:20260401T000000Z
FREEBUSY;FBTYPE=BUSY:20260324T090000Z/PT1H,20260325T090000Z/20260325T103000Z
FREEBUSY;FBTYPE=FREE:20260326T090000Z/PT1H
FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260327T090000Z/PT1H
FREEBUSY:20260330T090000Z/PT1H,20260501T090000Z/PT1H"""


def test_a_calendar_that_says_only_when_takes_these_times():
    found = read_parts("VFREEBUSY", FREE_BUSY)

    # The last one lies beyond the horizon, the one of the 26th is free.
    assert starts(found) == ["03-24 09:00", "03-25 09:00", "03-27 09:00", "03-30 09:00"]
    assert found.spans[1].end_at == datetime(2026, 3, 25, 10, 30, tzinfo=UTC)
    assert found.findings == ()


def test_parts_that_nobody_can_read_are_told_and_tasks_are_not():
    part = "UID:1\nDTSTART:20260324T090000Z\nDTEND:20260324T100000Z"

    found = read_parts("VAVAILABILITY", part, part)

    assert [(one.code, one.count) for one in found.findings] == [("plan.calendar_part_unread", 2)]
    assert found.findings[0].example == "ann.ics: VAVAILABILITY"
    for kind in ("VTODO", "VJOURNAL"):
        assert read_parts(kind, part).findings == ()


START = "UID:bad\nDTSTART:20260302T090000Z\nDURATION:PT1H\n"
NEVER = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYWEEKNO=30;BYMONTH=1",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
]


@pytest.mark.parametrize("rule", NEVER)
def test_a_rule_that_never_comes_true_is_given_up_at_once(rule, monkeypatch):
    from dateutil.rrule import _iterinfo

    looked_at, before = [], _iterinfo.rebuild
    monkeypatch.setattr(
        _iterinfo,
        "rebuild",
        lambda self, year, month: looked_at.append(year) or before(self, year, month),
    )

    assert read(f"{START}RRULE:{rule}").spans == ()
    # Not the eight thousand years that dateutil would go through.
    assert 0 < len(set(looked_at)) <= 3


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=0", "FREQ=HOURLY;INTERVAL=0;BYDAY=MO", "FREQ=DAILY;INTERVAL=-1",
             "FREQ=DAILY;COUNT=0", "FREQ=SOMETIMES", "garbage", "FREQ=YEARLY;BYEASTER=1"],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_named(rule):
    found = read(f"{START}RRULE:{rule}", "UID:2\nDTSTART:20260324T090000Z\nDURATION:PT1H")

    assert [one.code for one in found.findings] == ["plan.calendar_event_unread"]
    assert starts(found) == ["03-24 09:00"]


# The calendar of the years from 1601 on comes again only after four centuries.
@pytest.mark.parametrize("year", [1601, 1896, 1970, 2020, 2026])
@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,FR;WKST=SU",
     "FREQ=MONTHLY;BYDAY=-1WE", "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO", "FREQ=DAILY;INTERVAL=10",
     "FREQ=YEARLY;BYYEARDAY=60,-1", "FREQ=MONTHLY;INTERVAL=5;UNTIL=20271231T235959"],
)  # fmt: skip
def test_rules_are_unrolled_as_dateutil_does_from_the_start(rule, year):
    start, last = datetime(year, 2, 3, 9), date(2028, 3, 5)

    found = list(unrolled(vRecur.from_ical(rule), start, last))

    end = datetime(2028, 3, 7)
    assert found == list(takewhile(lambda at: at <= end, rrulestr(rule, dtstart=start)))
    assert found


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
