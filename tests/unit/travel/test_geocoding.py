"""geopy's client sends through what it is lent, whatever it asks of its carrier."""

import json
from datetime import UTC, datetime

import pytest

from crmbridge.travel.cache import PlaceCache
from crmbridge.travel.geocoding import Address, Geocoder, Quality, _nominatim

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
FOUND = {"lat": "52.5", "lon": "13.4", "display_name": "Berlin", "place_rank": 16}


class Lent:
    """A carrier that says the same to everybody and notes what was asked."""

    def __init__(self, said):
        self.said, self.asked = said, []

    def __call__(self, path, document, headers):
        self.asked.append((path.partition("?")[0], document, headers["User-Agent"]))
        return self.said


def finder(fetch, tmp_path):
    return Geocoder(
        cache=PlaceCache(tmp_path / "places.db"), now=NOW, fetch=fetch, where="maps",
        user_agent="us",
    )  # fmt: skip


def test_what_the_client_reads_as_text_is_the_same_document():
    carrier = Lent([FOUND])
    adapter = _nominatim(carrier, "us").adapter

    text = adapter.get_text(
        "http://localhost/search?q=Berlin", timeout=1, headers={"User-Agent": "us"}
    )

    assert json.loads(text) == [FOUND]
    assert carrier.asked == [("search", None, "us")]


@pytest.mark.parametrize(
    "said",
    [{"error": "down"}, [None], ["Berlin"], [{"lat": "north", "lon": "13", "display_name": "x"}],
     "Berlin", 7, [{"lat": "52.5"}], [[]]],
    ids=["object", "null", "word", "no number", "text", "number", "half", "list"],
)  # fmt: skip
def test_an_answer_of_another_shape_is_no_place_and_asked_again(said, tmp_path):
    found = finder(Lent(said), tmp_path).find(Address(city="Berlin"))

    again = finder(Lent([FOUND]), tmp_path).find(Address(city="Berlin"))
    assert (found, again.quality) == (None, Quality.CITY)
