"""Queries as we write them are SOQL in the eyes of a parser that others wrote."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from crmbridge.adapters import Operation, ReadRequest, Window, WriteItem
from crmbridge.errors import ConfigError
from crmbridge_salesforce import soql
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Sandbox

NASTY = [
    "O'Brien \\",
    "') OR Name LIKE ('%",
    "new\nline\ttab\r",
    "ünï 東京 🙂",
    "50%_",
    '"quoted"',
    "",
]


def queries_of(sandbox: Sandbox, open_: Any) -> list[str]:
    """What the adapter asks when it reads each object, looks records up, and writes."""
    org = sandbox.org
    org.page_size = 1
    account = org.put("Account", {"Name": "Acme"})
    people = [org.put("Contact", {"LastName": name}) for name in "AB"]
    campaign = org.put("Campaign", {"Name": "Spring"})
    window = Window(since=datetime(2026, 1, 2, 3, 4, 5, 6000, UTC), until=org.now())
    with open_(bulk_from=1) as connection, open_(bulk_from=0) as slow:
        for object_ in ADAPTER.capabilities.objects:
            for one in (connection, slow):
                fields = ("Id", "SystemModstamp")
                list(one.read(ReadRequest(object=object_, fields=fields, window=window)))
                list(one.read(ReadRequest(object=object_, window=window)))
            list(connection.read_ids(object_))
        connection.check()
        connection.read_by_ids("Contact", people, ("LastName", "Owner.Email"))
        connection.find_by_keys("Event", "crmbridge_key__c", NASTY)
        add = {"campaign_id": campaign, "contact_id": people[0]}
        update: dict[str, Any] = {
            "item": "u",
            "operation": Operation.UPDATE,
            "values": {"Phone": "1"},
        }
        connection.write([WriteItem(object="Account", id=account, **update)])
        connection.write(
            [
                WriteItem(
                    item="m",
                    operation=Operation.ADD_MEMBER,
                    object="CampaignMember",
                    values=add,
                )
            ]
        )
    asked = {one.query["q"] for one in sandbox.received if "q" in one.query}
    jobs = {one.json()["query"] for one in sandbox.received if one.path.endswith("jobs/query")}
    return sorted(asked | jobs)


def test_a_parser_that_others_wrote_takes_every_query(
    sandbox: Sandbox, open_: Any, judge: Callable[[list[str]], list[str]] | None
) -> None:
    if judge is None:
        pytest.skip(reason="needs node, and: npm install @jetstreamapp/soql-parser-js")
    queries = queries_of(sandbox, open_)

    assert judge(queries) == []
    assert judge([*queries[:2], "SELECT FROM Account", "SELECT Id, FROM Account"]) != []
    assert len(queries) > 50


@pytest.mark.parametrize("text", NASTY)
def test_a_text_comes_back_from_the_sandboxs_grammar(text: str) -> None:
    from crmbridge_salesforce.sandbox.soql import Compare, parse

    where = parse(f"SELECT Id FROM Account WHERE Name = {soql.quoted(text)}").where

    assert isinstance(where, Compare)
    assert where.literals[0].value == text


@pytest.mark.parametrize("name", ["Name, Id", "Name FROM User", "1Name", "Na'me", "", "A..B"])
def test_what_is_no_name_is_written_into_no_query(name: str) -> None:
    with pytest.raises(ConfigError):
        soql.select([name], "Account")


def test_an_instant_is_written_in_utc_and_without_quotes() -> None:
    at = datetime.fromisoformat("2026-03-02T09:00:00.250+01:00")

    assert soql.instant(at) == "2026-03-02T08:00:00.250Z"


def test_long_lists_are_cut_so_that_addresses_stay_short() -> None:
    values = [f"{number:036d}" for number in range(500)]

    cut = list(soql.parts(values, 4000))

    assert [value for part in cut for value in part] == values
    assert max(len(soql.among("Key__c", part)) for part in cut) < 4100
