"""How a connection's date format, decimal sign and zone get under its mapping."""

from crmbridge.adapters import FieldSource
from crmbridge.pull.conventions import Conventions
from crmbridge.records import STREAMS

AMERICAN = Conventions(date_format="%m/%d/%Y", decimal=",", zone="America/Chicago")


def test_dates_and_numbers_take_the_connections_conventions() -> None:
    fields = {"opened_on": "engage_date", "amount": "close_value", "stage": "deal_stage"}

    found = AMERICAN.under(STREAMS["deals"], fields)

    assert found == {
        "opened_on": {"field": "engage_date", "format": "%m/%d/%Y", "zone": "America/Chicago"},
        "amount": {"field": "close_value", "decimal": ","},
        "stage": "deal_stage",
    }


def test_what_the_mapping_names_itself_holds() -> None:
    fields: dict[str, FieldSource] = {
        "opened_on": {"field": "day", "format": ""},
        "amount": {"const": 5},
    }

    found = AMERICAN.under(STREAMS["deals"], fields)

    assert found["opened_on"] == {"field": "day", "format": "", "zone": "America/Chicago"}
    assert found["amount"] == {"const": 5}


def test_a_connection_without_conventions_changes_nothing() -> None:
    fields: dict[str, FieldSource] = {"opened_on": "day", "amount": {"field": "value"}}

    assert Conventions().under(STREAMS["deals"], fields) == fields
