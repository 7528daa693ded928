"""Mappings: raw rows to record tuples, and what becomes of rows that do not fit."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge.adapters import Page
from crmbridge.errors import ConfigError
from crmbridge.pull.mapping import (
    ALL_EXTRA,
    Converted,
    MappingOptions,
    compile_mapping,
    wanted_fields,
)
from crmbridge.records import STREAMS
from crmbridge.store.schema import record_columns

ISO = "a date or time like 2026-01-31 or 2026-01-31T08:30:00Z"


def convert(stream: str, sources: dict[str, Any], rows: list[Any], **options: Any) -> Converted:
    """Rows as dicts of the same keys, through a mapping of object "Thing"."""
    columns = tuple(rows[0])
    settings = MappingOptions(connection="crm", **options)
    mapping = compile_mapping(STREAMS[stream], "Thing", sources, columns, settings)
    return mapping.convert(
        Page(object="Thing", columns=columns, rows=[tuple(row.values()) for row in rows])
    )


def values(stream: str, field: str, converted: Converted) -> list[Any]:
    assert list(converted.names) == sorted(
        converted.names, key=record_columns(STREAMS[stream]).index
    )
    return [row[converted.names.index(field)] for row in converted.rows]


def one(stream: str, field: str, source: Any, raw: Any, **options: Any) -> Any:
    """One raw value of field "F" as the canonical field holds it, or [its reason]."""
    table = {"field": "F"} | source if isinstance(source, dict) else source
    converted = convert(stream, {"id": "Id", field: table}, [{"Id": "1", "F": raw}], **options)
    if converted.rejected:
        return [converted.rejected[0].reason]
    return values(stream, field, converted)[0]


def test_rows_hold_the_mapped_columns_in_the_stores_order() -> None:
    converted = convert("products", {"sku": "S", "id": "Id"}, [{"S": "GTX", "Id": "7"}])

    assert converted.names == ("connection", "object", "id", "sku")
    assert converted.rows == [("crm", "Thing", "7", "GTX")]


@pytest.mark.parametrize(
    ("field", "source", "raw", "expected"),
    [
        ("name", "F", "N/A", "N/A"),
        ("name", "F", "", None),
        ("name", "F", None, None),
        ("name", "F", 0, "0"),
        ("name", "F", 12.0, "12"),
        ("name", "F", True, "true"),
        ("name", "F", "Zoe\u0308", "Zo\u00eb"),
        ("name", "F", "a\x00b\x1b[31mc", "ab[31mc"),
        ("name", "F", "a\x7fb", "ab"),
        ("name", "F", 'say "hi" \\ \x1b', 'say "hi" \\ '),
        ("owner_id", "F", 'a"\\', 'a"\\'),
        ("name", "F", "two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("owner_id", "F", "00123", "00123"),
        ("owner_id", "F", 123, "123"),
        ("latitude", "F", "52.52", 52.52),
        ("latitude", "F", " 52.52 ", 52.52),
        ("latitude", "F", 52, 52.0),
        ("latitude", {"decimal": ","}, "52,52", 52.52),
        ("revenue", {"decimal": ","}, "1.234.567,5", 1234567.5),
        ("employees", "F", "12", 12),
        ("employees", "F", "12.0", 12),
        ("employees", "F", 12.0, 12),
        ("class", {"values": {"Hot": "A"}}, "Hot", "A"),
        ("class", {"values": {"Hot": "A"}}, "hot ", "A"),
        ("class", {"values": {"Hot": "A"}, "default": "C"}, "Tepid", "C"),
        ("class", {"default": "C"}, "", "C"),
        ("status", {"const": "active"}, "whatever", "active"),
        ("status", "F", "Active", "active"),
        ("reply_until", "F", "2026-02-28", "2026-02-28"),
        ("reply_until", {"format": "%m/%d/%Y"}, "3/1/2017", "2017-03-01"),
        ("reply_until", {"format": "%d %b %y"}, "01 MAR 17", "2017-03-01"),
        ("reply_until", "F", "2026-02-28T00:00:00.000+0000", "2026-02-28"),
        ("reply_until", {"format": "epoch_ms"}, "1772236800000", "2026-02-28"),
        ("reply_until", {"zone": "Asia/Tokyo"}, "2026-02-27T20:00:00Z", "2026-02-28"),
        ("last_visit_at", "F", "1970-01-01T00:00:01.5Z", 1500),
        ("last_visit_at", "F", "1970-01-01T01:00:00+01:00", 0),
        ("last_visit_at", "F", "1970-01-01T00:00:00.000+0000", 0),
        ("last_visit_at", {"zone": "Europe/Berlin"}, "1970-01-01T01:00:00", 0),
        ("last_visit_at", {"zone": "Europe/Berlin"}, "1970-01-01", -3_600_000),
        ("last_visit_at", {"format": "epoch_s"}, "1.5", 1500),
        ("last_visit_at", {"format": "epoch_ms"}, 1500, 1500),
        ("last_visit_at", {"format": "%m/%d/%Y %I:%M %p"}, "1/1/1970 12:30 AM", 1_800_000),
        ("last_visit_at", {"format": "%Y-%m-%d %H:%M%z"}, "1970-01-01 02:00+01:30", 1_800_000),
        ("opening", "F", '{"mon": [["08:00", "12:00"]]}', '{"mon":[["08:00","12:00"]]}'),
        ("opening", "F", {"mon": []}, '{"mon":[]}'),
    ],
)
def test_a_value_becomes(field: str, source: Any, raw: Any, expected: Any) -> None:
    assert one("customers", field, source, raw, zone="UTC") == expected


@pytest.mark.parametrize(
    ("field", "source", "raw", "reason"),
    [
        ("latitude", "F", "91", "customers.latitude: expected -90 to 90, got '91'"),
        ("latitude", "F", "nan", "customers.latitude: expected a finite number, got 'nan'"),
        ("latitude", "F", float("inf"), "customers.latitude: expected a finite number, got inf"),
        ("latitude", "F", "1_0", "customers.latitude: expected a number, got '1_0'"),
        ("latitude", "F", "١٢", "customers.latitude: expected a number, got '١٢'"),
        ("latitude", "F", True, "customers.latitude: expected a number, got True"),
        ("revenue", "F", "-1", "customers.revenue: expected 0 or more, got '-1'"),
        ("revenue", "F", "123;456", "customers.revenue: expected a number, got '123;456'"),
        (
            "revenue", {"decimal": ","}, "1.5",
            "customers.revenue: expected a number with a decimal comma, got '1.5'",
        ),
        ("employees", "F", "1.5", "customers.employees: expected a whole number, got '1.5'"),
        (
            "status", {"values": {"Hot": "active"}}, "Tepid",
            "customers.status: expected one of prospect, active, lapsed, closed, got 'Tepid'",
        ),
        ("kind", "F", "firm", "customers.kind: expected one of org, household, person, got 'firm'"),
        (
            "reply_until", {"format": "%m/%d/%Y"}, "13/1/2017",
            "customers.reply_until: expected a time like %m/%d/%Y, got '13/1/2017'",
        ),
        (
            "last_visit_at", "F", "2026-02-30T00Z",
            f"customers.last_visit_at: expected {ISO}, got '2026-02-30T00Z'",
        ),
        ("opening", "F", '{"mon": NaN}', "customers.opening: expected JSON, got '{\"mon\": NaN}'"),
        ("name", "F", "\ud800", "customers.name: expected whole characters, got '\\ud800'"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_quarantines_its_row(
    field: str, source: Any, raw: Any, reason: str
) -> None:
    assert one("customers", field, source, raw) == [reason]


def test_one_bad_row_leaves_the_others_of_its_page() -> None:
    rows = [{"Id": str(n), "Lat": lat} for n, lat in enumerate(["1", "91", "", "x", "5"])]

    converted = convert("customers", {"id": "Id", "latitude": "Lat"}, rows)

    assert values("customers", "id", converted) == ["0", "2", "4"]
    assert values("customers", "latitude", converted) == [1.0, None, 5.0]
    assert [item.id for item in converted.rejected] == ["1", "3"]
    assert json.loads(converted.rejected[0].raw) == {"Id": "1", "Lat": "91"}


def test_a_reason_names_the_place_when_the_adapter_knows_it() -> None:
    mapping = compile_mapping(
        STREAMS["products"], "T", {"id": "Id"}, ["Id"], MappingOptions(connection="c")
    )
    page = Page(object="T", columns=("Id",), rows=[("1",), ("",)], place=lambda n: f"t.csv:{n + 2}")

    rejected = mapping.convert(page).rejected

    assert [item.reason for item in rejected] == [
        "t.csv:3: products.id: expected an id, got an empty one"
    ]
    assert rejected[0].id.startswith("#")


def test_rows_of_another_width_are_quarantined() -> None:
    mapping = compile_mapping(
        STREAMS["products"],
        "T",
        {"id": "Id", "name": "N"},
        ["Id", "N"],
        MappingOptions(connection="c"),
    )

    converted = mapping.convert(
        Page(object="T", columns=("Id", "N"), rows=[("1", "a"), ("2",), ("3", "b", "c")])
    )

    assert [row[2] for row in converted.rows] == ["1"]
    assert [item.reason for item in converted.rejected] == [
        "T: expected 2 values, got 1",
        "T: expected 2 values, got 3",
    ]


def test_times_without_a_zone_are_read_in_utc_and_noted() -> None:
    rows = [{"Id": "1", "At": "1970-01-01T00:00:01"}, {"Id": "2", "At": ""}]

    converted = convert("customers", {"id": "Id", "last_visit_at": "At"}, rows)

    assert values("customers", "last_visit_at", converted) == [1000, None]
    assert converted.notes == {("pull.naive_time", "mapping.customers.Thing.last_visit_at"): 1}


def test_columns_that_mix_zoned_and_naive_times_are_read_row_by_row() -> None:
    rows = [{"Id": "1", "At": "1970-01-01T00:00:01"}, {"Id": "2", "At": "1970-01-01T01:00+01:00"}]

    converted = convert("customers", {"id": "Id", "last_visit_at": "At"}, rows)

    assert values("customers", "last_visit_at", converted) == [1000, 0]


def test_an_instant_for_a_day_takes_its_day_in_utc_and_notes_it() -> None:
    rows = [{"Id": "1", "On": "2026-02-27T20:00:00Z"}]

    converted = convert("deals", {"id": "Id", "opened_on": "On"}, rows)

    assert values("deals", "opened_on", converted) == ["2026-02-27"]
    assert converted.notes == {("pull.instant_as_day", "mapping.deals.Thing.opened_on"): 1}


def test_values_that_a_map_does_not_name_stay_and_are_noted() -> None:
    gtx = {"field": "P", "values": {"GTXPro": "GTX Pro"}}
    rows = [{"Id": "1", "P": "GTXPro"}, {"Id": "2", "P": "MG Special"}]

    converted = convert("deals", {"id": "Id", "product_id": gtx}, rows)

    assert values("deals", "product_id", converted) == ["GTX Pro", "MG Special"]
    assert converted.notes == {("pull.unmapped_value", "mapping.deals.Thing.product_id"): 1}


def test_unmapped_columns_are_kept_as_wanted() -> None:
    rows = [{"Id": "1", "B": "b", "A": 1, "C": ""}]

    def extra(**options: Any) -> Any:
        return values("products", "extra", convert("products", {"id": "Id"}, rows, **options))[0]

    assert "extra" not in convert("products", {"id": "Id"}, rows).names
    assert extra(extra=ALL_EXTRA) == '{"A":1,"B":"b"}'
    assert extra(extra=("B",)) == '{"B":"b"}'
    assert extra(write_fields=("C",)) == '{"C":null}'


def test_fields_we_write_are_reported_as_seen() -> None:
    rows = [{"Id": "1", "Score": 5.5}, {"Id": "", "Score": 1.0}, {"Id": "2", "Score": ""}]

    converted = convert("customers", {"id": "Id"}, rows, write_fields=("Score",))

    assert converted.seen == [("1", (5.5,)), ("2", (None,))]


def test_consent_fields_become_facts() -> None:
    optout = {"field": "OptOut", "values": {"true": "denied"}, "default": "unknown"}
    rows = [
        {"Id": "1", "Mail": "Ann@Example.com", "OptOut": True},
        {"Id": "2", "Mail": None, "OptOut": None},
    ]

    converted = convert("contacts", {"id": "Id", "email": "Mail", "consent_email": optout}, rows)

    facts = [
        dict(zip(record_columns(STREAMS["consents"]), row, strict=True))
        for row in converted.consents
    ]
    assert [(fact["id"], fact["state"]) for fact in facts] == [
        ("Thing:1:email", "denied"),
        ("Thing:2:email", "unknown"),
    ]
    assert facts[0]["contact_id"] == "1"
    assert facts[0]["address"] == "ann@example.com"
    assert facts[0]["source"] == "OptOut"


def test_a_consent_no_longer_stated_is_gone() -> None:
    rows = [{"Id": "1", "C": ""}]

    converted = convert("customers", {"id": "Id", "consent_visit": "C"}, rows)

    assert converted.consents == []
    assert converted.consents_gone == {"visit": ["1"]}


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (
            {"id": "Id", "class": "Ratng"},
            "mapping.customers.Thing.class: expected a field of Thing, got 'Ratng'. Did you mean",
        ),
        (
            {"id": "Id", "clas": "Rating"},
            "mapping.customers.Thing.clas: expected a field of customers, got 'clas'. Did you mean",
        ),
        ({"class": "Rating"}, "mapping.customers.Thing: expected a source for id, got none."),
        (
            {"id": "Id", "class": {"feild": "Rating"}},
            "mapping.customers.Thing.class: expected keys among",
        ),
        (
            {"id": "Id", "last_visit_at": {"field": "Rating", "zone": "Berlin"}},
            "mapping.customers.Thing.last_visit_at.zone: expected an IANA zone",
        ),
        (
            {"id": "Id", "reply_until": {"field": "Rating", "format": "%Q"}},
            "mapping.customers.Thing.reply_until.format: expected directives among",
        ),
        (
            {"id": "Id", "status": {"const": "aktiv"}},
            "mapping.customers.Thing.status.const: expected one of prospect, active",
        ),
    ],
)
def test_a_mapping_that_cannot_work_names_its_key(sources: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        convert("customers", sources, [{"Id": "1", "Rating": "Hot"}])

    assert str(caught.value).startswith(message)


def test_an_optional_field_may_be_absent() -> None:
    by_table = {"id": "Id", "class": {"field": "Gone", "optional": True}}

    assert len(convert("customers", by_table, [{"Id": "1"}]).rows) == 1
    assert convert(
        "customers", {"id": "Id", "class": "Gone"}, [{"Id": "1"}], optional=frozenset({"class"})
    ).rows


def test_fields_asked_for_are_those_mapped_kept_and_written() -> None:
    sources: dict[str, Any] = {"id": "Id", "class": {"field": "Rating"}, "kind": {"const": "org"}}

    assert wanted_fields(sources, MappingOptions(connection="c", write_fields=("S",))) == (
        "Id", "Rating", "S",
    )  # fmt: skip
    assert wanted_fields(sources, MappingOptions(connection="c", extra=ALL_EXTRA)) == ()


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
    st.sampled_from(["", "1", "1.5", "-3", "2026-02-28", "2026-02-28T01:02:03Z", "true"]),
)  # fmt: skip


@given(
    st.sampled_from(["name", "owner_id", "latitude", "employees", "last_visit_at", "reply_until"]),
    st.lists(CELLS, min_size=1, max_size=8),
)
def test_a_column_converts_as_its_values_do_alone(field: str, cells: list[Any]) -> None:
    rows = [{"Id": str(n), "F": cell} for n, cell in enumerate(cells)]

    together = convert("customers", {"id": "Id", field: "F"}, rows)

    alone = [convert("customers", {"id": "Id", field: "F"}, [row]) for row in rows]
    assert together.rows == [row for item in alone for row in item.rows]
    assert [r.reason for r in together.rejected] == [
        rejected.reason for item in alone for rejected in item.rejected
    ]
