"""A real account's extract (Fivetran's) in the sandbox, pulled and reconciled to the last row."""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import Connection, ReadRequest
from crmbridge_hubspot.sandbox import Sandbox
from crmbridge_hubspot.sandbox.truth import StaticList

DATA = Path(__file__).parent / "data" / "fivetran"
ACTIVITIES = {"CALL": "calls", "NOTE": "notes", "TASK": "tasks", "EMAIL": "emails"}
Row = dict[str, str]


def rows(name: str) -> Iterator[Row]:
    with (DATA / f"{name}_data.csv").open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def properties(row: Row) -> dict[str, Any]:
    """The extract's columns of properties, by their names in HubSpot."""
    found = {k.removeprefix("property_"): v for k, v in row.items() if k.startswith("property_")}
    return {k: v for k, v in found.items() if k not in {"hs_object_id", "hs_merged_object_ids"}}


@pytest.fixture(autouse=True)
def loaded(hub: Sandbox) -> None:
    account = hub.account
    for object_, name in (("companies", "company"), ("contacts", "contact")):
        for row in rows(name):
            account.put(object_, properties(row), row["id"])
    for row in rows("contact"):
        for loser in filter(None, row["property_hs_merged_object_ids"].split(";")):
            account.merge("contacts", loser, row["id"])
    for row in rows("engagement_meeting"):
        account.put("meetings", {"hs_meeting_title": row["title"]}, row["engagement_id"])
    for kind, object_ in ACTIVITIES.items():
        for row in rows(f"engagement_{kind.lower()}"):
            account.put(object_, properties(row), row["engagement_id"])
    for to, name in (("companies", "company"), ("contacts", "contact")):
        for row in rows(f"engagement_{name}"):
            object_ = ACTIVITIES[row["engagement_type"]]
            account.link(object_, row["engagement_id"], to, row[f"{name}_id"], int(row["type_id"]))
    _load_lists(hub)
    for row in rows("owner"):
        account.owners[row["owner_id"]] = {
            "id": row["owner_id"], "email": row["email"], "firstName": row["first_name"],
            "lastName": row["last_name"], "archived": False,
        }  # fmt: skip


def _load_lists(hub: Sandbox) -> None:
    for row in rows("contact_list"):
        hub.account.lists[row["id"]] = StaticList(
            row["id"], row["name"], row["object_type_id"], row["processing_type"]
        )
    for row in rows("contact_list_member"):
        if row["_fivetran_deleted"] == "false":
            members = hub.account.lists[row["contact_list_id"]].members
            members[row["contact_id"]] = datetime.fromisoformat(row["added_at"] + "+00:00")


@pytest.mark.parametrize(
    ("object_", "table", "count"),
    [("companies", "company", 24), ("contacts", "contact", 19), ("owners", "owner", 100),
     ("meetings", "engagement_meeting", 100), ("calls", "engagement_call", 1),
     ("notes", "engagement_note", 1), ("tasks", "engagement_task", 2),
     ("emails", "engagement_email", 1), ("lists", "contact_list", 60)],
)  # fmt: skip
def test_an_extract_reconciles_to_the_last_row(
    connect: Callable[[], Connection], object_: str, table: str, count: int
) -> None:
    """As many records as the extract has, less those that were merged away: 22 - 3 contacts."""
    pages = list(connect().read(ReadRequest(object=object_, fields=("id",))))

    read = [row[0] for page in pages for row in page.rows]
    held = {next(row[k] for k in ("id", "engagement_id", "owner_id") if k in row)
            for row in rows(table)}  # fmt: skip
    assert len(read) == len(set(read)) == count
    assert set(read) <= held
    assert held - set(read) == {loser for page in pages for loser, _ in page.merged}


def test_an_extract_reaches_the_store_to_the_last_row_and_link(
    puller: Callable[..., Any],
) -> None:
    """By a pull as crmbridge runs it, and once more: nothing changes by that."""
    pulled = puller(*STREAMS)

    report = pulled.pull()

    assert report.problems == []
    assert not any(one.quarantined for one in report.counts.values())
    assert {name: len(pulled.held(name, "id")) for name in COUNTS} == COUNTS
    merged = {one for row in rows("contact")
              for one in row["property_hs_merged_object_ids"].split(";")}  # fmt: skip
    contacts = {row["id"] for row in rows("contact")} - merged
    assert set(pulled.held("contacts", "id")) == contacts
    assert set(pulled.held("customers", "id")) == {row["id"] for row in rows("company")}
    assert set(pulled.held("reps", "id")) == {row["owner_id"] for row in rows("owner")}
    wanted = {
        (ACTIVITIES[row["engagement_type"]], row["engagement_id"], to, row[f"{name}_id"])
        for to, name in (("companies", "company"), ("contacts", "contact"))
        for row in rows(f"engagement_{name}")
    }
    found = {one for one in pulled.linked() if one[0] in ACTIVITIES.values()}
    activities = pulled.held("activities", "id")
    assert found == {one for one in wanted if one[1] in activities}
    # The extract links one task that it does not hold.
    assert wanted - found == {("tasks", "31479928586", "companies", "9991774791")}
    assert all(one.changed == 0 for one in pulled.pull(full=True).counts.values())


STREAMS = ("owners", "companies", "contacts", "meetings", "calls", "notes", "tasks", "emails",
           "lists", "list_memberships")  # fmt: skip
COUNTS = {"reps": 100, "customers": 24, "contacts": 19, "activities": 105, "campaigns": 60,
          "campaign_members": 68}  # fmt: skip


def test_an_engagement_is_what_its_type_says(connect: Callable[[], Connection]) -> None:
    """The table of all engagements, and those of each kind."""
    for row in rows("engagement"):
        asked = ReadRequest(object=ACTIVITIES[row["type"]], fields=("id",))
        read = {one[0] for page in connect().read(asked) for one in page.rows}
        assert row["id"] in read


def test_definitions_of_an_extract_are_described(
    hub: Sandbox, connect: Callable[[], Connection]
) -> None:
    """Labels and types of properties, and the options of choices."""
    kinds = {"contact": "contacts", "deal": "deals", "company": "companies", "product": "products"}
    told = [row for row in rows("property") if row["hubspot_object"] in kinds]
    choices = [row for row in rows("property_option") if row["hubspot_object"] in kinds]
    for row in told:
        hub.account.define(kinds[row["hubspot_object"]], row["name"], label=row["label"],
                           type=row["type"], fieldType=row["field_type"])  # fmt: skip
    for row in choices:
        option = {"label": row["label"], "value": row["value"], "hidden": False,
                  "displayOrder": int(row["display_order"])}  # fmt: skip
        hub.account.define(kinds[row["hubspot_object"]], row["name"], type="enumeration",
                           options=[option])  # fmt: skip

    described = {one.name: {f.name: f for f in one.fields} for one in connect().describe()}

    assert told
    assert choices
    for row in told:
        field = described[kinds[row["hubspot_object"]]][row["name"]]
        assert (field.label, field.type) == (row["label"], row["type"])
    for row in choices:
        field = described[kinds[row["hubspot_object"]]][row["name"]]
        assert field.picklist == (row["value"],)


def test_properties_of_an_extract_come_as_they_are(connect: Callable[[], Connection]) -> None:
    """Names with hyphens, and values of all kinds."""
    name = "hs_all-funky-a9384-syntax"
    asked = ReadRequest(object="companies", fields=("name", "createdate", name))

    read = {row[0]: row[1:] for page in connect().read(asked) for row in page.rows}

    for row in rows("company"):
        assert read[row["id"]][0] == (row["property_name"] or None)
        assert read[row["id"]][2] == (row[f"property_{name}"] or None)


def test_members_and_links_of_an_extract_are_all_there(connect: Callable[[], Connection]) -> None:
    """68 members that were not removed; each engagement's company and contact."""
    connection = connect()

    pages = connection.read(ReadRequest(object="list_memberships", fields=("id",)))
    members = {row[0] for page in pages for row in page.rows}
    links = [
        (one.from_id, one.to_id, one.type)
        for object_, to, id_ in (
            ("tasks", "companies", "31479928586"), ("calls", "contacts", "19732910159"),
        )
        for some in connection.read_links(object_, [id_], to)
        for one in some
    ]  # fmt: skip

    assert members == {
        f"{row['contact_list_id']}:{row['contact_id']}"
        for row in rows("contact_list_member")
        if row["_fivetran_deleted"] == "false"
    }
    assert links == [
        ("31479928586", "9991774791", "HUBSPOT_DEFINED:192"),
        ("19732910159", "501", "HUBSPOT_DEFINED:194"),
    ]
