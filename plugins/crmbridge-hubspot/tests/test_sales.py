"""Orders, line items and subscriptions: what an account may have beside the records of people."""

from collections.abc import Callable
from typing import Any

import pytest

from crmbridge.adapters import Connection, ReadRequest, Window
from crmbridge.errors import ConfigError
from crmbridge.testing.context import make_context
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox

Connect = Callable[..., Connection]
WON = {"hs_is_closed": True, "hs_is_closed_won": True}


def rows(connection: Connection, object_: str, **more: Any) -> list[dict[str, Any]]:
    pages = connection.read(ReadRequest(object=object_, **more))
    return [dict(zip(page.columns, row, strict=True)) for page in pages for row in page.rows]


def sold(connection: Connection, lines: list[str], to: str = "companies") -> set[tuple[str, str]]:
    return {
        (one.from_id, one.to_id)
        for some in connection.read_links("line_items", lines, to)
        for one in some
    }


@pytest.fixture
def company(hub: Sandbox) -> str:
    return hub.account.put("companies", {"name": "Lee"})


def deal_of(hub: Sandbox, company: str, **values: Any) -> str:
    id_ = hub.account.put("deals", values)
    hub.account.link("deals", id_, "companies", company, 341)
    return id_


def line_of(hub: Sandbox, object_: str, id_: str) -> str:
    line = hub.account.put("line_items", {"quantity": 2, "amount": 10})
    hub.account.link(object_, id_, "line_items", line)
    return line


def test_a_line_of_a_won_deal_is_its_customers(
    hub: Sandbox, connect: Connect, company: str
) -> None:
    """A line of an open or lost deal is an offer, and nobody's order."""
    won = line_of(hub, "deals", deal_of(hub, company, **WON))
    line_of(hub, "deals", deal_of(hub, company, hs_is_closed=False, hs_is_closed_won=False))
    line_of(hub, "deals", deal_of(hub, company, hs_is_closed=True, hs_is_closed_won=False))
    lines = list(hub.account.held("line_items"))

    assert sold(connect(), lines) == {(won, company)}


def test_a_deal_that_is_won_later_counts_then(hub: Sandbox, connect: Connect, company: str) -> None:
    """Nothing of the line itself changes by it: links are read again."""
    deal = deal_of(hub, company, hs_is_closed_won=False)
    line = line_of(hub, "deals", deal)
    connection = connect()
    before = sold(connection, [line])

    hub.account.edit("deals", deal, WON)

    assert (before, sold(connection, [line])) == (set(), {(line, company)})


def test_a_line_of_an_order_has_order_and_customer(
    hub: Sandbox, connect: Connect, company: str
) -> None:
    """Where the account has orders."""
    order = hub.account.put("orders", {"hs_total_price": 20})
    hub.account.link("orders", order, "companies", company)
    line = line_of(hub, "orders", order)
    connection = connect()

    (links,) = connection.read_links("line_items", [line], "orders")

    assert [one.to_id for one in links] == [order]
    assert sold(connection, [line]) == {(line, company)}


def test_an_account_without_orders_is_not_asked_for_them(
    hub: Sandbox, tmp_path: Any, company: str
) -> None:
    """Its line items are its deals'."""
    from dataclasses import replace

    from pydantic import SecretStr

    line = line_of(hub, "deals", deal_of(hub, company, **WON))
    auth = {"access_token": SecretStr("pat-sandbox")}
    context = make_context(tmp_path, url=hub.url, auth=auth)
    objects = {"customers": ("companies",), "order_lines": ("line_items",)}
    connection = ADAPTER.open(ADAPTER.settings(), replace(context, objects=objects))

    assert sold(connection, [line]) == {(line, company)}
    assert not any("orders" in one.path for one in hub.log)


def test_an_order_stands_at_the_time_of_the_shop(hub: Sandbox, connect: Connect) -> None:
    """An import of years of orders was not all bought today."""
    at = "2024-05-06T07:08:09.000Z"
    first = hub.account.put("orders", {"hs_external_created_date": at, "hs_total_price": 20})
    second = hub.account.put("orders", {"hs_createdate": "2026-03-01T00:00:00.000Z"})
    fields = ("hs_total_price", "computed.ordered_at")

    found = {one["id"]: one for one in rows(connect(), "orders", fields=fields)}

    assert found[first]["computed.ordered_at"] == at
    assert found[first]["hs_total_price"] == "20"
    assert found[second]["computed.ordered_at"] == "2026-03-01T00:00:00.000Z"


def test_orders_are_searched_by_windows_too(hub: Sandbox, connect: Connect) -> None:
    """As every other object."""
    id_ = hub.account.put("orders", {"hs_total_price": 20})
    now = hub.account.clock.now()
    window = Window(since=now, until=hub.account.clock.step())

    found = rows(connect(), "orders", fields=("computed.ordered_at",), window=window)

    assert [one["id"] for one in found] == [id_]


def status(type_: int, state: str, name: str = "News") -> dict[str, Any]:
    return {"subscriptionId": type_, "subscriptionName": name, "status": state,
            "source": "FORM", "legalBasis": "CONSENT_WITH_NOTICE",
            "timestamp": "2026-03-01T00:00:00Z"}  # fmt: skip


def test_subscriptions_are_facts_of_contacts(hub: Sandbox, connect: Connect) -> None:
    """Each of every contact with an address, however it is written; page by page."""
    account = hub.account
    ann = account.put("contacts", {"email": "Ann@Example.com"})
    account.put("contacts", {"firstname": "without an address"})
    for number in range(120):
        account.put("contacts", {"email": f"n{number}@example.com"})
        account.statuses[f"n{number}@example.com"] = [status(1, "UNSUBSCRIBED")]
    account.statuses["ann@example.com"] = [status(1, "SUBSCRIBED"), status(2, "NOT_SPECIFIED")]

    found = rows(connect(), "subscriptions")

    of_ann = [one for one in found if one["contactId"] == ann]
    assert len(found) == 122
    assert {one["id"]: one["status"] for one in of_ann} == {
        f"{ann}:1": "SUBSCRIBED", f"{ann}:2": "NOT_SPECIFIED",
    }  # fmt: skip
    assert of_ann[0]["email"] == "ann@example.com"
    assert all(len(one.json()["inputs"]) <= 100 for one in hub.log if "statuses" in one.path)


def test_only_the_named_subscriptions_count(hub: Sandbox, connect: Connect) -> None:
    """Who left one newsletter has not refused all mail."""
    hub.account.put("contacts", {"email": "ann@example.com"})
    hub.account.statuses["ann@example.com"] = [status(1, "UNSUBSCRIBED"), status(2, "SUBSCRIBED")]

    found = rows(connect(subscriptions=("2",)), "subscriptions")

    assert [one["subscriptionId"] for one in found] == ["2"]


def test_subscriptions_that_may_not_be_read_are_no_consent(hub: Sandbox, connect: Connect) -> None:
    """They are not there, and not empty."""
    hub.account.put("contacts", {"email": "ann@example.com"})
    hub.moods.plan(Mood.SCOPES, "statuses")

    with pytest.raises(ConfigError, match="MISSING_SCOPES"):
        rows(connect(), "subscriptions")
