from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.qini import qini, qini_by_lot
from crmbridge.engine.uplift import Learner, Uplift, UpliftParameters, fit_uplift


def fit(table: pd.DataFrame, treated: str = "mail", control: str = "none", **more: Any) -> Uplift:
    names = {"arm": "arm", "outcome": "y"} | more
    return fit_uplift(table, UpliftParameters(treated=treated, control=control, **names))


def mailed(count: int = 6000, moved: float = 0.2, seed: int = 5) -> pd.DataFrame:
    """Half are mailed; it moves those who like it, and nobody else."""
    generator = np.random.default_rng(seed)
    likes, age = generator.integers(0, 2, count), generator.normal(50, 10, count)
    arm = generator.integers(0, 2, count)
    chance = 0.1 + 0.1 * (age > 50) + moved * likes * arm
    came = (generator.random(count) < chance).astype(float)
    names = np.array(["none", "mail"])[arm]
    return pd.DataFrame({"arm": names, "likes": likes, "age": age, "y": came})


def hillstrom(shared: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared / "hillstrom/hillstrom.csv.gz")
    assert len(frame) == 64_000
    return frame


def test_hillstroms_women_mail_is_worth_targeting(shared: Path) -> None:
    found = fit(hillstrom(shared), "Womens E-Mail", "No E-Mail", arm="segment", outcome="visit")

    assert found.qini[Learner.T] >= 0.055
    assert found.qini[Learner.DR] >= 0.055
    assert found.verdict.startswith("Targeting gains: Qini 0.06")
    assert {leak.field for leak in found.quarantined} == {"conversion", "spend"}


def test_hillstroms_men_mail_moves_everybody_alike(shared: Path) -> None:
    found = fit(hillstrom(shared), "Mens E-Mail", "No E-Mail", arm="segment", outcome="visit")

    assert found.verdict.startswith("No targeting gain")
    assert found.frame["uplift"].to_numpy() == pytest.approx(0.07659, abs=1e-5)


def test_those_whom_the_mail_moves_are_found() -> None:
    table = mailed()

    found = fit(table)

    effects = found.frame["uplift"].groupby(table["likes"]).mean()
    assert effects[1] == pytest.approx(0.2, abs=0.05)
    assert effects[0] == pytest.approx(0.0, abs=0.05)
    assert found.average == pytest.approx(0.1, abs=0.03)


def test_amounts_are_learned_as_well_as_yes_and_no() -> None:
    table = mailed()
    table["y"] = table["y"] * 30

    effects = fit(table).frame["uplift"].groupby(table["likes"]).mean()

    assert effects[1] == pytest.approx(6.0, abs=1.5)


def test_an_effect_that_is_the_same_for_all_is_no_gain() -> None:
    found = fit(mailed(moved=0.0))

    assert found.verdict.startswith("No targeting gain")
    assert found.frame["uplift"].nunique() == 1


def test_who_was_in_no_arm_is_scored_and_not_learned() -> None:
    table = mailed()
    before = fit(table[50:])
    table.loc[:49, "arm"] = ""

    found = fit(table)

    assert found.frame["uplift"].notna().all()
    assert found.average == before.average


def test_a_ranking_by_hindsight_is_one_and_the_lot_is_zero() -> None:
    generator = np.random.default_rng(3)
    treated = generator.integers(0, 2, 4000).astype(float)
    came = (generator.random(4000) < 0.2).astype(float)

    assert qini(came * treated - came * (1 - treated), came, treated) == pytest.approx(1.0)
    assert abs(qini(generator.random(4000), came, treated)) < 4 * qini_by_lot(came, treated, 1)
    assert qini(came, came, np.ones(4000)) == 0.0
    assert qini(np.array([]), np.array([]), np.array([])) == 0.0


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        mailed(1),
        mailed(200),
        mailed().assign(y=1.0),
        mailed().assign(y=0.0),
        mailed().assign(y=np.nan),
        mailed().assign(y=np.inf),
        mailed().assign(arm="mail"),
        mailed().assign(likes=np.nan, age=5.0),
    ],
    ids=["empty", "one", "few", "all", "none", "missing", "infinite", "one arm", "constant"],
)
def test_odd_tables_get_a_sentence(table: pd.DataFrame) -> None:
    found = fit(table)

    assert found.verdict.startswith(("No uplift sought: ", "No targeting gain: "))
    assert len(found.frame) == len(table)
    assert found.frame["uplift"].nunique() <= 1
