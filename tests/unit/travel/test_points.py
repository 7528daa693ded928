"""Coordinates are believed only when they can be a place."""

import pytest

from crmbridge.travel import Flaw, Point, locate, swapped_suspects


@pytest.mark.parametrize(
    ("latitude", "longitude", "flaw"),
    [
        (None, 13.4, Flaw.MISSING),
        (52.5, None, Flaw.MISSING),
        (float("nan"), 13.4, Flaw.NOT_FINITE),
        (52.5, float("inf"), Flaw.NOT_FINITE),
        (0.0, 0.0, Flaw.ZERO),
        (-0.0, 0.0, Flaw.ZERO),
        (151.2, -33.9, Flaw.SWAPPED),  # Sydney, longitude first
        (90.01, 100.0, Flaw.OUT_OF_RANGE),
        (200.0, 10.0, Flaw.OUT_OF_RANGE),
        (45.0, 180.5, Flaw.OUT_OF_RANGE),
    ],
)
def test_what_is_no_place_is_named(latitude, longitude, flaw):
    assert locate(latitude, longitude) is flaw


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 0), (-90, 180), (0, 13.4), (52.5, 0)])
def test_edges_of_the_globe_are_places(latitude, longitude):
    assert locate(latitude, longitude) == Point(latitude=latitude, longitude=longitude)


def test_a_swapped_pair_among_neighbours_is_suspected():
    points = {f"c{i}": Point(latitude=52 + i / 10, longitude=13) for i in range(6)}
    points["odd"] = Point(latitude=13, longitude=52)

    assert swapped_suspects(points) == ("odd",)


def test_a_place_that_is_merely_far_is_not_suspected():
    points = {f"c{i}": Point(latitude=52 + i / 10, longitude=13) for i in range(6)}
    points["far"] = Point(latitude=-33.9, longitude=151.2)

    assert swapped_suspects(points) == ()


def test_four_places_are_too_few_to_suspect_one():
    points = {f"c{i}": Point(latitude=52, longitude=13) for i in range(3)}

    assert swapped_suspects({**points, "odd": Point(latitude=13, longitude=52)}) == ()
