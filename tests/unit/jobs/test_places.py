"""Addresses are found once and politely; what cannot be placed is listed with its remedy."""

from datetime import timedelta

import pytest

from crmbridge.errors import ConfigError, StorageError
from crmbridge.jobs.territory.outside import geocoder
from crmbridge.jobs.territory.places import located, place_flaws, quality_counts
from crmbridge.testing.loopback import answer, html, silent
from crmbridge.travel.geocoding import Address, Quality

TOML = """
[planning.geocoding]
url = "{url}"
user_agent = "crmbridge of Example Ltd, it@example.com"
timeout_seconds = {seconds}
requests_per_run = {requests}
per_second = {per_second}
"""
MILL = Address(street="Mill Lane 3", postcode="10115", city="Berlin", country="DE")


def toml(server, seconds=2, requests=50, per_second=1.0):
    return TOML.format(url=server.url, seconds=seconds, requests=requests, per_second=per_second)


def nominatim(received):
    """Nominatim's search: knows Mill Lane's houses, and the town."""
    found = {"lat": "52.53", "lon": "13.38", "display_name": "Berlin", "place_rank": 16}
    if received.query.get("street") == "Mill Lane 3":
        found = {**found, "lat": "52.5312", "lon": "13.3847", "place_rank": 30}
    known = received.query.get("city") == "Berlin" and "street" in received.query
    is_town = received.query.get("city") == "Berlin" and "street" not in received.query
    exact = received.query.get("street") == "Mill Lane 3"
    return answer(document=[found] if is_town or (known and exact) else [])


def a_row(id_, **changes):
    fields = dict.fromkeys(
        ("latitude", "longitude", "geo_quality", "street", "postcode", "city", "country", "name",
         "owner_id", "status")
    )  # fmt: skip
    return {"connection": "crm", "object": "Account", "id": id_, **fields, **changes}


def test_an_address_is_found_by_a_structured_search_under_our_name(space, serve):
    server = serve(nominatim)

    with geocoder(space(toml(server))) as finder:
        place = finder.find(MILL)

    assert (place.point.latitude, place.quality) == (52.5312, Quality.EXACT)
    (asked,) = server.received
    assert asked.path == "/search"
    assert asked.query["street"] == "Mill Lane 3"
    assert asked.query["postalcode"] == "10115"
    assert asked.headers["User-Agent"] == "crmbridge of Example Ltd, it@example.com"


def test_an_unknown_house_is_placed_in_its_town_and_says_so(space, serve):
    with geocoder(space(toml(serve(nominatim)))) as finder:
        place = finder.find(Address(street="No Street 1", city="Berlin"))
        nowhere = finder.find(Address(city="Atlantis"))

    assert place.quality is Quality.CITY
    assert nowhere is None
    assert finder.waiting == 0


def test_an_address_is_asked_for_once_even_if_nobody_knows_it(space, serve):
    server = serve(nominatim)
    for _ in range(3):
        with geocoder(space(toml(server))) as finder:
            finder.find(MILL)
            finder.find(Address(city="Atlantis"))

    assert len(server.received) == 2
    with geocoder(space(toml(server), now=finder.now + timedelta(days=181))) as finder:
        finder.find(MILL)
    assert len(server.received) == 3


def test_the_cache_holds_no_address(space, serve):
    workspace = space(toml(serve(nominatim)))
    with geocoder(workspace) as finder:
        finder.find(MILL)

    content = (workspace.state_folder / "places.db").read_bytes()

    assert b"Mill" not in content
    assert b"10115" not in content
    assert (workspace.state_folder / "places.db").stat().st_mode & 0o777 == 0o600


def test_no_more_than_one_request_a_second(space, serve):
    workspace = space(toml(serve(nominatim)))
    with geocoder(workspace) as finder:
        for number in range(5):
            finder.find(Address(city=f"Atlantis {number}"))

    # Five requests: the first at once, then a second each.
    assert sum(workspace.clock.slept) == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize(
    "reply",
    [html(), answer(503), silent(1), answer(403)],
    ids=["page", "down", "silent", "refused"],
)
def test_a_service_that_does_not_answer_is_left_alone(reply, space, serve):
    server = serve([reply])
    with geocoder(space(toml(server, seconds=0.2))) as finder:
        found = [finder.find(Address(city=f"Town {number}")) for number in range(20)]

    assert found == [None] * 20
    assert finder.failure
    assert finder.waiting == 20
    assert len(server.received) <= 2


def test_odd_results_are_passed_over_and_asked_again_next_time(space, serve):
    replies = [answer(document=[{"display_name": "no place"}]), nominatim]

    def script(received):
        return replies[0] if received.query["city"] == "Odd" else nominatim(received)

    with geocoder(space(toml(serve(script)))) as finder:
        odd, good = finder.find(Address(city="Odd")), finder.find(MILL)

    assert odd is None
    assert good.quality is Quality.EXACT
    assert finder.waiting == 1


def test_the_run_s_share_of_requests_is_kept(space, serve):
    server = serve(nominatim)
    with geocoder(space(toml(server, requests=3))) as finder:
        for number in range(10):
            finder.find(Address(city=f"Atlantis {number}"))

    assert len(server.received) == 3
    assert finder.waiting == 7


POSTCODES = "country,postcode,latitude,longitude\nDE,10115,52.53,13.38\n,EC1A 1BB,51.52,-0.1\n"


def test_a_table_of_postcodes_does_without_any_service(space, tmp_path):
    (tmp_path / "codes.csv").write_text(POSTCODES)
    with geocoder(space('[planning.geocoding]\npostcodes = "codes.csv"')) as finder:
        berlin = finder.find(MILL)
        london = finder.find(Address(postcode="ec1a1bb", country="GB"))
        other = finder.find(Address(postcode="10115", country="FR"))

    assert (berlin.point.latitude, berlin.quality) == (52.53, Quality.CITY)
    assert london.point.longitude == -0.1
    assert other is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("country,postcode,latitude,longitude\nDE,1,fifty,8\n", ConfigError),
        ("country,postcode,latitude,longitude\nDE,1,95,8\n", ConfigError),
        ("country,code\nDE,1\n", ConfigError),
        (None, StorageError),
    ],
)
def test_a_table_that_is_none_is_said(text, error, space, tmp_path):
    if text is not None:
        (tmp_path / "codes.csv").write_text(text)

    with pytest.raises(error, match=r"codes\.csv"):
        geocoder(space('[planning.geocoding]\npostcodes = "codes.csv"')).__enter__()


def territory(count=8):
    return [
        a_row(f"ok{i}", latitude=52 + i / 50, longitude=13 + i / 40, owner_id="ann")
        for i in range(count)
    ]


def test_every_flaw_is_listed_once_with_its_remedy():
    rows = [
        *territory(),
        a_row("blank", owner_id="ann"),
        a_row("town", city="Berlin", owner_id="ann"),
        a_row("zero", latitude=0.0, longitude=0.0, owner_id="ann"),
        a_row("turned", latitude=151.2, longitude=-33.9, owner_id="ann"),
        a_row("beyond", latitude=200.0, longitude=10.0, owner_id="ann"),
        a_row("mirror", latitude=13.1, longitude=52.1, owner_id="ann"),
        a_row("abroad", latitude=40.4, longitude=-3.7, owner_id="ann"),
    ]

    flaws = place_flaws(located(rows, None))

    assert {flaw.customer.rpartition("/")[2]: flaw.flaw for flaw in flaws} == {
        "blank": "no_address",
        "town": "not_asked",
        "zero": "zero",
        "turned": "swapped",
        "beyond": "out_of_range",
        "mirror": "suspect_swapped",
        "abroad": "far_from_territory",
    }
    assert all(flaw.remedy for flaw in flaws)


def test_each_place_says_how_well_it_is_known(space, serve):
    rows = [
        a_row("given", latitude=52.0, longitude=13.0),
        a_row("stated", latitude=52.0, longitude=13.0, geo_quality="street"),
        a_row("denied", latitude=52.0, longitude=13.0, geo_quality="none"),
        a_row("found", street="Mill Lane 3", city="Berlin"),
        a_row("lost", city="Atlantis"),
    ]
    with geocoder(space(toml(serve(nominatim)))) as finder:
        found = located(rows, finder)

    assert [row["geo_quality"] for row in found] == ["given", "street", "given", "exact", "none"]
    assert found[3]["latitude"] == 52.5312
    assert quality_counts(found) == {"exact": 1, "given": 2, "none": 1, "street": 1}
    assert [flaw.flaw for flaw in place_flaws(found)] == ["not_found"]


def test_places_across_the_antimeridian_are_near():
    rows = [
        a_row(f"c{i}", latitude=-17.0 - i / 50, longitude=lon, owner_id="ann")
        for i, lon in enumerate((179.9, -179.9, 179.5, -179.6, 179.8, -179.7))
    ]

    assert place_flaws(located(rows, None)) == []


def test_the_country_around_a_town_is_not_far_from_it():
    town = [
        a_row(f"t{i}", latitude=60.0 + i / 500, longitude=25.0, owner_id="ann") for i in range(8)
    ]
    around = a_row("around", latitude=60.0, longitude=27.4, owner_id="ann")  # 133 km to the east
    beyond = a_row("beyond", latitude=61.5, longitude=25.0, owner_id="ann")  # 167 km to the north

    flaws = place_flaws(located([*town, around, beyond], None))

    assert [flaw.customer for flaw in flaws] == ["crm/Account/beyond"]
