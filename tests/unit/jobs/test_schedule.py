"""A job is due once for each wall time of its schedule, whatever the clocks do."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from crmbridge.errors import ConfigError
from crmbridge.jobs.schedule import Due, DueKind, Schedule, due

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def nightly(cron: str = "0 2 * * mon-fri") -> Schedule:
    return Schedule(cron=cron, zone="Europe/Berlin")


def test_a_job_never_seen_waits_for_its_next_due_time() -> None:
    found = due(nightly(), None, at("2026-03-25 12:00"))

    assert found == Due(kind=DueKind.NOT_DUE, at=None, missed=0, next_at=at("2026-03-26 02:00"))


def test_a_run_shortly_after_its_due_time_is_on_time() -> None:
    found = due(nightly(), at("2026-03-25 02:00"), at("2026-03-26 02:05"))

    assert (found.kind, found.at, found.missed) == (DueKind.ON_TIME, at("2026-03-26 02:00"), 0)


def test_missed_nights_make_one_late_run() -> None:
    # Due on Wednesday, Thursday and Friday; Saturday morning answers Friday's and missed two.
    found = due(nightly(), at("2026-03-24 02:00"), at("2026-03-28 09:00"))

    assert (found.kind, found.at, found.missed) == (DueKind.LATE, at("2026-03-27 02:00"), 2)


def test_a_wall_time_the_clocks_jump_over_moves_forward() -> None:
    times = islice(nightly("30 2 * * *").times(at("2026-03-28 12:00")), 2)

    # 02:30 does not exist on 29 March: 01:30 UTC is 03:30 there.
    assert [t.astimezone(UTC).strftime("%d %H:%M") for t in times] == ["29 01:30", "30 00:30"]


def test_a_wall_time_shown_twice_comes_once() -> None:
    times = islice(nightly("30 2 * * *").times(at("2026-10-24 12:00")), 3)

    assert [t.astimezone(UTC).strftime("%d %H:%M") for t in times] == [
        "25 00:30",
        "26 01:30",
        "27 01:30",
    ]


@pytest.mark.parametrize(
    ("weekday", "first"), [("0", "22"), ("7", "22"), ("1-5", "20"), ("sat", "21"), ("5,6", "20")]
)
def test_weekday_numbers_count_from_sunday_as_in_cron(weekday: str, first: str) -> None:
    # 19 November 2026 is a Thursday; "1-5" is Monday to Friday, so the 20th.
    found = next(nightly(f"0 12 * * {weekday}").times(at("2026-11-19 13:00")))

    assert found.strftime("%d") == first


@pytest.mark.parametrize("cron", ["", "0 2 * *", "61 2 * * *", "0 2 * * funday"])
def test_a_schedule_that_cannot_be_read_names_itself(cron: str) -> None:
    with pytest.raises(ConfigError, match="cron"):
        next(Schedule(cron=cron).times(at("2026-11-19 13:00")))
