import csv
import hashlib
import json
import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from icalendar import Calendar

from crmbridge.engine.experiments import ExperimentParameters, evaluate_experiment
from crmbridge.engine.strategy import StrategyParameters, fit_strategy
from crmbridge.engine.units import ExperimentColumns
from crmbridge.records import CONSENT_STATES, STREAMS, Kind
from crmbridge.settings import loads
from crmbridge.testing.demo_data import (
    BOUNDS,
    DEFAULT_END,
    DEMO_TOML,
    PLANTED,
    TOWNS,
    DemoData,
    Planted,
    csv_text,
    generate,
    write_csv,
)
from crmbridge.testing.demo_data.market import ADVERTISING_EFFECT

REPOSITORY = Path(__file__).parents[3]


@cache
def demo() -> DemoData:
    return generate()


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(csv_text(demo().tables[name]).splitlines()))


def good(name: str) -> list[dict[str, str]]:
    dirty = {id_ for ids in demo().dirty.values() for id_ in ids}
    return [row for row in rows(name) if row["id"] not in dirty]


def test_the_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    digest = hashlib.sha256()
    for name in sorted(demo().tables):
        digest.update(csv_text(demo().tables[name]).encode())

    assert digest.hexdigest()[:16] == "176547615cc671b5"


def test_another_seed_gives_another_company() -> None:
    other = generate(seed=2)

    assert csv_text(other.tables["customers"]) != csv_text(demo().tables["customers"])
    assert len(other.tables["customers"].rows) == len(demo().tables["customers"].rows)


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_every_stream_has_a_table_of_its_own_columns(name: str) -> None:
    table = demo().tables[name]

    assert set(table.header) <= {"id", *STREAMS[name].by_name}
    assert all(len(row) == len(table.header) for row in table.rows)
    ids = table.column("id")
    assert len(set(ids)) == len(ids) > 0


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_good_rows_have_allowed_values_only(name: str) -> None:
    fields = [f for f in STREAMS[name].fields if f.name in demo().tables[name].header]
    for row in good(name):
        for field in fields:
            if row[field.name]:
                check_value(field.kind, row[field.name], field.choices)


def check_value(kind: Kind, text: str, choices: tuple[str, ...]) -> None:
    if kind in (Kind.NUMBER, Kind.MONEY, Kind.INTEGER):
        assert float(text) == float(text)
    elif kind is Kind.INSTANT:
        assert datetime.fromisoformat(text).tzinfo is not None
    elif kind is Kind.DATE:
        date.fromisoformat(text)
    elif kind is Kind.BOOLEAN:
        assert text in ("true", "false")
    elif kind is Kind.JSON:
        json.loads(text)
    assert not choices or text in choices


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_good_rows_refer_to_rows_that_exist(name: str) -> None:
    for field in STREAMS[name].fields:
        if not field.refers_to or field.name not in demo().tables[name].header:
            continue
        known = set(demo().tables[field.refers_to].column("id"))
        assert {row[field.name] for row in good(name) if row[field.name]} <= known


def test_towns_lie_in_their_country() -> None:
    south, north, west, east = BOUNDS

    assert len(TOWNS) >= 115
    assert len({(town.latitude, town.longitude) for town in TOWNS}) == len(TOWNS)
    for town in TOWNS:
        assert south < town.latitude < north, town.name
        assert west < town.longitude < east, town.name


def test_customers_live_in_their_town() -> None:
    towns = {town.name: town for town in TOWNS}
    for row in good("customers"):
        if row["latitude"]:
            assert abs(float(row["latitude"]) - towns[row["city"]].latitude) <= 0.05
            assert abs(float(row["longitude"]) - towns[row["city"]].longitude) <= 0.07


def test_every_rep_has_a_territory_of_use() -> None:
    counts = [row["owner_id"] for row in good("customers")]

    assert {row["id"] for row in rows("reps")} == set(counts)
    assert min(counts.count(rep) for rep in set(counts)) >= 20


def test_history_ends_before_today_and_the_agenda_begins_on_it() -> None:
    planned = [row["start_at"][:10] for row in good("activities") if row["status"] == "planned"]
    done = [row["start_at"][:10] for row in good("activities") if row["status"] == "done"]

    assert max(done) < DEFAULT_END.isoformat() <= min(planned)
    assert max(planned) < (DEFAULT_END + timedelta(days=14)).isoformat()
    assert {row["kind"] for row in good("activities")} >= {"visit", "absence", "meeting"}


def test_some_customers_grow_and_some_cool() -> None:
    amounts: dict[str, list[float]] = {}
    years = [(DEFAULT_END - timedelta(days=days)).isoformat() for days in (730, 365)]
    for row in good("orders"):
        if row["ordered_at"] >= years[0]:
            sums = amounts.setdefault(row["customer_id"], [0.0, 0.0])
            sums[row["ordered_at"] >= years[1]] += float(row["amount"])

    growing = [key for key, (early, late) in amounts.items() if late > 1.25 * early > 0]
    cooling = [key for key, (early, late) in amounts.items() if early > 1.25 * late > 0]

    assert len(growing) > 60
    assert len(cooling) > 60


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.id)
def test_the_planted_response_rates_are_in_the_members(planted: Planted) -> None:
    members = [row for row in rows("campaign_members") if row["campaign_id"] == planted.id]
    for arm, rate in planted.rates.items():
        own = [row["responded"] == "true" for row in members if row["arm"] == arm]
        error = (rate * (1 - rate) / len(own)) ** 0.5
        assert abs(sum(own) / len(own) - rate) < 3 * error


def frame(name: str) -> pd.DataFrame:
    table = demo().tables[name]
    return pd.DataFrame(table.rows, columns=list(table.header))


@pytest.mark.parametrize(
    ("campaign", "verdicts"),
    [
        ("K1", ["mail raised"]),
        ("K2", ["call is inconclusive"]),
        ("K3", ["long is inconclusive", "short raised"]),
    ],
)
def test_the_engine_finds_the_planted_effects_and_no_others(
    campaign: str, verdicts: list[str]
) -> None:
    members = frame("campaign_members")
    members = members[members["campaign_id"] == campaign]
    columns = ExperimentColumns(arm="arm", outcome="responded")

    found = evaluate_experiment(
        members.assign(responded=(members["responded"] == "true") * 1.0),
        ExperimentParameters(columns=columns),
    )

    for verdict, expected in zip(found.verdicts, verdicts, strict=True):
        assert verdict.startswith(expected)


def test_the_engine_finds_what_advertising_was_made_to_do() -> None:
    found = fit_strategy(frame("market_facts"), StrategyParameters())

    low, high = found.marginal["low"]["advertising"], found.marginal["high"]["advertising"]
    assert low < ADVERTISING_EFFECT < high
    assert found.advice[0].startswith("Put the next unit of budget into advertising")


@pytest.mark.parametrize("end", [date(2027, 2, 28), date(2028, 2, 29), date(2026, 8, 1)])
def test_the_demo_can_be_made_for_any_day(end: date) -> None:
    other = generate(start=end - timedelta(days=60), end=end)

    planned = [row for row in other.tables["activities"].rows if row[8] == "planned"]
    assert len(planned) >= 12
    assert other.tables["orders"].rows


def test_opt_outs_and_opening_hours_are_there() -> None:
    states = {(row["channel"], row["state"]) for row in rows("consents")}
    openings = {row["opening"] for row in rows("customers")}

    assert {(channel, "denied") for channel in ("visit", "call", "email")} <= states
    assert {state for _, state in states} <= set(CONSENT_STATES)
    assert "" in openings
    assert any('"mon":[]' in opening for opening in openings)


def test_dirty_rows_are_named() -> None:
    by_id = {row["id"]: row for row in rows("customers")}

    assert by_id[demo().dirty["latitude"][0]]["latitude"] == "91.0"
    assert len(demo().dirty["duplicate"]) == 6
    assert {row["id"] for row in rows("orders")} >= set(demo().dirty["amount"])


def test_files_are_written_as_the_csv_adapter_reads_them(tmp_path: Path) -> None:
    written = write_csv(demo(), tmp_path / "data")

    names = {path.name for path in written}
    assert names == {f"{name}.csv" for name in STREAMS} | {"ann.ics"}
    assert (tmp_path / "data/products.csv").read_bytes().count(b"\n") == 25


def test_the_busy_calendar_is_one() -> None:
    calendar = Calendar.from_ical(demo().files["ann.ics"])

    assert len(calendar.walk("VEVENT")) == 4


def test_the_demos_configuration_is_accepted() -> None:
    assert "demo" in loads(DEMO_TOML, {}).connections


def test_the_example_in_config_is_the_demos() -> None:
    assert (REPOSITORY / "config/demo.toml").read_text() == DEMO_TOML
    assert tomllib.loads(DEMO_TOML)["planning"]["seed"] == 1
