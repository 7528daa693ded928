from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.repeat_buying import (
    RepeatBuying,
    chance_alive,
    expected_orders,
    fit_repeat_buying,
    repeat_summary,
)
from crmbridge.engine.spending import Spending, expected_amount, fit_spending
from crmbridge.engine.value import ValueParameters, check_holdout, value_customers
from crmbridge.records import to_millis

PUBLISHED = RepeatBuying(r=0.243, alpha=4.414, a=0.793, b=2.426, log_likelihood=0.0)


def cdnow(shared: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared / "cdnow/cdnow_customers_summary_with_transactions.csv")
    assert len(frame) == 2357
    names = {"x": "repeats", "t_x": "recency", "T": "age", "zbar": "amount_mean"}
    return frame.rename(columns=names).set_index(frame["ID"].astype(str))


def customer(repeats: float, recency: float, age: float, amount: float = 20.0) -> pd.DataFrame:
    row = {"repeats": repeats, "recency": recency, "age": age, "amount_mean": amount}
    return pd.DataFrame([row], index=["1"])


def event_log(shared: Path) -> pd.DataFrame:
    log = pd.read_csv(shared / "cdnow/cdnowElog_btyd_sample.csv", dtype={"date": str})
    days = pd.to_datetime(log["date"]).astype("datetime64[ms]").astype("int64")
    return pd.DataFrame(
        {
            "customer_id": log["sampleid"].astype(str),
            "ordered_at": days,
            "amount": log["sales"],
        }
    )


def at(year: int, month: int, day: int) -> int:
    return to_millis(datetime(year, month, day, tzinfo=UTC))


def test_cdnow_gives_the_published_repeat_buying(shared: Path) -> None:
    model = fit_repeat_buying(cdnow(shared))

    assert model is not None
    found = [model.r, model.alpha, model.a, model.b]
    assert found == pytest.approx([0.2426, 4.4135, 0.7929, 2.4258], abs=5e-4)
    assert model.log_likelihood == pytest.approx(-9582.4256, abs=1e-3)


def test_cdnow_gives_the_published_spending(shared: Path) -> None:
    model = fit_spending(cdnow(shared))

    assert model is not None
    assert model.customers == 946
    assert [model.p, model.q, model.v] == pytest.approx([6.2488, 3.7446, 15.4477], rel=1e-3)


def test_cdnow_orders_of_the_39_weeks_after_are_foretold(shared: Path) -> None:
    summary, log = cdnow(shared), event_log(shared)
    model = fit_repeat_buying(summary)
    later = log[log["ordered_at"] >= at(1997, 10, 1)]
    days = later.groupby("customer_id")["ordered_at"].nunique()
    came = np.asarray(days.reindex(summary.index).fillna(0), dtype=np.float64)

    assert model is not None
    found = check_holdout(expected_orders(model, summary, 39.0), came)

    assert found is not None
    assert found.correlation >= 0.62
    assert found.rmse <= 1.61
    assert abs(found.expected / found.came - 1) <= 0.13
    assert found.top_share >= 0.465
    assert found.correlation == pytest.approx(0.6256, abs=5e-4)
    assert found.rmse == pytest.approx(1.608, abs=1e-3)
    assert (round(found.expected), round(found.came)) == (1653, 1882)
    assert found.top_share == pytest.approx(0.470, abs=2e-3)


def test_a_summary_made_from_orders_is_the_published_one(shared: Path) -> None:
    published = cdnow(shared)

    found = repeat_summary(event_log(shared), until=at(1997, 9, 30) + 1).reindex(published.index)

    assert (found["repeats"] == published["repeats"]).all()
    assert found["recency"].to_numpy() == pytest.approx(published["recency"].to_numpy(), abs=0.006)
    assert found["age"].to_numpy() == pytest.approx(published["age"].to_numpy(), abs=0.006)


def test_the_papers_example_customer_is_expected_1_226_orders_in_a_year() -> None:
    # Fader, Hardie and Lee 2005: x = 2, t_x = 30.43, T = 38.86, next 39 weeks: 1.226.
    assert expected_orders(PUBLISHED, customer(2, 30.43, 38.86), 39.0)[0] == pytest.approx(
        1.226, abs=5e-4
    )


def test_a_long_silence_lowers_the_chance_of_being_alive() -> None:
    recent = chance_alive(PUBLISHED, customer(5, 35, 38))[0]
    silent = chance_alive(PUBLISHED, customer(5, 8, 38))[0]

    assert silent < 0.2 < 0.8 < recent < 1
    assert chance_alive(PUBLISHED, customer(0, 0, 38))[0] == 1.0


def test_spending_is_drawn_to_the_mean_of_all_the_more_the_fewer_the_repeats() -> None:
    model = Spending(p=6.25, q=3.74, v=15.44, customers=946)

    one = expected_amount(model, customer(1, 1, 1, 100.0))[0]
    ten = expected_amount(model, customer(10, 1, 1, 100.0))[0]
    none = expected_amount(model, customer(0, 0, 1, np.nan))[0]

    assert none == pytest.approx(6.25 * 15.44 / 2.74)  # p v / (q - 1)
    assert none < one < ten < 100


def test_value_is_orders_times_amount_less_the_discount(shared: Path) -> None:
    whole = value_customers(cdnow(shared), ValueParameters(discount_rate=0.0)).frame
    less = value_customers(cdnow(shared), ValueParameters(discount_rate=0.1)).frame

    assert (whole["orders"] * whole["amount"]).to_numpy() == pytest.approx(whole["value"])
    ratio = less["value"].sum() / whole["value"].sum()
    assert 1 / 1.1 < ratio < 1  # all of it comes within the year


def test_orders_of_one_day_count_once() -> None:
    orders = pd.DataFrame(
        {
            "customer_id": "1",
            "ordered_at": [at(2026, 1, 1), at(2026, 1, 1) + 3_600_000, at(2026, 1, 15)],
            "amount": [10.0, 10.0, 30.0],
        }
    )

    row = repeat_summary(orders, until=at(2026, 1, 29)).iloc[0]

    assert row.to_list() == [1.0, 2.0, 4.0, 30.0]  # weeks


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(0, 0, 10)],
        [(0, 0, 10)] * 5,
        [(np.nan, np.nan, np.nan)] * 3,
        [(np.inf, 1, 2)] * 3,
        [(1, 1, 0)],
    ],
)
def test_too_little_to_value_anybody_is_a_sentence(rows: list[tuple[float, ...]]) -> None:
    summary = pd.DataFrame(rows, columns=["repeats", "recency", "age"], dtype=float)

    found = value_customers(summary.assign(amount_mean=np.nan), ValueParameters())

    assert found.frame.empty
    assert "too few to value anybody" in found.findings[0].example


@pytest.mark.parametrize("amount", [20.0, np.nan, np.inf, 0.0])
def test_equal_customers_are_valued_equally_and_finitely(amount: Any) -> None:
    summary = pd.DataFrame(
        {"repeats": 2.0, "recency": 5.0, "age": 10.0, "amount_mean": amount}, index=range(20)
    )

    found = value_customers(summary, ValueParameters())

    assert np.isfinite(found.frame.to_numpy()).all()
    assert found.frame["value"].nunique() == 1
    assert {finding.code for finding in found.findings} == {"value.few", "value.no_spending"}


def test_a_holdout_of_nothing_is_no_check() -> None:
    assert check_holdout(np.array([]), np.array([])) is None
    found = check_holdout(np.array([1.0, 1.0]), np.array([0.0, 0.0]))
    assert found is not None
    assert (found.correlation, found.top_share) == (0.0, 0.0)


def test_parameters_that_grow_without_limit_are_told() -> None:
    summary = pd.DataFrame(
        {"repeats": [9.0, 9.0], "recency": [9.0, 9.0], "age": [9.0, 9.0], "amount_mean": [5.0, 6.0]}
    )

    found = value_customers(summary, ValueParameters())

    assert "value.flat" in [finding.code for finding in found.findings]


def test_intervals_hold_what_cdnows_customers_did_in_the_39_weeks_after(shared: Path) -> None:
    summary, log = cdnow(shared), event_log(shared)
    later = log[log["ordered_at"] >= at(1997, 10, 1)]
    days = later.groupby("customer_id")["ordered_at"].nunique()
    came = np.asarray(days.reindex(summary.index).fillna(0), dtype=np.float64)

    found = value_customers(summary, ValueParameters(horizon_days=273)).frame

    inside = (found["orders_low"] <= came) & (came <= found["orders_high"])
    assert inside.mean() >= 0.95  # whole orders: an interval holds a little more than it says
    assert (came > found["orders_high"]).mean() == pytest.approx(0.025, abs=0.015)
    assert (found["value_low"] <= found["value"]).all()
    assert (found["value"] <= found["value_high"] + 1e-9).mean() > 0.8  # most may buy nothing


def test_a_wider_confidence_is_a_wider_interval(shared: Path) -> None:
    wide = value_customers(cdnow(shared), ValueParameters(confidence=0.99)).frame
    narrow = value_customers(cdnow(shared), ValueParameters(confidence=0.5)).frame

    assert (wide["value_high"] >= narrow["value_high"]).all()
    assert wide["value_high"].sum() > narrow["value_high"].sum()
