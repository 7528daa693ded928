"""What ends up in the store: rows, references by links, consents, and what is gone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crmbridge_hubspot.sandbox import Sandbox

HOUR = timedelta(hours=1)
Pull = Callable[..., Any]


def test_line_items_are_order_lines_with_customer_and_order(hub: Sandbox, puller: Pull) -> None:
    """By way of a won deal or an order; of an open deal's nobody buys."""
    account = hub.account
    company, product = account.put("companies", {"name": "Lee"}), account.put("products", {})
    order = account.put("orders", {"hs_total_price": 20, "hs_currency_code": "EUR"})
    account.link("orders", order, "companies", company)
    won = account.put("deals", {"hs_is_closed_won": True})
    open_ = account.put("deals", {"hs_is_closed_won": False})
    lines = []
    for object_, id_ in (("orders", order), ("deals", won), ("deals", open_)):
        line = account.put("line_items", {"quantity": 2, "amount": 10, "hs_product_id": product})
        account.link(object_, id_, "line_items", line)
        account.link("deals", won, "companies", company, 341)
        account.link("deals", open_, "companies", company, 341)
        lines.append(line)
    pulled = puller("companies", "products", "deals", "orders", "line_items")

    assert pulled.pull().problems == []

    found = pulled.held("order_lines", "customer_id", "order_id", "product_id", "quantity")
    assert found[lines[0]] == (company, order, product, 2)
    assert found[lines[1]] == (company, None, product, 2)
    assert found[lines[2]] == (None, None, product, 2)
    assert pulled.held("orders", "customer_id", "amount", "currency") == {
        order: (company, 20.0, "EUR")
    }


def test_consents_come_of_opt_outs_and_of_subscriptions(hub: Sandbox, puller: Pull) -> None:
    """Not having opted out is no consent; a subscription is."""
    account = hub.account
    out = account.put("contacts", {"email": "out@example.com", "hs_email_optout": True})
    in_ = account.put("contacts", {"email": "in@example.com", "hs_email_optout": False})
    account.statuses["in@example.com"] = [
        {"subscriptionId": 1, "subscriptionName": "News", "status": "SUBSCRIBED",
         "source": "FORM", "timestamp": "2026-03-01T00:00:00Z"},
    ]  # fmt: skip
    pulled = puller("contacts", "subscriptions")

    assert pulled.pull().problems == []

    facts = pulled.held("consents", "contact_id", "channel", "state", "scope")
    assert set(facts.values()) == {
        (out, "email", "denied", None),
        (in_, "email", "unknown", None),
        (in_, "email", "granted", "News"),
    }


def test_a_visit_in_the_store_says_whom_it_is_with(hub: Sandbox, puller: Pull) -> None:
    """Meetings name nobody: associations do."""
    account = hub.account
    company, contact = account.put("companies", {}), account.put("contacts", {})
    meeting = account.put("meetings", {"hs_meeting_title": "Visit"})
    task = account.put("tasks", {"hs_task_subject": "Call back"})
    account.link("meetings", meeting, "companies", company, 188)
    account.link("meetings", meeting, "contacts", contact, 200)
    pulled = puller("companies", "contacts", "meetings", "tasks")

    pulled.pull()

    found = pulled.held("activities", "kind", "customer_id", "contact_id")
    assert found == {meeting: ("visit", company, contact), task: ("task", None, None)}


def test_a_link_added_later_reaches_the_store(hub: Sandbox, puller: Pull) -> None:
    """Nothing of the records changes by it; the slow pass over all links has it in time."""
    account = hub.account
    companies = [account.put("companies", {}) for _ in range(150)]
    contact = account.put("contacts", {})
    pulled = puller("companies", "contacts")
    pulled.pull()
    for company in companies:
        account.link("contacts", contact, "companies", company, 279)
    account.clock.at += timedelta(days=8)

    pulled.pull()

    assert {one[3] for one in pulled.linked()} == set(companies)
    assert pulled.held("contacts", "customer_id")[contact] == min(companies)


def test_what_vanishes_does_not_stop_the_others(hub: Sandbox, puller: Pull) -> None:
    """An administrator takes a property away between two pulls."""
    account = hub.account
    account.put("companies", {"name": "Lee", "industry": "Milk"})
    pulled = puller("companies")
    assert pulled.pull().problems == []
    account.vanish("companies", "industry")
    account.put("companies", {"name": "Roe"})
    account.clock.at += HOUR

    report = pulled.pull()

    assert report.problems == []
    assert sorted(pulled.held("customers", "name").values()) == ["Lee", "Roe"]


def test_merged_and_archived_records_leave_the_store(hub: Sandbox, puller: Pull) -> None:
    """Of two one is left, and what was the other's is known to be."""
    account = hub.account
    loser, winner, gone = (account.put("contacts", {"lastname": n}) for n in "abc")
    pulled = puller("contacts")
    pulled.pull()
    account.merge("contacts", loser, winner)
    account.delete("contacts", gone)
    account.clock.at += HOUR

    pulled.pull()

    assert set(pulled.held("contacts", "last_name")) == {winner}


def test_a_quiet_account_is_read_again_without_a_change(hub: Sandbox, puller: Pull) -> None:
    """The overlap costs calls and no rows."""
    for number in range(30):
        hub.account.put("contacts", {"lastname": f"N{number}"})
    pulled = puller("contacts", "meetings", "lists")
    pulled.pull()
    hub.account.clock.at += HOUR

    report = pulled.pull()

    assert all(one.new + one.changed == 0 for one in report.counts.values())
