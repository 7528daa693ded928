"""How and when a customer responds, and what it buys, is judged at analysis and kept."""

import csv
import json
from pathlib import Path
from typing import Any

from crmbridge.jobs.analysis.customers import analyse
from crmbridge.jobs.analysis.preferences import Preference, known_preferences
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.showing.files import write_analysis
from crmbridge.store.models import latest_model


def kept(shop: Any) -> dict[str, Preference]:
    analyse(shop.space, "sales", ("sales",))
    with shop.space.store.read() as tx:
        return known_preferences(tx, "sales")


def test_the_channel_that_answers_is_preferred_to_the_one_that_is_used_most(shop: Any) -> None:
    shop.hold("customers", {"id": "a", "zone": "Asia/Tokyo"})
    mails = [{"id": f"m{n}", "kind": "email", "direction": "out", "customer_id": "a",
              "start_at": shop.at(7 * n)} for n in range(1, 9)]  # fmt: skip
    calls = [{"id": f"c{n}", "kind": "call", "direction": "in", "customer_id": "a",
              "start_at": shop.at(7 * n)} for n in range(1, 4)]  # fmt: skip
    shop.hold("activities", *mails, *calls)

    found = kept(shop)["a"]

    assert (found.channel, found.weekday, found.hour) == ("call", 0, 17)  # 08:00 UTC in Tokyo
    assert (found.responses, found.tries) == (3, 11)
    assert found.sentence() == "Responds best by call on Monday about 17:00"


def test_answers_come_by_yes_to_visits_by_contacts_and_by_campaigns(shop: Any) -> None:
    shop.hold("customers", {"id": "a"}, {"id": "b"})
    shop.hold("contacts", {"id": "p", "customer_id": "a"})
    shop.hold("campaigns", {"id": "c", "channel": "email"})
    shop.hold(
        "activities",
        {"id": "1", "kind": "email", "direction": "in", "contact_id": "p", "start_at": shop.at(7)},
        {"id": "2", "kind": "call", "direction": "out", "customer_id": "a", "start_at": shop.at(7)},
        {"id": "3", "kind": "visit", "reply": "accepted", "customer_id": "a",
         "start_at": shop.at(14)},
        {"id": "4", "kind": "email", "direction": "in", "customer_id": "a",
         "start_at": shop.at(900)},
        {"id": "5", "kind": "call", "direction": "in", "customer_id": "b", "start_at": shop.at(7)},
    )  # fmt: skip
    shop.hold(
        "campaign_members",
        {"id": "r", "campaign_id": "c", "contact_id": "p", "responded_at": shop.at(21)},
        {"id": "s", "campaign_id": "c", "customer_id": "a", "status": "sent",
         "modified_at": shop.at(28)},
    )  # fmt: skip

    found = kept(shop)

    assert set(found) == {"a"}
    # The mail and the yes of this month and the click; the call out and the mail sent are tries.
    assert (found["a"].responses, found["a"].tries) == (3, 5)


def test_kinds_of_product_are_preferences_too(shop: Any) -> None:
    shop.hold("customers", {"id": "a"})
    shop.hold(
        "products", {"id": "t", "name": "green tea", "family": "tea"}, {"id": "m", "name": "milk"}
    )
    shop.hold(
        "order_lines",
        *(
            {"id": f"l{n}", "customer_id": "a", "product_id": product, "ordered_at": shop.at(9)}
            for n, product in enumerate("mtt")
        ),
    )

    found = kept(shop)["a"]

    assert (found.channel, found.products) == ("", "tea, milk")
    assert found.sentence() == "Buys tea, milk"


def test_preferences_are_a_column_of_the_customers_table(shop: Any) -> None:
    shop.hold("customers", {"id": "a"}, {"id": "b"})
    shop.hold("products", {"id": "t", "name": "tea"})
    shop.hold("order_lines", {"customer_id": "a", "product_id": "t", "ordered_at": shop.at(9)})

    path, *_ = write_analysis(shop.space, analyse(shop.space, "sales", ("sales",)),
                              RunReport(run=1, now=shop.space.clock.now()))  # fmt: skip

    rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()))
    assert {row["id"]: row["preference"] for row in rows} == {"a": "Buys tea", "b": ""}


def test_too_few_responses_tell_nothing(shop: Any) -> None:
    shop.hold("customers", {"id": "a"})
    shop.hold(
        "activities",
        *(
            {
                "id": f"c{n}",
                "kind": "call",
                "direction": "in",
                "customer_id": "a",
                "start_at": shop.at(n),
            }
            for n in (1, 2)
        ),
    )

    assert kept(shop) == {}
    with shop.space.store.read() as tx:
        held = latest_model(tx, "preferences/sales")
    assert held is not None
    assert json.loads(held.card)["told"] == ["1 of 1 customers responded fewer than 3 times"]
