"""Opening hours and closed days are read as records hold them, or told by what was expected."""

import pytest

from crmbridge.jobs.territory.opening import blocked_days, opening_windows
from crmbridge.planning import Window


def test_hours_over_midnight_end_on_the_next_day():
    assert opening_windows('{"fri": [["22:00", "02:00"]]}') == (
        Window(weekday=4, opens=1320, closes=1560),
    )


def test_a_whole_day_is_midnight_to_midnight():
    whole = (Window(weekday=0, opens=0, closes=1440),)

    assert opening_windows('{"mon": [["00:00", "24:00"]]}') == whole
    assert opening_windows('{"mon": [["00:00", "00:00"]]}') == whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8 to 12", "JSON, got '8 to 12'"),
        ('["mon"]', "weekdays from mon to sun"),
        ('{"Monday": []}', "weekdays from mon to sun"),
        ('{"mon": "08:00-12:00"}', "a list for mon, got '08:00-12:00'"),
        ('{"mon": null}', "a list for mon, got 'None'"),
        ('{"mon": [["08:00", "12:00", "14:00"]]}', r"hours as \[from, to\] on mon, got"),
        ('{"mon": ["08:00"]}', r"hours as \[from, to\] on mon, got '08:00'"),
        ('{"mon": [["8", "12:00"]]}', "a time like 08:00, got '8'"),
        ('{"mon": [["09:00", "09:00"]]}', "hours that end at another time"),
    ],
)
def test_hours_that_cannot_be_read_say_what_was_expected(text, said):
    with pytest.raises(ValueError, match=said):
        opening_windows(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("summer", "JSON, got 'summer'"),
        ('{"from": 1}', "a list for closed days"),
        ('[["2026-08-01"]]', r"a day, or \[first, last\], got"),
        ('["August"]', "a day like 2026-12-24, got 'August'"),
        ('[["2026-08-09", "2026-08-01"]]', "a first day that is not after the last"),
    ],
)
def test_closed_days_that_cannot_be_read_say_what_was_expected(text, said):
    with pytest.raises(ValueError, match=said):
        blocked_days(text)
