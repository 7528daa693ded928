"""Who is kept out for bad coordinates is on the list of doubtful places, with what helps."""

import json

import pytest

from crmbridge.jobs.showing.lists import list_places
from crmbridge.store.quarantine import Quarantined, add_quarantined

TOML = """
[connections.crm]
adapter = "csv"
path = "data"
"""
BAD_LATITUDE = "customers.latitude: expected -90 to 90, got {}"


def keep_out(workspace, id_, reason, stream="customers", **raw):
    one = Quarantined(
        connection="crm", object="customers", record_id=id_, stream=stream, reason=reason,
        raw=json.dumps(raw), run_id=1, first_at=1, last_at=1,
    )  # fmt: skip
    with workspace.store.write() as tx:
        add_quarantined(tx, [one])


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected", "flaw"),
    [
        ("123", "8", "-90 to 90", "swapped"),
        ("-123", "118", "-90 to 90", "out_of_range"),
        ("999", "8", "-90 to 90", "out_of_range"),
        ("nan", "8", "a finite number", "not_finite"),
        ("north", "8", "a number", "unreadable"),
    ],
)
def test_bad_coordinates_are_listed_by_what_is_wrong(latitude, longitude, expected, flaw, space):
    workspace = space(TOML)
    reason = f"customers.csv:7: customers.latitude: expected {expected}, got {latitude!r}"
    keep_out(workspace, "C7", reason, GeoLatitude=latitude, GeoLongitude=longitude)

    (found,) = list_places(workspace)["flaws"]

    assert (found["customer"], found["flaw"]) == ("crm/customers/C7", flaw)
    assert found["remedy"].endswith("; until then the record waits in quarantine")


def test_other_reasons_and_records_are_not_places(space):
    workspace = space(TOML)
    keep_out(workspace, "C1", "customers.employees: expected 0 or more, got -1")
    keep_out(workspace, "R1", "reps.home_latitude: expected a number, got 'x'", stream="reps")

    assert list_places(workspace)["flaws"] == []


def test_a_customer_known_by_an_older_state_is_listed_once_with_name_and_rep(space, put):
    workspace = space(TOML)
    put(workspace, "reps", id="R1", name="Ann Lee", email="ann@example.com")
    put(workspace, "customers", id="C1", name="Mill", owner_id="R1")
    keep_out(workspace, "C1", BAD_LATITUDE.format("'91'"), latitude="91", longitude="100")

    (line,) = list_places(workspace)["places"]

    assert line.startswith("Mill (crm/customers/C1), Ann Lee: coordinates that lie nowhere on")
