from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.strategy import (
    Errors,
    Form,
    StrategyParameters,
    fit_strategy,
    outside,
)

MEDIA = StrategyParameters(
    sales="Sales", drivers=("TV", "Radio", "Newspaper"), errors=Errors.CLASSICAL
)


def advertising(shared: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared / "advertising/Advertising.csv")
    assert len(frame) == 200
    return frame


def periods(count: int = 60, seed: int = 2) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    price, advertising, promotion = generator.uniform(1, 10, (3, count))
    sales = 100 - 3 * price + 5 * advertising + generator.normal(0, 1, count)
    return pd.DataFrame(
        {
            "price": price,
            "advertising": advertising,
            "promotion": promotion,
            "sales": sales,
            "region": [f"r{i % 12}" for i in range(count)],
        }
    )


def test_advertising_gives_the_published_figures(shared: Path) -> None:
    found = fit_strategy(advertising(shared), MEDIA)

    estimates, errors = found.coefficients["estimate"], found.coefficients["error"]
    assert estimates.to_list() == pytest.approx([2.9389, 0.0458, 0.1885, -0.0010], abs=5e-5)
    assert errors.to_list() == pytest.approx([0.3119, 0.0014, 0.0086, 0.0059], abs=5e-5)
    assert found.r_squared == pytest.approx(0.8972, abs=5e-5)


def test_advice_on_advertising_names_radio_and_spares_newspaper(shared: Path) -> None:
    advice = fit_strategy(advertising(shared), MEDIA).advice

    assert advice[0].startswith("Put the next unit of budget into Radio: +0.189")
    assert "[0.172, 0.206]" in advice[0]
    assert advice[1].startswith("No effect that differs from none: Newspaper")


def test_classical_errors_on_unequal_scatter_are_doubted(shared: Path) -> None:
    generator = np.random.default_rng(1)
    frame = periods(200)
    frame["sales"] += generator.normal(0, 1, 200) * frame["advertising"] ** 2

    classical = fit_strategy(frame, StrategyParameters(errors=Errors.CLASSICAL))
    robust = fit_strategy(frame, StrategyParameters())

    assert "strategy.unequal" in {finding.code for finding in classical.findings}
    assert robust.findings == ()


@pytest.mark.parametrize("errors", list(Errors))
def test_each_kind_of_errors_covers_the_planted_effect(errors: Errors) -> None:
    parameters = StrategyParameters(errors=errors, cluster="region")

    found = fit_strategy(periods(), parameters)

    low, high = found.marginal["low"]["advertising"], found.marginal["high"]["advertising"]
    assert low < 5 < high


def test_logs_give_elasticities_and_sales_per_unit() -> None:
    generator = np.random.default_rng(3)
    spent = generator.uniform(10, 100, 80)
    frame = pd.DataFrame({"advertising": spent, "sales": 50 * spent**0.4})
    parameters = StrategyParameters(drivers=("advertising",), form=Form.LOGS)

    found = fit_strategy(frame, parameters)

    assert found.coefficients["estimate"]["advertising"] == pytest.approx(0.4)
    expected = 0.4 * frame["sales"].mean() / spent.mean()
    assert found.marginal["estimate"]["advertising"] == pytest.approx(expected)


def test_logs_leave_out_rows_of_zero_and_say_so() -> None:
    frame = periods()
    frame.loc[:4, "advertising"] = 0.0

    found = fit_strategy(frame, StrategyParameters(form=Form.LOGS))

    assert found.rows == 55
    assert found.findings[0].count == 5


def test_interactions_keep_the_effects_at_the_means() -> None:
    generator = np.random.default_rng(4)
    first, second = generator.uniform(0, 10, (2, 300))
    frame = pd.DataFrame({"advertising": first, "promotion": second, "sales": first * second})
    drivers = ("advertising", "promotion")
    parameters = StrategyParameters(drivers=drivers, form=Form.INTERACTIONS)

    found = fit_strategy(frame, parameters)

    # d(a p)/da at the means is the mean of p.
    assert found.marginal["estimate"]["advertising"] == pytest.approx(second.mean(), rel=1e-6)
    assert found.coefficients["estimate"]["advertising x promotion"] == pytest.approx(1.0)


def test_drivers_that_moved_together_get_no_order() -> None:
    frame = periods()
    frame["promotion"] = frame["advertising"] * 2 + 1e-3 * frame["price"]

    found = fit_strategy(frame, StrategyParameters())

    assert "strategy.collinear" in {finding.code for finding in found.findings}
    assert found.advice[0].startswith("The drivers moved together")


def test_few_rows_are_doubted() -> None:
    found = fit_strategy(periods(12), StrategyParameters())

    assert "strategy.few_rows" in {finding.code for finding in found.findings}
    assert found.advice[0].startswith("Move no budget yet, the rows are too few; the best guess")


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, None])
def test_a_column_that_does_not_vary_is_left_out_and_named(value: Any) -> None:
    frame = periods().assign(promotion=value)

    found = fit_strategy(frame, StrategyParameters())

    assert list(found.marginal.index) == ["price", "advertising"]
    assert found.findings[0].example.startswith("promotion is ")


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_too_few_rows_are_a_sentence(rows: int) -> None:
    found = fit_strategy(periods()[:rows], StrategyParameters())

    assert found.coefficients.empty
    assert found.advice[0].startswith("No advice: ")


def test_a_table_without_the_columns_is_a_sentence() -> None:
    found = fit_strategy(pd.DataFrame({"x": [1.0]}), StrategyParameters())

    assert found.advice[0].startswith("No advice: ")


def test_a_proposal_beyond_what_was_tried_is_told() -> None:
    found = fit_strategy(periods(), StrategyParameters())

    assert outside(found, {"advertising": 5.0}) == ()
    assert outside(found, {"advertising": 50.0})[0].startswith("advertising of 50 was never tried")


def test_a_target_that_never_moves_is_a_sentence() -> None:
    table = pd.DataFrame({"sales": [5.0] * 20, "advertising": range(20)})

    found = fit_strategy(table, StrategyParameters())

    assert found.coefficients.empty
    assert "sales is the same in all 20 whole rows" in found.advice[0]


def test_the_advice_says_how_far_it_holds(shared: Path) -> None:
    parameters = StrategyParameters(sales="Sales", drivers=("TV", "Radio", "Newspaper"))

    advice = fit_strategy(advertising(shared), parameters).advice

    assert any(
        told.startswith("Seen were Radio from 0 to 49.6, TV from 0.7 to 296.4") for told in advice
    )
