"""Who of a bank says yes, as published; apart from the other chances, as it takes long."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.goodness import measure
from crmbridge.engine.propensity import Method, Propensity, PropensityParameters, fit_propensity


def fit(table: pd.DataFrame, **more: Any) -> Propensity:
    return fit_propensity(table, PropensityParameters(outcome="y", **more))


def test_the_bank_is_foretold_as_published_with_models_fitted_anew(shared: Path) -> None:
    frame = pd.read_csv(shared / "bank/bank-additional-full.csv.gz", sep=";")
    assert (frame["y"] == "yes").sum() == 4640
    yes = frame[frame["y"] == "yes"].iloc[::5]  # 928 yes: few enough for logistic regression
    part = pd.concat([yes, frame[frame["y"] == "no"].iloc[::5]]).sort_index()

    found = fit(part, exclude=("duration",))

    good = found.goodness[Method.LOGISTIC]
    assert good.auc == pytest.approx(0.791, abs=0.012)
    assert good.lift == pytest.approx(4.38, abs=0.35)
    assert good.calibration_error < 0.02


def test_a_hundred_yes_are_enough_to_rank_the_bank(shared: Path) -> None:
    frame = pd.read_csv(shared / "bank/bank-additional-full.csv.gz", sep=";", dtype=str)
    generator = np.random.default_rng(1)
    share = 100 / 4640
    aucs = []
    for _ in range(5):
        chosen = np.concatenate(
            [
                generator.choice(rows, round(len(rows) * share), replace=False)
                for rows in (np.flatnonzero(frame["y"] == word) for word in ("yes", "no"))
            ]
        )
        came = (frame["y"] == "yes").to_numpy(float)
        came[np.setdiff1d(np.arange(len(frame)), chosen)] = np.nan
        unknown = frame.assign(y=np.where(np.isnan(came), "?", frame["y"]))
        rest = np.isnan(came)
        chance = fit(unknown).frame["chance"].to_numpy()
        good = measure(np.asarray(frame["y"] == "yes", dtype=np.float64)[rest], chance[rest])
        aucs.append(good.auc if good else 0.0)

    assert np.mean(aucs) >= 0.75


def bank(shared: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared / "bank/bank-additional-full.csv.gz", sep=";", dtype=str)
    assert len(frame) == 41_188
    return frame


def test_the_banks_yes_are_foretold_by_fifths(shared: Path) -> None:
    found = fit(bank(shared))

    good = found.goodness[Method.BOOSTING]
    assert [leak.field for leak in found.quarantined] == ["duration"]
    assert found.method is Method.BOOSTING
    assert good.auc >= 0.80
    assert good.lift >= 4.5
    assert good.calibration_error <= 0.008


def test_the_banks_last_calls_are_foretold_by_what_came_before(shared: Path) -> None:
    found = fit(bank(shared), time="row")

    good = found.goodness[found.method]
    assert good.rows == 12_357  # the last 30 %
    assert good.auc >= 0.76
    assert good.top_half >= 0.79
    assert (len(found.periods), found.card.last) == (10, found.periods[-1])
