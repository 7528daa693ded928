"""Ways are measured by a routing service, remembered, and never awaited for ever."""

from datetime import timedelta
from math import hypot

import pytest

from crmbridge.errors import ConfigError
from crmbridge.jobs.territory.outside import road_tables
from crmbridge.testing.loopback import answer, html, redirect, silent, truncated
from crmbridge.travel import Point

TOML = """
[planning.travel]
service = "{service}"
url = "{url}"
block = {block}
timeout_seconds = {seconds}
requests_per_run = {requests}
[planning.speed]
kmh = 60
minutes_per_stop = 5
"""
STOP = 300


def toml(server, service="osrm", block=50, seconds=5, requests=100, path=""):
    url = server.url + path
    return TOML.format(service=service, url=url, block=block, seconds=seconds, requests=requests)


def towns(count):
    return {f"t{i:02}": Point(latitude=50 + i / 100, longitude=8 + i / 50) for i in range(count)}


def seconds_between(a, b):
    """What the test's own roads take: 1,000 seconds a degree, one way streets north."""
    return 0 if a == b else round(1000 * hypot(a[0] - b[0], a[1] - b[1])) + (b[1] > a[1])


def osrm(received):
    """OSRM's table service, as its HTTP documentation says."""
    coordinates = received.path.rsplit("/", 1)[1].split(";")
    places = [tuple(map(float, pair.split(","))) for pair in coordinates]
    chosen = [received.query[name].split(";") for name in ("sources", "destinations")]
    rows, columns = ([places[int(i)] for i in numbers] for numbers in chosen)
    table = [[seconds_between(a, b) for b in columns] for a in rows]
    return answer(document={"code": "Ok", "durations": table})


def valhalla(received):
    document = received.json()
    rows = [
        [
            {"time": seconds_between((a["lon"], a["lat"]), (b["lon"], b["lat"])), "distance": 1}
            for b in document["targets"]
        ]
        for a in document["sources"]
    ]
    return answer(document={"sources_to_targets": rows})


def openrouteservice(received):
    document = received.json()
    places = [tuple(place) for place in document["locations"]]
    rows = [
        [seconds_between(places[int(i)], places[int(j)]) for j in document["destinations"]]
        for i in document["sources"]
    ]
    return answer(document={"durations": rows})


SERVICES = {"osrm": osrm, "valhalla": valhalla, "openrouteservice": openrouteservice}


def measured(workspace, points, territory="ann"):
    with road_tables(workspace) as roads:
        return roads.matrix(territory, points), roads


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_each_service_is_asked_in_its_own_tongue(service, space, serve):
    server = serve(SERVICES[service])
    points = towns(4)

    matrix, roads = measured(space(toml(server, service)), points)

    ways = {
        (a, b): seconds_between((p.longitude, p.latitude), (q.longitude, q.latitude))
        for a, p in points.items()
        for b, q in points.items()
    }
    found = {
        (a, b): int(matrix.seconds[i, j])
        for i, a in enumerate(matrix.places)
        for j, b in enumerate(matrix.places)
    }
    assert found == {pair: way + STOP if pair[0] != pair[1] else 0 for pair, way in ways.items()}
    assert matrix.source.startswith(f"{service} at 127.0.0.1:")
    assert (roads.requests, roads.missed) == (1, 0)


def test_a_table_is_asked_in_blocks_and_each_way_once(space, serve):
    server = serve(osrm)

    matrix, roads = measured(space(toml(server, block=4)), towns(10))

    # Ten places in parts of 4, 4 and 2: nine requests, none with more than eight places.
    assert roads.requests == 9
    assert max(len(r.path.split(";")) for r in server.received) <= 8
    assert (matrix.seconds >= 0).all()


def test_what_was_measured_is_not_asked_again_until_it_is_old(space, serve):
    server = serve(osrm)
    first, _ = measured(space(toml(server)), towns(6))

    again, roads = measured(space(toml(server)), towns(6))

    assert roads.requests == 0
    assert (again.seconds == first.seconds).all()
    later = space(toml(server), now=roads.now + timedelta(days=91))
    assert measured(later, towns(6))[1].requests == 1


def test_one_new_place_costs_its_own_row_and_column(space, serve):
    server = serve(osrm)
    measured(space(toml(server, block=5)), towns(10))

    _, roads = measured(space(toml(server, block=5)), towns(11))

    # Two requests would do in principle; parts of five make it five, not nine.
    assert roads.requests == 5
    assert roads.missed == 0


def test_ways_that_nobody_knows_are_straight_lines_and_counted(space, serve):
    def partial(received):
        table = [[0, None], [100, 0]]
        return answer(document={"code": "Ok", "durations": table})

    matrix, roads = measured(space(toml(serve(partial))), towns(2))

    assert matrix.seconds[1, 0] == 100 + STOP
    assert matrix.seconds[0, 1] > STOP
    assert roads.missed == 1
    assert "1 of 2 ways by great circle" in matrix.source


ODD = {
    "silence": silent(3),
    "a login page": html(),
    "an error": answer(500, {"message": "down"}),
    "half an answer": truncated(b'{"durations": [[0', 400),
    "another place": redirect("http://127.0.0.2/table"),
    "a smaller table": answer(document={"durations": [[0]]}),
    "no table": answer(document={"code": "Ok"}),
    "a list": answer(document=[1]),
    "words": answer(document={"durations": [["far", "near"], [0, 0]]}),
    "truth values": answer(document={"durations": [[True, False], [True, True]]}),
    "a row of null": answer(document={"durations": [None, [0, 0]]}),
    "rows that are objects": answer(document={"durations": [{}, {}]}),
    "a table by name": answer(document={"durations": {"0": [0, 0]}}),
    "a refusal by code": answer(document={"code": "NoTable", "message": "none", "durations": None}),
}
CONCISE = {"durations": [[0, None], [100, 0]], "distances": [[0, None], [1, 0]]}
ODD_VALHALLA = {
    "nothing": {},
    "an error": {"error": "No suitable edges near location", "error_code": 171},
    "no rows": {"sources_to_targets": None},
    "words": {"sources_to_targets": "none"},
    "a row of null": {"sources_to_targets": [None, [{"time": 0}, {"time": 0}]]},
    "cells that are no objects": {"sources_to_targets": [[0, 9], [9, 0]]},
    "times that are words": {"sources_to_targets": [[{"time": "far"}, {}], [{}, {}]]},
    "fewer rows": {"sources_to_targets": [[{"time": 0}, {"time": 9}]]},
    "a concise form without times": {"sources_to_targets": {"distances": [[0, 1], [1, 0]]}},
    "a concise form with null": {"sources_to_targets": {"durations": [None, None]}},
    "a concise form of another size": {"sources_to_targets": {"durations": [[0]]}},
}


@pytest.mark.parametrize("service", sorted(SERVICES))
@pytest.mark.parametrize("name", sorted(ODD))
def test_an_odd_answer_ends_in_straight_lines_and_few_requests(name, service, space, serve):
    server = serve([ODD[name]])
    workspace = space(toml(server, service, seconds=0.3, block=2))

    matrix, roads = measured(workspace, towns(8))

    assert roads.missed == 8 * 7
    assert (matrix.seconds >= 0).all()
    assert roads.failures
    assert len(server.received) <= 6


@pytest.mark.parametrize("name", sorted(ODD_VALHALLA))
def test_odd_answers_of_valhalla_end_in_straight_lines_too(name, space, serve):
    server = serve([answer(document=ODD_VALHALLA[name])])

    matrix, roads = measured(space(toml(server, "valhalla")), towns(2))

    assert roads.missed == 2
    assert (matrix.seconds >= 0).all()
    assert "expected the table of travel times that was asked for" in roads.failures[0]


PARTIAL_VALHALLA = {
    "empty cells": [[{"time": 0}, {}], [{"time": 100, "distance": "far"}, {"time": 0}]],
    "null cells": [[{"time": 0}, None], [{"time": 100, "distance": 1}, {"time": 0}]],
    "the concise form": CONCISE,
}


@pytest.mark.parametrize("name", sorted(PARTIAL_VALHALLA))
def test_what_valhalla_could_measure_is_taken_and_the_rest_is_straight(name, space, serve):
    server = serve([answer(document={"sources_to_targets": PARTIAL_VALHALLA[name]})])

    matrix, roads = measured(space(toml(server, "valhalla")), towns(2))

    assert matrix.seconds[1, 0] == 100 + STOP
    assert (roads.missed, roads.failures) == (1, [])


def test_numbers_that_stand_for_no_way_are_straight_lines(space, serve):
    # OSRM's older versions write 2^31 tenths of a second.
    server = serve([answer(document={"durations": [[0, 214748364.7], [-1, 0]]})])

    matrix, roads = measured(space(toml(server)), towns(2))

    assert (roads.missed, roads.failures) == (2, [])
    assert (matrix.seconds >= 0).all()


def test_an_odd_answer_is_asked_again_next_time(space, serve):
    server = serve([answer(document=ODD_VALHALLA["a row of null"])])
    measured(space(toml(server, "valhalla")), towns(2))
    server.script = valhalla

    _, roads = measured(space(toml(server, "valhalla")), towns(2))

    assert roads.missed == 0


def test_a_silent_service_is_not_asked_again_for_the_next_territory(space, serve):
    server = serve([silent(2)])
    with road_tables(space(toml(server, seconds=0.2))) as roads:
        roads.matrix("ann", towns(3))
        before = len(server.received)
        roads.matrix("bob", towns(4))

    assert len(server.received) == before


def test_the_run_s_share_of_requests_is_kept_and_the_rest_comes_next_time(space, serve):
    server = serve(osrm)

    _, first = measured(space(toml(server, block=3, requests=2)), towns(6))
    _, second = measured(space(toml(server, block=3, requests=2)), towns(6))

    assert (first.requests, second.requests) == (2, 2)
    assert first.missed > 0
    assert second.missed == 0


def test_plain_http_to_another_machine_is_refused(space):
    text = '[planning.travel]\nservice = "osrm"\nurl = "http://routes.example.com"\n'

    with pytest.raises(ConfigError, match=r"planning\.travel"), road_tables(space(text)):
        pass


def test_a_key_is_sent_and_shown_to_nobody(space, serve, tmp_path):
    (tmp_path / "key").write_text("s3cret-key")
    (tmp_path / "key").chmod(0o600)
    server = serve(openrouteservice)
    text = toml(server, "openrouteservice").replace("block", 'key = { file = "key" }\nblock', 1)
    workspace = space(text)

    matrix, _ = measured(workspace, towns(2))

    assert server.received[0].headers["Authorization"] == "s3cret-key"
    assert "s3cret" not in matrix.source
    assert "s3cret" not in workspace.redactor.clean("the s3cret-key")
