from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.affinity import best_offers
from crmbridge.engine.needs import strongest_needs
from crmbridge.engine.rates import market_table, smoothed_table

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_rates_are_smoothed_towards_the_overall_rate() -> None:
    frame = pd.DataFrame({"region": ["North", "South"], "won": [30, 0], "closed": [50, 10]})

    table = smoothed_table(frame, "region", "won", "closed", strength=10)

    # overall 30/60 = .5; North (30 + 5) / (50 + 10) = .5833; South (0 + 5) / (10 + 10) = .25
    assert table["north"] == pytest.approx(0.58333 / 1.08333, abs=1e-5)
    assert table["south"] == pytest.approx(0.25 / 0.75, abs=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0, None])
def test_no_counts_give_no_table(value: Any) -> None:
    frame = pd.DataFrame({"region": ["North"], "won": [value], "closed": [value]})

    assert smoothed_table(frame, "region", "won", "closed") == {}
    assert smoothed_table(frame[:0], "region", "won", "closed") == {}


def facts(rows: list[tuple[str, str, Any, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["key", "period_on", "situation", "sales"])


def test_a_markets_situation_is_that_of_its_last_three_periods() -> None:
    months = [("Dairy", f"2026-{month:02}-01", value, None) for month, value in
              ((6, 0.0), (8, 0.2), (9, 0.4), (10, 0.6), (12, 1.0))]  # fmt: skip

    assert market_table(facts(months), NOW) == {"dairy": pytest.approx(0.4)}


def test_without_a_situation_the_sales_of_a_year_ago_are_the_measure() -> None:
    rows = [("x", "2025-10-01", None, 100.0), ("x", "2026-10-01", None, 300.0)]

    assert market_table(facts(rows), NOW) == {"x": 0.75}  # 300 / (300 + 100)


def test_a_market_of_which_nothing_is_known_is_absent() -> None:
    assert market_table(facts([("x", "2026-10-01", None, None)]), NOW) == {}
    assert market_table(pd.DataFrame(), NOW) == {}


def lines(bought: dict[str, str]) -> pd.DataFrame:
    rows = [(customer, item) for customer, items in bought.items() for item in items]
    return pd.DataFrame(rows, columns=["customer_id", "family"])


def test_the_offer_is_what_similar_buyers_bought() -> None:
    bought = {f"b{i:02}": "PV" for i in range(30)}  # pumps and valves go together
    bought |= {f"c{i:02}": "F" for i in range(30)}  # filters go alone
    bought["new"] = "P"

    offers = best_offers(lines(bought), "family")

    assert offers.to_dict("index")["new"]["product_fit_name"] == "V"
    # 30 buy both, by chance 31 x 30 / 61 = 15.25 would: lift 40 / 25.25 = 1.584
    fit = offers.to_dict("index")["new"]["product_fit"]
    assert fit == pytest.approx(1.584 / 2.584, abs=0.001)


def test_one_buyer_of_a_rare_product_proves_nothing() -> None:
    bought = {f"b{i:02}": "PV" for i in range(30)} | {"odd": "PX", "new": "P"}
    bought |= {f"c{i:02}": "F" for i in range(30)}

    offers = best_offers(lines(bought), "family")

    assert offers.to_dict("index")["new"]["product_fit_name"] == "V"


def test_who_bought_everything_gets_no_offer() -> None:
    assert "all" not in best_offers(lines({"all": "PV", "one": "P"}), "family").index


@pytest.mark.parametrize("bought", [{}, {"a": "P"}, {"a": "P", "b": "P"}])
def test_too_few_products_give_no_offers(bought: dict[str, str]) -> None:
    assert best_offers(lines(bought), "family").empty


def test_the_strongest_open_need_is_named() -> None:
    needs = pd.DataFrame(
        [
            ("1", "Pumps", 0.4, 0),
            ("1", "Seals", 0.9, 1),
            ("1", "Valves", 0.5, 0),
            ("2", "", 0.9, 0),
            ("", "Pumps", 0.9, 0),
        ],
        columns=["customer_id", "family", "strength", "met"],
    )

    assert strongest_needs(needs)["need_name"].to_dict() == {"1": "Valves"}
    assert strongest_needs(needs[:0]).empty
