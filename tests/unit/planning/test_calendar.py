"""Working time is real time: zones, changes of clocks, lunch, appointments and days off."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crmbridge.errors import ConfigError
from crmbridge.planning import Budget, DatedShift, DateRange, Rules, Shift, check_plan, plan_visits
from crmbridge.planning.workdays import workdays
from crmbridge.planning.zones import WallTime, instant, judge
from crmbridge.testing.planning import (
    HOME,
    a_customer,
    a_problem,
    a_rep,
    a_week,
    an_appointment,
    hours,
)

GREEDY = Budget(iterations=0)
ZONES = [
    "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland", "UTC",
]  # fmt: skip


def a_day(day, shift, zone="Europe/Berlin", **changes):
    """The one workday of a horizon of one day."""
    rep = a_rep(zone=zone, dated_shifts=(DatedShift(day=day, shift=shift),), **changes)
    problem = a_problem(first=day, days=1, now=datetime(2026, 1, 1, tzinfo=UTC), reps=(rep,))
    return workdays(problem, rep, ())


def a_shift(start, end, **changes):
    return Shift(
        weekday=0, start=start * 60, end=end * 60, start_place=HOME, end_place=HOME, **changes
    )


def at(day, hour, minute=0, zone="Europe/Berlin"):
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("first", [date(2026, 3, 27), date(2026, 10, 23)])
def test_visits_keep_the_wall_clock_through_changes_of_clocks(zone, first):
    every_day = tuple(
        Shift(weekday=d, start=480, end=1020, start_place=HOME, end_place=HOME) for d in range(7)
    )
    customers = [a_customer(f"c{i}", opening=hours(9, 10)) for i in range(6)]
    problem = a_problem(
        customers,
        first=first,
        days=6,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        reps=(a_rep(zone=zone, shifts=every_day),),
    )

    plan = plan_visits(problem, GREEDY)

    assert {visit.wall_start.time().isoformat() for visit in plan.visits} == {"09:00:00"}
    assert len(plan.visits) == 6
    assert check_plan(problem, plan) == []


@pytest.mark.parametrize(
    ("day", "zone", "real_hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 7),  # 2:00 becomes 3:00
        (date(2026, 10, 25), "Europe/Berlin", 9),  # 3:00 becomes 2:00
        (date(2026, 3, 8), "America/New_York", 7),
        (date(2026, 10, 4), "Australia/Lord_Howe", 7.5),  # half an hour
        (date(2026, 3, 29), "Asia/Kolkata", 8),
    ],
)
def test_a_shift_lasts_its_real_hours(day, zone, real_hours):
    (workday,) = a_day(day, a_shift(0, 8), zone)

    assert workday.shift[1] - workday.shift[0] == real_hours * 3600


def test_a_time_that_clocks_jump_over_is_moved_on_and_said():
    (workday,) = a_day(date(2026, 3, 29), Shift(weekday=6, start=150, end=600))

    # Half past two does not happen; it is half past three, 01:30 UTC.
    assert workday.shift[0] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()
    assert workday.notes == (WallTime.GAP,)


def test_a_time_that_comes_twice_means_the_first_and_is_said():
    (workday,) = a_day(date(2026, 10, 25), Shift(weekday=6, start=150, end=600))

    assert workday.shift[0] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()
    assert workday.notes == (WallTime.OVERLAP,)


def test_a_plan_says_that_clocks_changed_at_a_bound():
    rep = a_rep(shifts=(Shift(weekday=6, start=150, end=600),))
    problem = a_problem(first=date(2026, 3, 29), days=1, reps=(rep,))

    assert [item.code for item in plan_visits(problem, GREEDY).findings] == ["plan.clock_gap"]


def test_plain_times_are_plain_on_leap_days_and_at_the_year_s_end():
    assert judge(date(2028, 2, 29), 600, "Europe/Berlin") is WallTime.PLAIN
    assert instant(date(2027, 12, 31), 1440, "UTC") == instant(date(2028, 1, 1), 0, "UTC")


def test_an_unknown_zone_is_a_setting_to_correct():
    with pytest.raises(ConfigError, match="Mars/Olympus"):
        instant(date(2026, 3, 2), 0, "Mars/Olympus")


def test_a_night_shift_ends_on_the_next_day():
    (workday,) = a_day(date(2026, 3, 2), a_shift(22, 6))

    assert workday.shift[1] - workday.shift[0] == 8 * 3600


def test_absences_holidays_and_dated_shifts_come_before_the_week():
    rep = a_rep(
        absences=(DateRange(first=date(2026, 3, 2), last=date(2026, 3, 2), label="ill"),),
        holidays=(DateRange(first=date(2026, 3, 3), last=date(2026, 3, 3), label="feast"),),
        dated_shifts=(
            DatedShift(day=date(2026, 3, 4), shift=None),
            DatedShift(day=date(2026, 3, 7), shift=a_shift(9, 12)),
        ),
    )
    problem = a_problem(days=7, reps=(rep,))

    assert [day.day.day for day in workdays(problem, rep, ())] == [5, 6, 7]


def test_an_appointment_at_a_place_cuts_the_day_into_legs():
    meeting = an_appointment(at(2, 10), at(2, 11), place="office")
    problem = a_problem(days=1, appointments=(meeting,))

    (workday,) = workdays(problem, problem.reps[0], ())

    assert [(leg.start_place, leg.end_place) for leg in workday.legs] == [
        (HOME, "office"),
        ("office", HOME),
    ]


def test_a_call_stops_the_working_clock_and_cuts_nothing():
    problem = a_problem(days=1, appointments=(an_appointment(at(2, 10), at(2, 11)),))

    (workday,) = workdays(problem, problem.reps[0], ())

    assert len(workday.legs) == 1
    assert workday.free_seconds() == 8 * 3600
    ten = int(at(2, 10).timestamp())
    assert workday.to_working(ten + 3600) == workday.to_working(ten)
    assert workday.to_real(workday.to_working(ten)) == ten + 3600


def test_appointments_that_overlap_are_left_from_where_the_last_ends():
    problem = a_problem(
        days=1,
        appointments=(
            an_appointment(at(2, 10), at(2, 12), place="long"),
            an_appointment(at(2, 11), at(2, 11, 30), place="short"),
        ),
    )

    (workday,) = workdays(problem, problem.reps[0], ())

    assert [(leg.start_place, leg.end_place) for leg in workday.legs] == [
        (HOME, "long"),
        ("long", HOME),
    ]


def test_lunch_moves_to_make_room_for_an_appointment():
    rep = a_rep(shifts=a_week(lunch_minutes=30))
    busy = an_appointment(at(2, 12), at(2, 12, 30), place="office")
    problem = a_problem(days=1, reps=(rep,), appointments=(busy,))

    (workday,) = workdays(problem, rep, ())

    # 12:15 still overlaps; half past twelve is free.
    assert workday.breaks == ((int(at(2, 12, 30).timestamp()), int(at(2, 13).timestamp())),)


def test_lunch_is_where_the_way_between_appointments_leaves_time_for_it():
    rep = a_rep(shifts=a_week(lunch_minutes=45))
    before = an_appointment(at(2, 10), at(2, 11, 50), place="office")
    after = an_appointment(at(2, 12, 50), at(2, 13), place="far")
    rules = Rules(unknown_travel_minutes=30)
    problem = a_problem(days=1, reps=(rep,), appointments=(before, after), rules=rules)

    (workday,) = workdays(problem, rep, ())

    # At twelve it would leave a quarter of an hour for half an hour's way.
    assert workday.breaks == ((int(at(2, 13).timestamp()), int(at(2, 13, 45).timestamp())),)


def test_nothing_is_planned_before_now():
    problem = a_problem([a_customer("c1")], days=1, now=at(2, 14, 2))

    (visit,) = plan_visits(problem, GREEDY).visits

    # 14:02 is rounded up to 14:05, and ten minutes of travel follow.
    assert visit.wall_start == datetime(2026, 3, 2, 14, 15)


def test_a_visit_is_wholly_inside_the_opening_hours():
    shut_at_five = a_customer("c1", minutes=45, opening=hours(16, 17))
    problem = a_problem([shut_at_five], days=1, reps=(a_rep(shifts=a_week(end=22 * 60)),))

    (visit,) = plan_visits(problem, GREEDY).visits

    assert visit.end_at <= at(2, 17)


def test_a_visit_longer_than_the_opening_is_left_out():
    problem = a_problem([a_customer("c1", minutes=61, opening=hours(16, 17))])

    (out,) = plan_visits(problem, GREEDY).left_out

    assert out.code == "no_opening"


def test_a_customer_s_hours_are_on_its_own_wall_clock():
    # Ten o'clock in Kolkata, without summer time, is 05:30 in Berlin in winter.
    far = a_customer("c1", zone="Asia/Kolkata", opening=hours(14, 15))
    problem = a_problem([far], days=1)

    (visit,) = plan_visits(problem, GREEDY).visits

    # 14:00 at +5:30 is 08:30 UTC, 09:30 in Berlin.
    assert visit.wall_start == datetime(2026, 3, 2, 9, 30)


def test_start_times_lie_on_the_grid():
    customers = [a_customer(f"c{i}", minutes=33) for i in range(4)]

    plan = plan_visits(a_problem(customers, days=1), GREEDY)

    assert [visit.wall_start.minute % 5 for visit in plan.visits] == [0, 0, 0, 0]
    assert {visit.end_at - visit.start_at for visit in plan.visits} == {timedelta(minutes=33)}
