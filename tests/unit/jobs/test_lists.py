"""What people go through one by one: doubtful places and visits that say too little, in words."""

import pytest

from crmbridge.jobs.showing.lists import MEANINGS, MUST_BE_FILLED, list_audit, list_places
from crmbridge.jobs.territory.places import REMEDIES

TOML = """
[connections.crm]
adapter = "csv"
[reps."ann@example.com"]
zone = "Europe/Berlin"
"""


@pytest.fixture
def office(space, put):
    workspace = space(TOML)
    put(workspace, "reps", id="R1", name="Ann Berger", email="ann@example.com", active=1)
    put(workspace, "customers", id="C1", name="Mill", owner_id="R1", city="Berlin", country="DE")
    put(workspace, "customers", id="C2", name="Yard", owner_id="R9", latitude=0.0, longitude=0.0)
    return workspace


def test_a_place_says_whose_it_is_what_is_wrong_and_what_helps(office):
    found = list_places(office)

    mill, yard = found["places"]
    assert mill.startswith(
        "Mill (crm/customers/C1), Ann Berger: no coordinates, and nothing is configured that finds "
        "the place of its address. Set planning.geocoding.url"
    )
    assert yard.startswith("Yard (crm/customers/C2), R9: the coordinates (0, 0), which stand for")
    assert [flaw["rep"] for flaw in found["flaws"]] == ["Ann Berger", "R9"]


def test_every_flaw_has_words():
    assert REMEDIES.keys() - MEANINGS.keys() == set()


def test_an_audit_without_anything_to_fill_in_says_what_to_set(office):
    found = list_audit(office)

    assert found["reps"] == [MUST_BE_FILLED]
    assert (found["visits"], found["audit"]) == ([], [])
