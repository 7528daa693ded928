import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.calibration import UNCHANGED, calibrate
from crmbridge.engine.goodness import measure
from crmbridge.engine.leaks import Leak, find_leaks
from crmbridge.engine.propensity import (
    Method,
    Propensity,
    PropensityParameters,
    fit_propensity,
    outcome_of,
)


def calls(count: int = 800, seed: int = 3) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    age, trade = generator.normal(50, 10, count), generator.integers(0, 3, count)
    odds = -1 + 0.08 * (age - 50) + np.array([1.0, 0.0, -1.0])[trade]
    says = generator.random(count) < 1 / (1 + np.exp(-odds))
    names = np.array(["food", "water", "energy"])[trade]
    return pd.DataFrame({"age": age, "trade": names, "y": np.where(says, "yes", "no")})


def fit(table: pd.DataFrame, outcome: str = "y", **more: Any) -> Propensity:
    return fit_propensity(table, PropensityParameters(outcome=outcome, **more))


def maven(shared: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared / "maven_crm/sales_pipeline.csv")
    assert len(frame) == 8800
    return frame[frame["deal_stage"].isin(["Won", "Lost"])]


def test_mavens_wins_carry_no_signal(shared: Path) -> None:
    found = fit(maven(shared), "deal_stage", time="engage_date")

    assert found.method is Method.NONE
    assert found.verdict.startswith("No signal: AUC 0.5")
    assert found.frame["chance"].nunique() == 1


def test_what_is_known_only_at_the_close_is_quarantined(shared: Path) -> None:
    found = fit(maven(shared), "deal_stage")

    told = " ".join(finding.example for finding in found.findings)
    assert "close_value" in told
    assert "close_date" in told


def test_days_to_the_close_give_the_outcome_away() -> None:
    frame = calls()
    frame["days_open"] = np.where(frame["y"] == "yes", 50.0, 10.0) + np.arange(800) % 7

    kept, leaks = find_leaks(frame, ["age", "days_open"], outcome_of(frame, "y"))

    assert kept == ["age"]
    assert leaks == (Leak(field="days_open", reason="alone tells the outcome (AUC 1.00)"),)


def test_a_field_filled_only_on_a_win_is_quarantined_unless_trusted() -> None:
    frame = calls()
    frame["discount"] = np.where(frame["y"] == "yes", "5 %", "")

    told = [finding.example for finding in fit(frame).findings]
    trusted = fit(frame, trusted=("discount",))

    assert any(sentence.startswith("discount was left out: alone tells") for sentence in told)
    assert trusted.goodness[Method.LOGISTIC].auc > 0.99


def test_a_planted_signal_is_found_and_its_chances_are_honest() -> None:
    found = fit(calls(3000))

    good = found.goodness[Method.LOGISTIC]
    assert found.method is Method.LOGISTIC
    assert good.auc_low > 0.65
    assert good.calibration_error < 0.04


def test_reasons_sum_to_the_log_odds() -> None:
    found = fit(calls())

    for chance, reasons in zip(found.frame["chance"], found.frame["reasons"], strict=True):
        odds = np.log(chance / (1 - chance))
        assert sum(reason.weight for reason in reasons) == pytest.approx(odds, abs=1e-9)


def test_rows_without_an_outcome_are_scored_and_not_learned() -> None:
    frame = calls()
    frame.loc[:9, "y"] = "open"

    found = fit(frame)

    assert found.goodness[Method.LOGISTIC].rows == 790
    assert found.frame["chance"].notna().all()
    assert len(found.frame) == 800


def test_a_model_never_sees_what_came_after_it() -> None:
    frame = calls(1000)
    frame["y"] = np.where(np.arange(1000) < 700, frame["y"], "no")
    frame.loc[700:, "y"] = np.where(np.arange(300) % 2, "yes", "no")  # noise in the last 30 %

    in_time = fit(frame, time="row")

    assert in_time.goodness[Method.LOGISTIC].rows == 300
    assert in_time.method is Method.NONE


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"y": ["yes"]}),
        calls(60),
        calls().assign(y="no"),
        calls().assign(y=np.nan),
    ],
)
def test_too_few_of_either_outcome_is_a_sentence(frame: pd.DataFrame) -> None:
    found = fit(frame)

    assert found.verdict.startswith("No signal sought: ")
    assert len(found.frame) == len(frame)


@pytest.mark.parametrize("value", [1.0, np.nan, np.inf, None])
def test_columns_that_say_nothing_are_no_signal(value: Any) -> None:
    frame = calls().assign(age=value, trade=value)

    found = fit(frame)

    assert found.method is Method.NONE
    assert np.isfinite(found.frame["chance"]).all()


def test_goodness_of_a_perfect_and_of_a_reversed_ranking() -> None:
    came = np.array([1.0] * 10 + [0.0] * 90)

    perfect, reversed_ = measure(came, came), measure(came, 1 - came)

    assert perfect is not None
    assert reversed_ is not None
    assert (perfect.auc, perfect.lift, perfect.calibration_error) == (1.0, 10.0, 0.0)
    assert (reversed_.auc, reversed_.lift) == (0.0, 0.0)
    assert measure(np.zeros(5), np.zeros(5)) is None


def test_of_twenty_shuffled_outcomes_none_is_foretold(shared: Path) -> None:
    frame = maven(shared).drop(columns=["close_date", "close_value"])
    generator = np.random.default_rng(1)

    found = [
        fit(frame.assign(deal_stage=generator.permutation(frame["deal_stage"])), "deal_stage")
        for _ in range(20)
    ]

    assert {one.method for one in found} == {Method.NONE}


def drifting(count: int = 3000, seed: int = 4) -> pd.DataFrame:
    """From the middle on, twice as many say yes, and columns say less of it."""
    generator = np.random.default_rng(seed)
    x = generator.normal(0, 1, count)
    late = np.arange(count) > count / 2
    odds = np.where(late, 0.5 + 0.5 * x, -2 + 2 * x)
    says = generator.random(count) < 1 / (1 + np.exp(-odds))
    return pd.DataFrame({"x": x, "y": np.where(says, "yes", "no")})


def test_chances_that_drifted_are_corrected_on_the_latest_slice() -> None:
    found = fit(drifting(), time="row")

    plain = judge_without_correction(drifting())
    assert found.card.calibrated
    assert found.goodness[Method.LOGISTIC].calibration_error < 0.5 * plain
    for chance, reasons in zip(found.frame["chance"], found.frame["reasons"], strict=True):
        odds = np.log(chance / (1 - chance))
        assert sum(reason.weight for reason in reasons) == pytest.approx(odds, abs=1e-9)


def judge_without_correction(table: pd.DataFrame) -> float:
    """How far chances of the second to last tenth's model are off in the last tenth."""
    last = len(table) * 9 // 10
    known = table.assign(y=np.where(np.arange(len(table)) < last, table["y"], "?"))
    came = np.asarray(table["y"][last:] == "yes", dtype=np.float64)
    good = measure(came, fit(known).frame["chance"].to_numpy()[last:])
    assert good is not None
    return good.calibration_error


def test_what_would_not_have_helped_is_not_corrected() -> None:
    chance = np.tile([0.2, 0.8], 500)
    came = (np.random.default_rng(2).random(1000) < chance).astype(float)
    stretches = np.array_split(np.arange(1000), 10)

    same, correction = calibrate(chance, came, stretches)

    assert correction == UNCHANGED or np.abs(same - chance).max() < 0.1


def test_a_slice_of_one_outcome_corrects_nothing() -> None:
    chance = np.full(100, 0.5)

    same, correction = calibrate(chance, np.ones(100), np.array_split(np.arange(100), 4))

    assert correction == UNCHANGED
    assert (same == chance).all()


def test_the_card_tells_data_period_figures_and_refusals() -> None:
    table = calls().assign(day=[f"2026-{1 + n // 100:02}-{1 + n % 28:02}" for n in range(800)])
    table["closed_by"] = "rep"

    card = fit(table, time="day", data="calls of 2026").card

    assert (card.data, card.rows, card.method) == ("calls of 2026", 800, "logistic")
    assert card.period == ("2026-01-01", "2026-08-28")
    assert card.quarantined == (("closed_by", "named like what is known only at the end"),)
    assert card.columns == ("age", "trade")
    assert card.last is not None
    assert card.refused[0].startswith("Boosted trees were not tried: ")
    assert json.loads(json.dumps(card.document(), allow_nan=False))["auc"] == card.auc


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (calls(60), "No signal sought: "),
        (calls().assign(age=1, trade=1), "No signal: AUC 0."),
        (calls()[["y"]], "No signal: no column may be used"),
    ],
    ids=["few", "constant", "no column"],
)
def test_a_refusal_is_on_the_card(table: pd.DataFrame, why: str) -> None:
    card = fit(table).card

    assert card.method == "none"
    assert card.refused[0].startswith(why)
    assert json.dumps(card.document(), allow_nan=False)
