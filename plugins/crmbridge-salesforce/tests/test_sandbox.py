"""The sandbox stands on its own: it loads the demo, tells the time, and misbehaves on command."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from crmbridge.testing.demo_data import DemoData, generate
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Mood, Org, Sandbox, start_demo
from crmbridge_salesforce.sandbox.demo import load
from crmbridge_salesforce.sandbox.filter import compile_condition
from crmbridge_salesforce.sandbox.soql import SoqlError, parse


@cache
def small_demo() -> DemoData:
    """The demo with twenty records where it has thousands."""
    data = generate()
    tables = {
        name: replace(table, rows=table.rows[: 20 if len(table.rows) > 1000 else None])
        for name, table in data.tables.items()
    }
    return replace(data, tables=tables)


def test_it_starts_with_the_demos_company() -> None:
    with start_demo(small_demo()) as sandbox:
        held = sandbox.org.held

        assert sandbox.url.startswith("http://127.0.0.1:")
        counts = [len(held(name)) for name in ("Account", "Contact", "Product2", "Order")]
        assert counts == [607, 835, 24, 20]
        assert abs(sandbox.org.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_adapters_sandbox_tells_how_to_reach_it() -> None:
    assert ADAPTER.sandbox is not None
    with ADAPTER.sandbox(0) as running:
        assert running.url in running.settings
        assert all(name in running.settings for name in running.secrets)


def test_the_example_configuration_is_the_demos() -> None:
    example = Path(__file__).parents[3] / "config" / "salesforce.toml"

    shipped = files("crmbridge_salesforce").joinpath("demo.toml").read_text("utf-8")
    assert example.read_text("utf-8") == shipped


def test_the_demos_people_are_linked_and_opted_out() -> None:
    org = Org()

    ids = load(org, small_demo())

    contacts = org.held("Contact").values()
    owners = {one["OwnerId"] for one in org.held("Account").values()}
    assert {one["AccountId"] for one in contacts} <= set(org.held("Account"))
    assert owners <= set(ids.values())
    assert any(one["HasOptedOutOfEmail"] for one in contacts)


def test_the_date_header_is_the_organisations_clock(sandbox: Sandbox) -> None:
    with urlopen(f"{sandbox.url}/services/data", timeout=5) as answer:
        dates = answer.headers.get_all("Date")

    assert dates == ["Mon, 02 Mar 2026 08:00:01 GMT"]


def test_nobody_is_let_in_without_a_session(sandbox: Sandbox) -> None:
    request = Request(f"{sandbox.url}/services/data/v62.0/limits")

    with pytest.raises(OSError, match="401"):
        urlopen(request, timeout=5)


def test_what_was_asked_is_logged(sandbox: Sandbox) -> None:
    with urlopen(f"{sandbox.url}/services/data", timeout=5):
        pass

    assert sandbox.log == ["GET /services/data"]


def test_a_mood_is_due_after_so_many_good_answers(sandbox: Sandbox) -> None:
    sandbox.moods.plan(Mood.BUSY, path="/query", method="GET", after=1, times=2)

    asked = [("GET", "/limits"), ("GET", "/query"), ("POST", "/query"), *[("GET", "/query")] * 3]
    found = [sandbox.moods.due(method, path) for method, path in asked]

    assert found == [None, None, None, Mood.BUSY, Mood.BUSY, None]


@pytest.mark.parametrize(
    ("condition", "is_let_through"),
    [
        ("Name = 'acme'", True),
        ("Name LIKE 'a%' AND NumberOfEmployees >= 5", True),
        ("(Name = 'x' OR Rating = null) AND NOT IsDeleted = true", True),
        ("Name IN ('x', 'Acme')", True),
        ("Name NOT IN ('x', 'Acme')", False),
        ("NumberOfEmployees < 5", False),
        ("SystemModstamp < 2026-03-02T08:00:00Z", False),
        ("SystemModstamp >= 2026-03-02T08:00:00.000+01:00", True),
        ("AnnualRevenue > 0", False),
    ],
)
def test_a_condition_means(condition: str, is_let_through: bool) -> None:
    org = Org()
    id_ = org.put("Account", {"Name": "Acme", "NumberOfEmployees": 5})
    query = parse(f"SELECT Id FROM Account WHERE {condition}")

    test = compile_condition(org.schema["Account"], query.where)

    assert test(org.held("Account")[id_]) is is_let_through


@pytest.mark.parametrize(
    "condition",
    [
        "NumberOfEmployees = '5'",
        "Name = 5",
        "IsDeleted = 'true'",
        "SystemModstamp > '2026-03-02T08:00:00Z'",
        "CreatedDate > 2026-03-02",
        "Id = '001'",
        "Nonsense = 1",
        "AnnualRevenue > null",
    ],
)
def test_a_literal_of_another_type_is_refused(condition: str) -> None:
    query = parse(f"SELECT Id FROM Account WHERE {condition}")

    with pytest.raises(SoqlError):
        compile_condition(Org().schema["Account"], query.where)
