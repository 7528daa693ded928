"""What `crmbridge evaluate` says of a table, in figures and in words."""

import csv
import gzip
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "../shared/data"
CLASSIC = ROOT / "config" / "classic"

Evaluate = Callable[..., Any]


@pytest.fixture
def evaluate(bare_desk: Any) -> Evaluate:
    """`crmbridge evaluate ... --json` that ends well, as its document."""

    def call(*words: object) -> Any:
        answer = bare_desk("evaluate", *map(str, words), "--json")
        assert answer.code == 0, answer.err
        return answer.json

    return call


def shared(name: str) -> Path:
    """A file of the data that is not ours to ship; absent only outside of CI."""
    path = (SHARED / name).resolve()
    if not path.exists() and not os.environ.get("CI"):
        pytest.skip("the reference data are not beside this checkout")
    assert path.exists()
    return path


def written(folder: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """A table as a file."""
    path = folder / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def by(name: str, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by one of their values."""
    return {row[name]: row for row in rows}


EFFECTS = {
    "visit": [(0.07659, 0.06995, 0.08323), (0.04523, 0.03889, 0.05157)],
    "conversion": [(0.00681, 0.00500, 0.00861), (0.00311, 0.00150, 0.00472)],
    "spend": [(0.76983, 0.48514, 1.05451), (0.42441, 0.16896, 0.67986)],
}


def test_hillstroms_effects_and_intervals(evaluate: Evaluate) -> None:
    file = shared("hillstrom/hillstrom.csv.gz")

    found = evaluate(
        "experiment", file, "--arm", "segment", "--control", "No E-Mail",
        "--outcome", "visit,conversion,spend",
    )  # fmt: skip

    assert found["sample_ratio_p"] == pytest.approx(0.904, abs=5e-4)
    for outcome in found["outcomes"]:
        arms = by("arm", outcome["arms"])
        assert [arms[name]["n"] for name in sorted(arms)] == [21307, 21306, 21387]
        for name, expected in zip(
            ("Mens E-Mail", "Womens E-Mail"), EFFECTS[outcome["outcome"]], strict=True
        ):
            got = [arms[name][key] for key in ("effect", "ci_low", "ci_high")]
            assert got == pytest.approx(expected, abs=1e-4)
    men_women = next(p for p in found["outcomes"][2]["pairs"] if p["b"] == "Womens E-Mail")
    got = [men_women[key] for key in ("difference", "ci_low", "ci_high")]
    assert got == pytest.approx([0.34541, 0.03256, 0.65827], abs=1e-4)


FAST_FOOD = ("--arm", "Promotion", "--control", "1", "--outcome", "SalesInThousands")


def test_fast_food_is_judged_by_store(evaluate: Evaluate) -> None:
    file = shared("fastfood_abc/marketing_campaign_fastfood.csv")

    found = evaluate("experiment", file, *FAST_FOOD, "--unit", "LocationID")["outcomes"][0]

    assert found["omnibus"]["statistic"] == pytest.approx(5.85, abs=0.005)
    assert found["omnibus"]["p"] == pytest.approx(0.0037, abs=5e-5)
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [
        ("1", "2"), ("1", "3"), ("2", "3"),
    ]  # fmt: skip
    adjusted = [pair["p_adjusted"] for pair in found["pairs"]]
    assert adjusted == pytest.approx([0.004, 0.686, 0.037], abs=5e-4)


def test_clusters_give_the_errors_of_a_clustered_regression(evaluate: Evaluate) -> None:
    file = shared("fastfood_abc/marketing_campaign_fastfood.csv")
    frame = pd.read_csv(file)
    two = frame[frame["Promotion"].isin([1, 2])]
    design = sm.add_constant((two["Promotion"] == 2).astype(float))
    model = sm.OLS(two["SalesInThousands"], design)
    fitted = model.fit(
        cov_type="cluster", cov_kwds={"groups": two["LocationID"].to_numpy()}, use_t=True
    )

    found = evaluate("experiment", file, *FAST_FOOD, "--cluster", "LocationID")["outcomes"][0]

    arm = by("arm", found["arms"])["2"]
    assert arm["effect"] == pytest.approx(fitted.params.iloc[1], rel=1e-9)
    assert arm["p"] == pytest.approx(fitted.pvalues.iloc[1], rel=1e-6)
    assert arm["ci_low"] == pytest.approx(fitted.conf_int().iloc[1, 0], rel=1e-9)


def test_pooled_is_the_t_test_of_scipy(evaluate: Evaluate) -> None:
    frame = pd.read_csv(CLASSIC / "sales_data.csv")
    a, b = (frame.loc[frame["group"] == name, "sales"] for name in "AB")
    expected = stats.ttest_ind(b, a)

    found = evaluate(
        "experiment", CLASSIC / "sales_data.csv", "--arm", "group", "--control", "A",
        "--outcome", "sales", "--pooled",
    )["outcomes"][0]  # fmt: skip

    arm = by("arm", found["arms"])["B"]
    assert arm["statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert arm["p"] == pytest.approx(expected.pvalue, abs=1e-9)
    assert arm["df"] == expected.df
    assert "Variances were pooled as asked for" in found["verdict"]


def test_a_covariate_narrows_the_interval(evaluate: Evaluate, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    before = generator.normal(100, 20, 400)
    arm = np.where(np.arange(400) % 2, "b", "a")
    after = before + generator.normal(0, 5, 400) + 3 * (arm == "b")
    file = written(tmp_path, ["arm", "y", "x"], zip(arm, after, before, strict=True))
    words = ("experiment", file, "--arm", "arm", "--control", "a", "--outcome", "y")

    plain, adjusted = evaluate(*words), evaluate(*words, "--covariate", "x")

    wide, narrow = (found["outcomes"][0]["arms"][0] for found in (plain, adjusted))
    assert narrow["ci_high"] - narrow["ci_low"] < 0.4 * (wide["ci_high"] - wide["ci_low"])
    assert narrow["ci_low"] < 3 < narrow["ci_high"]


def test_the_sample_ratio_counts_those_without_an_outcome(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    rows = [("a", n % 7) for n in range(300)] + [
        ("b", n % 7 if n < 200 else "") for n in range(300)
    ]
    file = written(tmp_path, ["arm", "y"], rows)

    found = evaluate("experiment", file, "--arm", "arm", "--control", "a", "--outcome", "y")

    assert found["sample_ratio_p"] == 1.0
    assert "100 of 600 rows lack arm, unit or a finite outcome" in found["outcomes"][0]["verdict"]


def test_advertising_to_four_decimals(evaluate: Evaluate) -> None:
    file = shared("advertising/Advertising.csv")

    found = evaluate("strategy", file, "--target", "Sales", "--on", "TV,Radio,Newspaper")

    terms = by("term", found["coefficients"])
    assert list(terms) == ["intercept", "TV", "Radio", "Newspaper"]
    estimates = [round(term["estimate"], 4) for term in terms.values()]
    assert estimates == [2.9389, 0.0458, 0.1885, -0.001]
    errors = [round(term["std_error"], 4) for term in terms.values()]
    assert errors == [0.3119, 0.0014, 0.0086, 0.0059]
    assert round(found["r_squared"], 4) == 0.8972
    assert found["advice"].startswith("Put the next unit of budget into Radio")


def test_strategy_is_the_linear_regression_of_scikit_learn(evaluate: Evaluate) -> None:
    frame = pd.read_csv(CLASSIC / "sales_data.csv")
    drivers = ["price", "advertising", "promotion"]
    expected = LinearRegression().fit(frame[drivers], frame["sales"])

    found = evaluate(
        "strategy", CLASSIC / "sales_data.csv", "--target", "sales", "--on", ",".join(drivers)
    )

    terms = by("term", found["coefficients"])
    got = [terms[name]["estimate"] for name in drivers]
    assert got == pytest.approx(list(expected.coef_), abs=1e-9)
    assert terms["intercept"]["estimate"] == pytest.approx(expected.intercept_, abs=1e-9)


@pytest.mark.parametrize("more", [("--errors", "hc3"), ("--errors", "cluster", "--cluster", "c")])
def test_other_errors_leave_the_estimates_alone(
    evaluate: Evaluate, tmp_path: Path, more: tuple[str, ...]
) -> None:
    generator = np.random.default_rng(2)
    x = generator.uniform(1, 10, 120)
    y = 5 + 2 * x + generator.normal(0, x)
    file = written(tmp_path, ["x", "y", "c"], zip(x, y, np.arange(120) % 12, strict=True))

    plain = evaluate("strategy", file, "--target", "y", "--on", "x")
    other = evaluate("strategy", file, "--target", "y", "--on", "x", *more)

    one, two = plain["coefficients"][1], other["coefficients"][1]
    assert one["estimate"] == pytest.approx(two["estimate"])
    assert one["std_error"] != pytest.approx(two["std_error"], rel=1e-3)


def test_three_asked_for_are_scikit_learns_clusters(evaluate: Evaluate, tmp_path: Path) -> None:
    frame = pd.read_csv(CLASSIC / "customer_data.csv")
    columns = ["age", "income", "education"]
    scaled = StandardScaler().fit_transform(frame[columns])
    expected = KMeans(n_clusters=3, n_init=10, random_state=0).fit_predict(scaled)
    out = tmp_path / "segments.csv"

    found = evaluate(
        "segments", CLASSIC / "customer_data.csv", "--on", ",".join(columns),
        "--k", "3", "--output", out,
    )  # fmt: skip

    labels = pd.read_csv(out)["segment"]
    assert adjusted_rand_score(expected, labels) == 1.0
    assert found["k"] == 3
    assert sum(segment["size"] for segment in found["segments"]) == len(frame)
    youngest = min(found["segments"], key=lambda segment: segment["center"]["age"])
    members = frame[labels == youngest["id"]]
    assert youngest["center"]["income"] == pytest.approx(members["income"].mean())


def test_wholesale_admits_two_segments(evaluate: Evaluate) -> None:
    columns = "Fresh,Milk,Grocery,Frozen,Detergents_Paper,Delicassen"

    found = evaluate("segments", shared("wholesale/wholesale_customers.csv"), "--on", columns)

    assert found["k"] == 2
    assert found["silhouette"] == pytest.approx(0.290, abs=0.002)
    assert list(found["segments"][0]["center"]) == columns.split(",")
    assert found["stability"] >= 0.8
    assert "Amounts were taken as logarithms and standardised: Fresh" in found["verdict"]


def test_cdnow_in_weeks(evaluate: Evaluate, tmp_path: Path) -> None:
    out = tmp_path / "values.csv"

    found = evaluate(
        "value", shared("cdnow/cdnowElog_btyd_sample.csv"), "--customer", "sampleid",
        "--at", "date", "--amount", "sales", "--until", "1997-09-30", "--output", out,
    )  # fmt: skip

    expected = {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}
    got = {name: found["bg_nbd"][name] for name in expected}
    assert got == pytest.approx(expected, rel=1e-3)
    assert found["bg_nbd"]["log_likelihood"] >= -9582.43
    assert found["gamma_gamma"] == pytest.approx({"p": 6.2488, "q": 3.7446, "v": 15.4477}, rel=1e-3)
    assert found["customers"] == 2357 == len(pd.read_csv(out))


def test_days_are_weeks_times_seven(evaluate: Evaluate, tmp_path: Path) -> None:
    days = pd.date_range("2026-01-01", periods=120)
    rows = [(f"c{n % 40}", days[n * 7 % 120].date(), 10 + n % 9) for n in range(200)]
    file = written(tmp_path, ["who", "day", "amount"], rows)
    words = ("value", file, "--customer", "who", "--at", "day", "--amount", "amount")

    weeks, by_days = evaluate(*words), evaluate(*words, "--unit", "days")

    assert by_days["bg_nbd"]["alpha"] == pytest.approx(7 * weeks["bg_nbd"]["alpha"], rel=1e-3)


@pytest.mark.nightly
def test_the_banks_answers_are_foretold_without_the_duration(evaluate: Evaluate) -> None:
    found = evaluate("propensity", shared("bank/bank-additional-full.csv.gz"), "--target", "y")

    assert [leak["field"] for leak in found["quarantined"]] == ["duration"]
    assert found["auc"] >= 0.80
    assert found["lift_10"] >= 4.5
    assert found["calibration_error"] <= 0.008


@pytest.mark.nightly
def test_the_banks_last_calls_are_foretold_by_what_came_before(evaluate: Evaluate) -> None:
    file = shared("bank/bank-additional-full.csv.gz")

    found = evaluate("propensity", file, "--target", "y", "--time", "row")

    assert found["auc"] >= 0.76
    assert len(found["periods"]) == 10
    assert "In the last stretch of time: AUC" in found["verdict"]


@pytest.mark.parametrize("time", [(), ("--time", "engage_date")])
def test_mavens_wins_carry_no_signal(evaluate: Evaluate, time: tuple[str, ...]) -> None:
    file = shared("maven_crm/sales_pipeline.csv")

    found = evaluate("propensity", file, "--target", "deal_stage", *time)

    assert found["verdict"].startswith("No signal")
    assert found["model"] == "none"
    assert {leak["field"] for leak in found["quarantined"]} >= {"close_date", "close_value"}


def test_days_to_the_close_are_quarantined(evaluate: Evaluate, tmp_path: Path) -> None:
    frame = pd.read_csv(shared("maven_crm/sales_pipeline.csv"))
    ended = pd.to_datetime(frame["close_date"]) - pd.to_datetime(frame["engage_date"])
    frame["days_to_close"] = ended.dt.days
    frame[["product", "deal_stage", "days_to_close"]].to_csv(tmp_path / "m.csv", index=False)

    found = evaluate("propensity", tmp_path / "m.csv", "--target", "deal_stage")

    assert [leak["field"] for leak in found["quarantined"]] == ["days_to_close"]


COMMANDS = {
    "experiment": ("--arm", "g", "--control", "a", "--outcome", "x"),
    "experiment-all": (
        *("--arm", "g", "--control", "a", "--outcome", "x,y", "--per", "z", "--cluster", "d"),
        *("--covariate", "y", "--sequential", "--matters", "0.5"),
    ),
    "power": ("--outcome", "x", "--units", "100"),
    "uplift": ("--arm", "g", "--control", "a", "--outcome", "y"),
    "strategy": ("--target", "y", "--on", "x,z"),
    "strategy-log": ("--target", "y", "--on", "x,z", "--log", "--errors", "hc3"),
    "strategy-interactions": ("--target", "y", "--on", "x,z", "--interactions"),
    "strategy-cluster": (
        *("--target", "y", "--on", "x,z", "--errors", "cluster", "--cluster", "g"),
        *("--propose", "x=1e9"),
    ),
    "segments": ("--on", "x,z"),
    "segments-k": ("--on", "x,z", "--k", "3"),
    "propensity": ("--target", "y"),
    "propensity-time": ("--target", "y", "--time", "d"),
    "value": ("--customer", "g", "--at", "d", "--amount", "x"),
}
HEADER = ("g", "x", "y", "z", "d")
ODD: dict[str, list[tuple[object, ...]]] = {
    "no rows": [],
    "one row": [("a", 1, 1, 2, "2026-01-01")],
    "all equal": [("a", 1, 1, 2, "2026-01-01")] * 60,
    "two arms, all equal": [("ab"[n % 2], 1, 1, 2, "2026-01-01") for n in range(60)],
    "all missing": [("", "", "", "", "")] * 60,
    "not a number": [("ab"[n % 2], "NaN", n % 2, "NaN", "2026-01-01") for n in range(60)],
    "infinity": [("ab"[n % 2], "inf", n % 2, "-inf", "2026-01-01") for n in range(60)],
    "a constant column": [("ab"[n % 2], n, n % 2, 5, "2026-01-01") for n in range(60)],
    "a single class": [("ab"[n % 2], n, 1, n % 7, f"2026-01-{n % 28 + 1:02}") for n in range(200)],
    "infinity and missing": [
        (
            "ab"[n % 2],
            n if n % 3 else "inf",
            n % 2,
            n % 7 if n % 5 else "",
            f"2026-01-{n % 28 + 1:02}",
        )
        for n in range(200)
    ],
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("odd", ODD)
def test_odd_tables_get_a_sentence(bare_desk: Any, odd: str, name: str) -> None:
    file = written(bare_desk.folder, HEADER, ODD[odd])

    answer = bare_desk("evaluate", name.partition("-")[0], str(file), *COMMANDS[name], "--json")

    assert answer.code == 0, answer.err
    document = answer.json
    outcomes = document.get("outcomes", [document])
    told = [one.get("verdict") or one.get("advice") or answer.err for one in outcomes]
    assert all(re.fullmatch(r"[A-Z0-9a-z].* .*\S", line.strip(), re.DOTALL) for line in told)
    assert "NaN" not in answer.out
    assert "nan" not in " ".join(told).lower()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("segments", "absent.csv", "--on", "x"), 74, "expected a CSV file"),
        (("segments", "empty.csv", "--on", "x"), 2, "expected a header line"),
        (("segments", "table.csv", "--on", "nope"), 2, "expected a column nope"),
        (("segments", "broken.csv.gz", "--on", "x"), 74, "expected a CSV file"),
        (("strategy", "table.csv", "--target", "y", "--on", "word"), 2, "expected numbers"),
        (("propensity", "table.csv", "--target", "word"), 2, "expected yes and no"),
        (("value", "table.csv", "--customer", "x", "--at", "word", "--amount", "y"), 2,
         "expected days or times"),
        (("value", "table.csv", "--customer", "x", "--at", "either", "--amount", "y"), 2,
         "expected days that can be read one way only"),
        (("experiment", "table.csv", "--arm", "word", "--control", "c", "--outcome", "y"), 2,
         "expected an arm of column word"),
        (("strategy", "table.csv", "--target", "y", "--on", "x", "--errors", "cluster"), 2,
         "expected together with --cluster"),
        (("strategy", "table.csv", "--target", "y", "--on", "x", "--log", "--interactions"), 2,
         "expected one of them"),
        (("strategy", "table.csv", "--target", "y", "--on", "x", "--propose", "x"), 2,
         "expected COL=NUMBER"),
        (("strategy", "table.csv", "--target", "y", "--on", "x", "--propose", "z=1"), 2,
         "expected one of x"),
        (("strategy", "table.csv", "--target", "y", "--on", "x", "--chart", "c.doc"), 2,
         "expected a name that ends in"),
        (("uplift", "table.csv", "--arm", "word", "--control", "c", "--outcome", "y"), 2,
         "expected an arm of column word"),
        (("power", "--rate", "0.1"), 2, "expected one of them"),
        (("power", "--difference", "0.1"), 2, "expected FILE with --outcome COL"),
    ],
)  # fmt: skip
def test_what_would_be_a_guess_is_refused(
    bare_desk: Any, words: tuple[str, ...], code: int, told: str
) -> None:
    rows = [(n, n % 5, "stayed" if n % 2 else "left", f"0{n % 3 + 1}/02/2026") for n in range(30)]
    written(bare_desk.folder, ["x", "y", "word", "either"], rows)
    (bare_desk.folder / "empty.csv").write_text("")
    whole = gzip.compress(b"x,y\n1,2\n" * 1000)
    (bare_desk.folder / "broken.csv.gz").write_bytes(whole[: len(whole) // 2])

    answer = bare_desk("evaluate", *words)

    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err


def test_a_sequential_test_has_wider_intervals_and_no_analysis_of_variance(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    rows = [("abc"[n % 3], n % 10 + 2 * (n % 3)) for n in range(600)]
    file = written(tmp_path, ["g", "x"], rows)
    words = ("experiment", file, "--arm", "g", "--control", "a", "--outcome", "x")

    once = evaluate(*words)["outcomes"][0]
    often = evaluate(*words, "--sequential", "--matters", "1")["outcomes"][0]

    assert once["omnibus"]["test"] == "one-way ANOVA"
    assert "Welch's analysis of variance" in once["verdict"]
    assert often["omnibus"] is None
    assert often["arms"][0]["effect"] == once["arms"][0]["effect"]
    assert often["arms"][0]["ci_low"] < once["arms"][0]["ci_low"]
    assert "p-values and intervals hold at every look" in often["verdict"]


def test_a_ratio_is_sum_over_sum(evaluate: Evaluate, tmp_path: Path) -> None:
    rows = [("ab"[n % 2], n % 7 + (n % 2), 1 + n % 3) for n in range(400)]
    file = written(tmp_path, ["g", "amount", "visits"], rows)

    found = evaluate(
        "experiment", file, "--arm", "g", "--control", "a", "--outcome", "amount", "--per", "visits"
    )

    mean = by("arm", found["outcomes"][0]["arms"])["b"]["mean"]
    own = [row for row in rows if row[0] == "b"]
    assert mean == pytest.approx(sum(row[1] for row in own) / sum(row[2] for row in own))


def test_units_are_told_before_the_start(evaluate: Evaluate, tmp_path: Path) -> None:
    needed = evaluate("power", "--deviation", "1", "--difference", "0.5")
    found = evaluate("power", "--deviation", "1", "--units", needed["units_per_arm"])
    three = evaluate("power", "--deviation", "1", "--difference", "0.5", "--arms", "3")
    file = written(tmp_path, ["x"], [(value,) for value in (0, 2) * 200])
    measured = evaluate("power", file, "--outcome", "x", "--difference", "0.5")

    assert needed["units_per_arm"] == 64  # the textbook's answer for d = .5
    assert found["difference"] == pytest.approx(0.5, rel=0.01)
    assert three["units_per_arm"] > 64
    assert measured["deviation"] == pytest.approx(1.0, abs=0.01)
    assert measured["verdict"].startswith("64 units in each arm") or measured["units_per_arm"] == 65


def test_uplift_is_told_by_arm_and_written_by_row(evaluate: Evaluate, tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    likes, mailed = generator.integers(0, 2, (2, 6000))
    came = generator.random(6000) < 0.1 + 0.3 * likes * mailed
    arms = np.where(mailed, "mail", "none")
    file = written(tmp_path, ["g", "likes", "y"], zip(arms, likes, came * 1, strict=True))
    out = tmp_path / "rows.csv"
    words = ("uplift", file, "--arm", "g", "--control", "none", "--outcome", "y", "--output", out)

    found = evaluate(*words)

    (arm,) = found["arms"]
    assert arm["verdict"].startswith("Targeting gains: Qini")
    assert arm["effect"] == pytest.approx(0.15, abs=0.03)
    written_rows = pd.read_csv(out)
    means = written_rows.groupby("likes")["uplift mail"].mean()
    assert means[1] - means[0] == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_effects_are_drawn(evaluate: Evaluate, tmp_path: Path, kind: str) -> None:
    chart = tmp_path / f"effects.{kind}"

    evaluate(
        "strategy", CLASSIC / "sales_data.csv", "--target", "sales",
        "--on", "price,advertising,promotion", "--chart", chart,
    )  # fmt: skip

    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert chart.read_bytes().startswith(starts[kind])


def test_interactions_are_terms_of_their_own(evaluate: Evaluate, tmp_path: Path) -> None:
    rows = [(n % 7, n % 11, 3 * (n % 7) * (n % 11)) for n in range(154)]
    file = written(tmp_path, ["x", "z", "y"], rows)

    found = evaluate("strategy", file, "--target", "y", "--on", "x,z", "--interactions")

    assert by("term", found["coefficients"])["x x z"]["estimate"] == pytest.approx(3.0)


def test_a_proposal_never_tried_gets_no_advice(evaluate: Evaluate) -> None:
    file = shared("advertising/Advertising.csv")

    found = evaluate(
        "strategy", file, "--target", "Sales", "--on", "TV,Radio", "--propose", "TV=900,Radio=20"
    )

    told = "TV of 900 was never tried: seen were 0.7 to 296.4"
    assert told in found["warnings"]
    assert found["advice"].startswith(f"No advice on the proposal: {told}")


def test_wholesale_as_it_stands_is_refused_as_unstable(evaluate: Evaluate) -> None:
    columns = "Fresh,Milk,Grocery,Frozen,Detergents_Paper,Delicassen"
    file = shared("wholesale/wholesale_customers.csv")

    found = evaluate("segments", file, "--on", columns, "--k", "2")

    assert found["stability"] < 0.8
    assert "They are not stable" in found["verdict"]


def test_satisfaction_is_told_on_what_was_pulled(ran: Any) -> None:
    answer = ran("evaluate", "satisfaction", "--json", now="2026-11-02T06:00:00Z")

    assert answer.code == 0, answer.err
    (groups,) = answer.json["connections"].values()
    (overall,) = [row for row in groups if row["by"] == "all"]
    assert overall["ratios"]["needs_ratio"]["under"] > 0
    assert overall["ratios"]["strategy_ratio"]["value"] is not None
    assert {row["by"] for row in groups} == {"all", "segment", "rep", "period", "customer_id"}


def test_a_word_that_is_the_outcome_is_quarantined_in_alternating_rows(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    rows = [("ab"[n % 2], n * 7919 % 101, n % 2) for n in range(200)]
    file = written(tmp_path, ["word", "x", "y"], rows)

    found = evaluate("propensity", file, "--target", "y")

    assert [leak["field"] for leak in found["quarantined"]] == ["word"]


def test_people_read_a_table_and_a_verdict(bare_desk: Any) -> None:
    rows = [("ab"[n % 2], n % 10 + 5 * (n % 2)) for n in range(400)]
    file = written(bare_desk.folder, ["g", "x"], rows)

    answer = bare_desk(
        "evaluate", "experiment", str(file), "--arm", "g", "--control", "a", "--outcome", "x"
    )

    assert answer.code == 0
    assert "b raised x" in answer.out
