"""Departments get tables of needs, market and service, with charts where they can be drawn."""

from typing import Any

import pytest

from crmbridge.jobs.showing import charts, html
from crmbridge.jobs.showing.departments import department_sheets


def filled(shop: Any) -> Any:
    shop.hold("customers", {"id": "a", "region": "North", "segment": "Dairy"},
              {"id": "b", "region": "South", "segment": "Dairy"})  # fmt: skip
    shop.hold("products", {"id": "p", "name": "Pump <1>"})
    need = {"product_id": "p", "customer_id": "a", "met": 0}
    shop.hold("needs", {**need, "strength": 0.5, "source": "ticket"}, {**need, "strength": 0.7},
              {**need, "met": 1, "source": "ticket"},
              {"family": "Seals", "customer_id": "b"})  # fmt: skip
    shop.hold("deals", {"product_id": "p", "customer_id": "b", "amount": 1200.0, "closed": 0},
              {"product_id": "p", "customer_id": "b", "amount": 9.0, "closed": 1})  # fmt: skip
    shop.hold("orders", {"customer_id": "a", "amount": 300.0, "ordered_at": shop.at(10)},
              {"customer_id": "b", "amount": 200.0, "ordered_at": shop.at(400)})  # fmt: skip
    shop.hold("feedback", {"expected": 4, "actual": 3, "given_at": shop.at(40)},
              {"expected": 4, "actual": 5, "given_at": shop.at(1)})  # fmt: skip
    return shop


def sheets(shop: Any) -> dict[str, Any]:
    with shop.space.store.read() as tx:
        found = department_sheets(tx, ("sales",), shop.at(0))
    return {sheet.title: sheet for sheet in found}


def test_needs_are_told_by_product_and_region_with_what_was_met(shop: Any) -> None:
    sheet = sheets(filled(shop))["What customers need, by product and region"]

    assert sheet.rows == (
        ("Pump <1>", "North", 2, "0.60", "33 %"),
        ("Seals", "South", 1, "", "0 %"),
    )


def test_open_deals_the_market_cases_and_satisfaction(shop: Any) -> None:
    found = sheets(filled(shop))

    assert found["Open deals, by product and region"].rows == (("Pump <1>", "South", 1, "1,200"),)
    assert found["The market, by segment"].rows == (("Dairy", 2, "300", "200", "+50 %", "100 %"),)
    assert found["Service cases"].rows == (("Pump <1>", 1, 1),)
    assert found["Satisfaction, by month"].rows == (
        ("2026-03", 1, "4.00", "5.00"),
        ("2026-01", 1, "4.00", "3.00"),
    )


def test_nothing_known_is_no_sheet_but_the_customers(shop: Any) -> None:
    assert sheets(shop) == {}


def test_charts_are_the_same_for_the_same_numbers_and_escape_labels() -> None:
    pytest.importorskip("matplotlib", reason="the extra `charts` is not installed")
    draw = ["a <b>", "c"], {"open": [1.0, None], "met": [2.0, 3.0]}, "cases"

    chart = charts.bars(*draw)

    assert chart == charts.bars(*draw)
    assert chart.startswith("<svg")
    assert "a &lt;b&gt;" in chart
    assert "<b>" not in chart
    assert charts.lines(["2026-01", "2026-02"], {"given": [1.0, None]}, "points").startswith("<svg")


def test_the_report_holds_tables_and_charts(shop: Any) -> None:
    pytest.importorskip("matplotlib", reason="the extra `charts` is not installed")

    page = html.render(html.report_facts(filled(shop).space))

    assert "Pump &lt;1&gt;" in page
    assert page.count("<svg") == 4
    assert "pip install" not in page
    assert "No visits were planned" in page
    assert "No published visit was due" in page


def test_without_matplotlib_the_report_has_tables_and_says_how_to_get_charts(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "find_spec", lambda name: None)

    page = html.render(html.report_facts(filled(shop).space))

    assert "Pump &lt;1&gt;" in page
    assert "<svg" not in page
    assert page.count("pip install &#39;crmbridge[charts]&#39;") == 1


def test_amounts_are_told_with_their_currency(shop: Any) -> None:
    with filled(shop).space.store.read() as tx:
        found = department_sheets(tx, ("sales",), shop.at(0), "EUR")

    headers = {sheet.title: sheet.headers for sheet in found}
    assert headers["Open deals, by product and region"][-1] == "Amount (EUR)"
    assert headers["The market, by segment"][2] == "Orders, last year (EUR)"
