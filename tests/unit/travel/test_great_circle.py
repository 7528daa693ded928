"""Travel times are finite, symmetric and right on known distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmbridge.errors import UsageError
from crmbridge.travel import (
    Point,
    SpeedProfile,
    great_circle_km,
    great_circle_matrix,
    steady_speed,
)

BERLIN = Point(latitude=52.52, longitude=13.405)
PARIS = Point(latitude=48.8566, longitude=2.3522)

points = st.builds(Point, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))


def test_berlin_to_paris_is_878_km():
    assert great_circle_km([BERLIN, PARIS])[0, 1] == pytest.approx(877.5, abs=1)


def test_two_km_across_the_date_line_are_two_km():
    west = Point(latitude=0, longitude=179.991)
    east = Point(latitude=0, longitude=-179.991)

    # 0.018 degrees of the equator, 111.195 km each.
    assert great_circle_km([west, east])[0, 1] == pytest.approx(2.0, abs=0.01)


def test_all_longitudes_meet_at_the_pole():
    km = great_circle_km([Point(latitude=90, longitude=0), Point(latitude=90, longitude=137)])

    assert km[0, 1] == pytest.approx(0, abs=1e-6)


def test_antipodes_are_half_the_circumference():
    km = great_circle_km([Point(latitude=0, longitude=0.5), Point(latitude=0, longitude=-179.5)])

    assert km[0, 1] == pytest.approx(20015.1, abs=0.5)


@settings(deadline=None, derandomize=True)
@given(st.lists(points, min_size=1, max_size=8))
def test_times_are_finite_symmetric_and_zero_at_home(places):
    names = {f"p{i}": point for i, point in enumerate(places)}

    seconds = great_circle_matrix(names, SpeedProfile()).seconds

    assert (seconds >= 0).all()
    assert (seconds == seconds.T).all()
    assert (np.diag(seconds) == 0).all()


def test_a_steady_speed_gives_the_time_one_works_out_by_hand():
    profile = steady_speed(kmh=60, detour_factor=1.5, minutes_per_stop=2)
    north = Point(latitude=52.52 + 10 / 111.195, longitude=13.405)

    matrix = great_circle_matrix({"a": BERLIN, "b": north}, profile)

    # 10 km straight, 15 km of road, 15 minutes, and 2 to park.
    assert matrix.seconds[0, 1] == pytest.approx(17 * 60, abs=1)


def test_bands_add_up_kilometre_by_kilometre():
    profile = SpeedProfile(bands=((10.0, 30.0), (float("inf"), 60.0)), detour_factor=1.0)

    # 10 km at 30 km/h are 1200 s, another 20 km at 60 km/h 1200 s.
    assert profile.seconds(np.array([30.0]))[0] == pytest.approx(2400)


@settings(deadline=None, derandomize=True)
@given(st.floats(0, 20000), st.floats(0, 20000))
def test_a_longer_way_never_takes_less_time(one, other):
    times = SpeedProfile().seconds(np.array(sorted([one, other])))

    assert times[0] <= times[1]


def test_no_places_make_an_empty_matrix():
    matrix = great_circle_matrix({}, SpeedProfile())

    assert (matrix.places, matrix.packed()) == ((), b"")


def test_packed_is_row_major_little_endian():
    matrix = great_circle_matrix({"b": BERLIN, "a": PARIS}, SpeedProfile())

    numbers = memoryview(matrix.packed()).cast("i").tolist()

    assert matrix.places == ("a", "b")
    assert numbers == [0, int(matrix.seconds[0, 1]), int(matrix.seconds[1, 0]), 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"bands": ()},
        {"bands": ((5.0, 30.0),)},
        {"bands": ((float("inf"), 0.0),)},
        {"detour_factor": 0.9},
        {"minutes_per_stop": -1.0},
    ],
)
def test_a_profile_without_finite_times_is_refused(changes):
    with pytest.raises(UsageError):
        SpeedProfile(**changes)
