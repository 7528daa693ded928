from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.satisfaction import (
    RATIOS,
    satisfaction_ratios,
    strategy_visits,
    visit_facts,
    visits_with_effect,
)
from crmbridge.records import to_millis


def at(day: int, month: int = 10) -> int:
    return to_millis(datetime(2026, month, day, tzinfo=UTC))


def row(found: Any, key: str) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = found.frame.to_dict("index")
    return rows[key]


def test_the_four_ratios_are_sums_over_sums() -> None:
    facts = pd.DataFrame(
        {
            "needs": [4, 1],
            "needs_met": [1, 1],
            "expected": [4.0, 2.0],
            "actual": [3.0, 3.0],
            "effective_visits": [1, 2],
            "planned_visits": [3, 3],
            "strategy_visits": [2, 2],
        }
    )

    found = row(satisfaction_ratios(facts), "all")

    assert [found[r.name] for r in RATIOS] == pytest.approx([2 / 5, 6 / 6, 3 / 6, 3 / 4])
    assert found["sentences"][0] == "Needs met: 2 of 5 (40 %)"


def test_groups_are_named_by_their_keys() -> None:
    facts = pd.DataFrame({"rep": ["ann", "bob", ""], "needs": [2, 4, 1], "needs_met": [2, 1, 0]})

    found = satisfaction_ratios(facts, by=["rep"])

    assert found.frame["needs_ratio"].to_dict() == {"ann": 1.0, "bob": 0.25, "not known": 0.0}


def test_a_denominator_of_zero_is_a_sentence() -> None:
    facts = pd.DataFrame({"needs": [0], "needs_met": [0], "planned_visits": [0]})

    found = satisfaction_ratios(facts)

    assert row(found, "all")["sentences"] == tuple(r.missing for r in RATIOS)
    assert found.frame[[r.name for r in RATIOS]].isna().all(axis=None)
    assert len(found.findings) == 4


def test_no_facts_are_a_sentence() -> None:
    found = satisfaction_ratios(pd.DataFrame())

    assert found.findings[0].example == "No facts, so there are no ratios of satisfaction"


@pytest.mark.parametrize("bad", [np.nan, np.inf, None, "?"])
def test_a_row_that_lacks_either_side_does_not_count(bad: Any) -> None:
    facts = pd.DataFrame({"expected": [4.0, bad, 2.0], "actual": [2.0, 9.0, bad]})

    assert row(satisfaction_ratios(facts), "all")["expectation_ratio"] == 0.5


def test_an_order_counts_for_the_last_visit_before_it() -> None:
    visits = pd.DataFrame(
        {"customer_id": ["1", "1", "2", "1"], "start_at": [at(1), at(8), at(8), at(20)]}
    )
    orders = pd.DataFrame({"customer_id": ["1"], "ordered_at": [at(10)]})

    assert visits_with_effect(visits, orders).tolist() == [0, 1, 0, 0]


def test_an_order_after_the_window_counts_for_no_visit() -> None:
    visits = pd.DataFrame({"customer_id": ["1"], "start_at": [at(1, 9)]})
    orders = pd.DataFrame({"customer_id": ["1"], "ordered_at": [at(1, 10)]})

    assert visits_with_effect(visits, orders, window_days=28).tolist() == [0]
    assert visits_with_effect(visits, orders, window_days=31).tolist() == [1]
    assert visits_with_effect(visits, orders[:0]).tolist() == [0]


def test_planned_visits_count_unless_cancelled_and_only_done_ones_have_effect() -> None:
    visits = pd.DataFrame(
        {
            "customer_id": ["1", "2", "3", "4"],
            "rep_id": "ann",
            "start_at": [at(1), at(2), at(3), at(1, 11)],
            "status": ["done", "missed", "cancelled", "done"],
        }
    )
    orders = pd.DataFrame({"customer_id": ["1", "2"], "ordered_at": [at(5), at(5)]})

    facts = visit_facts(visits, orders, date(2026, 10, 1), date(2026, 11, 1))

    found = row(satisfaction_ratios(facts, by=["rep_id", "period"]), "ann / 2026-10")
    assert found["plan_ratio"] == 0.5  # 1 of 2


def test_the_strategy_asks_for_one_visit_in_each_interval() -> None:
    wanted = strategy_visits(np.array([14.0, 28.0, np.nan, 0.0]), days=28)

    assert wanted[:2].tolist() == [2.0, 1.0]
    assert np.isnan(wanted[2:]).all()


def test_visits_meet_what_the_strategy_asks_for_by_customer() -> None:
    rows = [
        {"customer_id": "1", "effective_visits": 1.0},
        {"customer_id": "1", "effective_visits": 1.0},
        {"customer_id": "1", "strategy_visits": 4.0},
        {"customer_id": "2", "strategy_visits": 4.0},  # never visited: counts below
        {"customer_id": "3", "effective_visits": 1.0},  # no strategy: counts nowhere
    ]

    found = satisfaction_ratios(pd.DataFrame(rows)).frame

    assert found.to_dict("index")["all"]["strategy_ratio"] == 2 / 8
