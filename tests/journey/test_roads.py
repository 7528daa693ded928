"""A plan is made, and says of what, when the services for ways and places break down."""

import math
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from crmbridge.testing.loopback import (
    LoopbackServer,
    Received,
    Reply,
    answer,
    html,
    reset_in_body,
    silent,
    truncated,
)

NOW = "2026-11-02T06:00:00Z"
GOOD = 5
"""Answers that each service gives before it breaks down."""
TOWN = (52.52, 13.40)
SETTINGS = """
[planning.travel]
service = "osrm"
url = "{roads}"
block = 5
timeout_seconds = 0.3
[planning.geocoding]
url = "{places}"
per_second = 100
timeout_seconds = 0.3
"""
Script = Callable[[Received], Reply]


def osrm(received: Received) -> Reply:
    """OSRM's table service: ten minutes for a tenth of a degree."""
    places = [
        tuple(map(float, pair.split(","))) for pair in received.path.rsplit("/", 1)[1].split(";")
    ]
    rows, columns = (
        [places[int(i)] for i in received.query[name].split(";")]
        for name in ("sources", "destinations")
    )
    table = [[round(6000 * math.dist(a, b)) for b in columns] for a in rows]
    return answer(document={"code": "Ok", "durations": table})


def nominatim(received: Received) -> Reply:
    """Nominatim's search: every address is a house near the town's middle."""
    number = sum(map(ord, received.query.get("street", "")))
    place = {"lat": str(TOWN[0] + number % 100 / 500), "lon": str(TOWN[1] + number % 70 / 500)}
    return answer(document=[{**place, "display_name": "a house", "place_rank": 30}])


def breaking(script: Script, trouble: Reply) -> Script:
    """A service that does well at first."""
    asked = count()
    return lambda received: script(received) if next(asked) < GOOD else trouble


TROUBLES = {
    "error": answer(500, {"message": "down"}),
    "silence": silent(1),
    "page": html(),
    "too many": answer(429),
    "truncated": truncated(b'{"code": "Ok", "durations": [[0, 1', 400),
    "reset": reset_in_body(b'[{"lat": "52', 400),
    "partial": answer(document={"code": "Ok", "durations": [[0]]}),
}
WHERE = dict.fromkeys(TROUBLES, "connections.planning.travel") | {"partial": "127.0.0.1:"}
"""Who says in the plan's finding that the roads did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A desk, and the services that it asks."""

    desk: Any
    roads: LoopbackServer
    places: LoopbackServer


@pytest.fixture
def serve() -> Iterator[Callable[[Script], LoopbackServer]]:
    """Start a service that runs until the test is over."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(LoopbackServer(script))


@pytest.fixture(scope="module")
def analysed(company: Path, tmp_path_factory: pytest.TempPathFactory, open_desk: Any) -> Path:
    """The company with every second customer's coordinates gone, pulled and analysed."""
    folder = tmp_path_factory.mktemp("analysed") / "desk"
    shutil.copytree(company, folder)
    desk = open_desk(folder)
    rows = desk.rows("data/customers.csv")
    for row in rows[::2]:
        row["latitude"] = row["longitude"] = row["geo_quality"] = ""
    desk.write_rows("data/customers.csv", rows)
    for command in ("pull", "analyze"):
        assert desk(command, now=NOW).code == 0
    return folder


@pytest.fixture
def desk_with(
    analysed: Path, tmp_path: Path, open_desk: Any, serve: Any
) -> Callable[[Script, Script], Served]:
    """``desk_with(roads, places)``: the analysed company, its ways and places by two services."""

    def build(roads: Script, places: Script) -> Served:
        shutil.copytree(analysed, tmp_path / "desk")
        desk = open_desk(tmp_path / "desk")
        served = Served(desk=desk, roads=serve(roads), places=serve(places))
        text = SETTINGS.format(roads=served.roads.url, places=served.places.url)
        desk.configure("[planning.rep_defaults]", f"{text}\n[planning.rep_defaults]")
        return served

    return build


def findings(document: Any) -> dict[str, Any]:
    return {one["code"]: one for one in document["findings"]}


def straight(document: Any) -> tuple[int, int]:
    """(ways by great circle, all ways) as the plan states them of its sources."""
    found = [re.search(r", (\d+) of (\d+) ways by great circle$", s) for s in _sources(document)]
    pairs = [(int(one[1]), int(one[2])) for one in found if one is not None]
    return sum(few for few, _ in pairs), sum(ways for _, ways in pairs)


def _sources(document: Any) -> list[str]:
    return list(document["plan"]["travel"])


def test_with_services_that_are_well_every_way_and_place_is_theirs(desk_with: Any) -> None:
    served = desk_with(osrm, nominatim)

    document = served.desk("plan", "--json", now=NOW).json

    where = served.roads.url.removeprefix("http://")
    assert document["plan"]["travel"] == {f"osrm at {where}": 2}
    # Fifteen coordinates were the CRM's own, fifteen were found as houses.
    assert sum(document["plan"]["places"].values()) == 30
    assert document["plan"]["places"]["exact"] >= 15
    assert "none" not in document["plan"]["places"]
    assert not {"travel.great_circle_instead", "places.waiting"} & set(findings(document))


@pytest.mark.parametrize("name", sorted(TROUBLES))
def test_services_that_break_down_midway_leave_a_plan_that_says_so(
    name: str, desk_with: Any
) -> None:
    served = desk_with(breaking(osrm, TROUBLES[name]), breaking(nominatim, TROUBLES[name]))

    answered = served.desk("plan", "--json", now=NOW)

    assert answered.code == 0, answered.err
    document, told = answered.json, findings(answered.json)
    assert len(document["visits"]) == document["plan"]["visits"] > 5
    # Five of fifteen addresses were found; the rest stands as unknown, and is told as such.
    assert document["plan"]["places"]["none"] == told["places.waiting"]["count"] == 10
    assert sum(document["plan"]["places"].values()) == 30
    by_line, ways = straight(document)
    assert 0 < by_line == told["travel.great_circle_instead"]["count"] < ways
    assert told["travel.great_circle_instead"]["example"].startswith(WHERE[name])
    # Two tries of one request, or three odd answers: nobody is asked for ever.
    assert len(served.roads.received) <= GOOD + 3
    assert len(served.places.received) <= GOOD + 3


def test_what_was_missed_is_asked_for_once_the_services_are_well_again(desk_with: Any) -> None:
    served = desk_with(
        breaking(osrm, TROUBLES["truncated"]), breaking(nominatim, TROUBLES["truncated"])
    )
    served.desk("plan", now=NOW)
    asked = len(served.places.received)
    served.roads.script, served.places.script = osrm, nominatim

    document = served.desk("plan", "--json", now=NOW).json

    assert straight(document) == (0, 0)
    assert "none" not in document["plan"]["places"]
    assert len(served.places.received) - asked == 10


def test_a_person_reads_how_places_and_ways_are_known(desk_with: Any) -> None:
    served = desk_with(breaking(osrm, TROUBLES["error"]), breaking(nominatim, TROUBLES["error"]))

    told = served.desk("plan", now=NOW)

    assert re.search(r"^Places: .*\b10 none\b", told.out, re.MULTILINE)
    assert re.search(r"^Ways: osrm at 127.0.0.1:\d+, \d+ of \d+ ways by", told.out, re.MULTILINE)
    assert re.search(r"^\d+ x travel.great_circle_instead: .* got 500", told.err, re.MULTILINE)
    assert ".. " not in told.err
