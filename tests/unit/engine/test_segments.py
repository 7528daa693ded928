from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from crmbridge.engine.parameters import Scale, SegmentParameters
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.engine.segments import (
    Membership,
    Segmentation,
    assign_segments,
    fit_segments,
    flip_rate,
    match_labels,
)

NOW = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
RULES = SegmentParameters()


def keyed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis([f"c{i:04}" for i in range(len(frame))], axis=0)


def people(count: int = 300, seed: int = 7) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    group = generator.integers(0, 3, count)
    age = np.array([25, 45, 70])[group] + generator.normal(0, 4, count)
    income = np.array([30_000, 80_000, 45_000])[group] + generator.normal(0, 5_000, count)
    education = np.array(["high school", "master", "bachelor"])[group]
    return keyed(pd.DataFrame({"age": age, "income": income, "education": education}))


def by_three() -> SegmentParameters:
    columns = ("age", "income", "education")
    return SegmentParameters(columns=columns, scale=Scale.STANDARD, segments=3)


def ids(segmentation: Segmentation) -> dict[str, str]:
    return {key: member.segment for key, member in segmentation.members.items()}


def ordering(amount: float, lately: float, before: float, days: float = 30.0) -> pd.DataFrame:
    row = {
        "orders_amount": amount,
        "orders_amount_365": lately,
        "orders_amount_prev_365": before,
        "last_order_days": days,
    }
    return pd.DataFrame([row], index=["1"])


def rules(large: float = 1000.0, medium: float = 100.0) -> SegmentModel:
    return SegmentModel(kind="rules", payload={"large": large, "medium": medium}, card={})


def member(segment: str, **fields: Any) -> Membership:
    return Membership(segment=segment, valid_from=NOW - timedelta(days=40), **fields)


def test_three_asked_for_are_scikit_learns_clusters_up_to_labels() -> None:
    frame = people()
    ranks = frame["education"].map({"high school": 2, "bachelor": 4, "master": 5})
    numeric = np.column_stack([frame["age"], frame["income"], ranks])
    scaled = StandardScaler().fit_transform(numeric)
    expected = KMeans(n_clusters=3, n_init=10, random_state=42).fit_predict(scaled)

    model = fit_segments(frame, by_three(), seed=42)
    found = assign_segments(model, frame, by_three(), NOW)

    assert adjusted_rand_score(expected, list(ids(found).values())) == 1.0


def test_words_with_a_known_order_become_ranks_and_it_is_said() -> None:
    model = fit_segments(people(), by_three(), seed=1)

    entry = next(e for e in model.payload["entries"] if e["column"] == "education")
    assert entry["kind"] == "ordinal"
    assert "known order" in model.findings[0].example


def test_words_without_an_order_become_columns_or_frequencies() -> None:
    frame = keyed(
        pd.DataFrame(
            {
                "colour": ["red", "blue"] * 20,
                "town": [f"t{i % 15}" for i in range(40)],
                "spend": range(40),
            }
        )
    )
    parameters = SegmentParameters(columns=("colour", "town", "spend"), segments=2)

    model = fit_segments(frame, parameters)

    assert [entry["kind"] for entry in model.payload["entries"]] == [
        "one_hot", "one_hot", "frequency", "number",
    ]  # fmt: skip


def test_wholesale_admits_two_segments(shared: Path) -> None:
    frame = keyed(pd.read_csv(shared / "wholesale/wholesale_customers.csv"))
    columns = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")
    assert len(frame) == 440

    model = fit_segments(frame, SegmentParameters(columns=columns), seed=0)

    assert len(model.payload["ids"]) == 2
    trial = model.card["trials"][0]
    assert trial["silhouette"] == pytest.approx(0.290, abs=0.001)
    assert trial["stability"] == pytest.approx(0.877, abs=0.05)


def test_noise_admits_no_segments_and_the_rules_take_over() -> None:
    noise = np.random.default_rng(3).random((400, 6))
    columns = tuple("abcdef")
    frame = keyed(pd.DataFrame(noise, columns=list(columns)))

    model = fit_segments(frame, SegmentParameters(columns=columns, stability=0.95), seed=0)

    assert model.kind == "rules"
    assert "rules are used" in model.findings[0].example


@pytest.mark.parametrize(
    "values",
    [[], [5.0], [5.0, 5.0, 5.0], [np.nan, np.nan], [np.inf, np.inf, -np.inf], [None, None]],
    ids=["nobody", "one", "all equal", "NaN", "infinite", "missing"],
)
def test_nothing_to_tell_customers_apart_by_is_a_sentence(values: list[Any]) -> None:
    frame = keyed(pd.DataFrame({"x": values}))
    parameters = SegmentParameters(columns=("x", "absent"), segments=3)

    model = fit_segments(frame, parameters)
    found = assign_segments(model, frame, parameters, NOW)

    assert any("differ in none of the columns" in finding.example for finding in model.findings)
    assert len(found.members) == len(values)


def test_fewer_different_customers_than_segments_is_said() -> None:
    frame = keyed(pd.DataFrame({"x": [1.0, 2.0, 2.0]}))

    model = fit_segments(frame, SegmentParameters(columns=("x",), segments=5))

    assert len(model.payload["ids"]) == 2
    assert model.findings[0].example == "5 segments were asked for, 2 customers differ"


def test_a_saved_model_assigns_as_the_fitted_one_did() -> None:
    model = fit_segments(people(), by_three(), seed=3)

    again = SegmentModel.loads(model.dumps())

    fresh = people(50, seed=9)
    expected = ids(assign_segments(model, fresh, by_three(), NOW))
    assert ids(assign_segments(again, fresh, by_three(), NOW)) == expected
    assert again.version == model.version


def test_infinite_and_missing_values_are_assigned_too() -> None:
    model = fit_segments(people(), by_three(), seed=3)
    odd = pd.DataFrame(
        {"age": [np.inf, None], "income": [-np.inf, "x"], "education": ["clown college", None]},
        index=["1", "2"],
    )

    assert len(assign_segments(model, odd, by_three(), NOW).members) == 2


def two_groups() -> tuple[SegmentModel, SegmentParameters, str, str]:
    frame = keyed(pd.DataFrame({"x": [0.0, 0.0, 10.0, 10.0]}))  # centres 0 and 10
    parameters = SegmentParameters(columns=("x",), scale=Scale.STANDARD, segments=2)
    model = fit_segments(frame, parameters)
    found = ids(assign_segments(model, frame, parameters, NOW))
    return model, parameters, found["c0000"], found["c0003"]


@pytest.mark.parametrize(
    ("value", "moves"),
    [(5.2, False), (5.3, True)],  # moves where 10 - x < .9 x, that is x > 5.263
)
def test_a_customer_moves_only_beyond_the_hysteresis(value: float, moves: bool) -> None:
    model, parameters, low, high = two_groups()
    frame = pd.DataFrame({"x": [value]}, index=["1"])

    found = assign_segments(model, frame, parameters, NOW, {"1": member(low)})

    assert found.members["1"].segment == (high if moves else low)


def test_a_customer_stays_until_the_minimum_dwell_is_over() -> None:
    model, parameters, low, high = two_groups()
    frame = pd.DataFrame({"x": [10.0]}, index=["1"])
    held = {"1": member(low, min_dwell_until=NOW + timedelta(days=1))}

    early = assign_segments(model, frame, parameters, NOW, held)
    late = assign_segments(model, frame, parameters, NOW + timedelta(days=2), held)

    assert early.members["1"] == held["1"]
    assert late.members["1"].segment == high
    assert late.members["1"].valid_from == NOW + timedelta(days=2)


def test_staying_keeps_the_first_day_of_membership() -> None:
    model, parameters, low, _ = two_groups()
    frame = pd.DataFrame({"x": [0.0]}, index=["1"])

    found = assign_segments(model, frame, parameters, NOW, {"1": member(low)})

    assert found.members["1"].valid_from == NOW - timedelta(days=40)


@pytest.mark.parametrize(
    ("expires_at", "holds"),
    [(None, True), (NOW + timedelta(days=1), True), (NOW - timedelta(days=1), False)],
)
def test_a_segment_set_by_hand_wins_until_it_expires(
    expires_at: datetime | None, holds: bool
) -> None:
    held = {"1": member("key accounts", manual=True, expires_at=expires_at)}

    found = assign_segments(rules(), ordering(50, 50, 50), RULES, NOW, held)

    assert found.members["1"].segment == ("key accounts" if holds else "rfm-small-steady")


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (ordering(5000, 500, 1000), "large, cooling"),
        (ordering(500, 300, 200), "medium, growing"),
        (ordering(50, 25, 25), "small, steady"),
        (ordering(500, 0, 500, 400), "medium, lapsed"),
        (ordering(500, 500, 0), "medium, new"),
        (ordering(500, 200, 0), "medium, returning"),
        (ordering(0, 0, 0, np.nan), "no orders yet"),
        (ordering(np.nan, np.nan, np.nan, np.nan), "no orders yet"),
    ],
)
def test_rules_have_plain_names(row: pd.DataFrame, name: str) -> None:
    found = assign_segments(rules(), row, RULES, NOW)

    assert found.members["1"].name == name


@pytest.mark.parametrize(
    ("first_order_days", "name"),
    [
        (1000.0, "medium, growing"),  # a whole year before: 300 against 150
        (547.0, "medium, steady"),  # 182 days of it: 150 x 365 / 182 = 301
        (400.0, "medium, new"),  # 35 days of it are too few to compare
    ],
)
def test_a_year_of_which_only_a_part_is_known_is_compared_as_such(
    first_order_days: float, name: str
) -> None:
    row = ordering(450, 300, 150).assign(first_order_days=first_order_days)

    assert assign_segments(rules(), row, RULES, NOW).members["1"].name == name


def test_rules_keep_a_size_within_a_tenth_of_the_cut_off() -> None:
    held = {"1": member("rfm-large-steady")}

    near = assign_segments(rules(), ordering(950, 100, 100), RULES, NOW, held)
    far = assign_segments(rules(), ordering(850, 100, 100), RULES, NOW, held)

    assert near.members["1"].segment == "rfm-large-steady"
    assert far.members["1"].segment == "rfm-medium-steady"


def test_large_customers_make_the_first_seventy_percent() -> None:
    frame = keyed(pd.DataFrame({"orders_amount": [700.0, 200.0, 50.0, 50.0]}))

    model = fit_segments(frame, RULES)

    # 700 is the first 70 %; 200 and the first 50 reach 95 %.
    assert model.payload == {"large": 700.0, "medium": 50.0}


def test_a_refit_keeps_the_ids() -> None:
    old = fit_segments(people(300, seed=7), by_three(), seed=1)
    shuffled = people(300, seed=7).sample(frac=1, random_state=4)
    renamed = fit_segments(shuffled, by_three(), seed=9).with_payload(ids=["s3", "s1", "s2"])

    matched = match_labels(renamed, old, people(300, seed=7))

    frame = people(200, seed=8)
    before = ids(assign_segments(old, frame, by_three(), NOW))
    after = ids(assign_segments(matched, frame, by_three(), NOW))
    assert flip_rate(before, after) <= 0.01


def test_a_new_segment_never_gets_a_used_id() -> None:
    frame = people()
    old = fit_segments(frame, by_three(), seed=1)
    columns = by_three().columns
    five = SegmentParameters(columns=columns, scale=Scale.STANDARD, segments=5)

    matched = match_labels(fit_segments(frame, five, seed=1), old, frame)

    assert sorted(matched.payload["ids"]) == ["s1", "s2", "s3", "s4", "s5"]
    assert matched.payload["next"] == 6


def test_flip_rate_counts_customers_known_on_both_days() -> None:
    assert flip_rate({"1": "a", "2": "a", "3": "b"}, {"1": "a", "2": "b", "4": "b"}) == 0.5
    assert flip_rate({}, {"1": "a"}) == 0.0


def test_drift_within_the_band_flips_fewer_customers_than_without_hysteresis() -> None:
    frame = people(600)[["age", "income"]]
    parameters = SegmentParameters(columns=("age", "income"), segments=4)
    bare = SegmentParameters(columns=("age", "income"), segments=4, hysteresis=0.0)
    model = fit_segments(frame, parameters, seed=2)
    today = assign_segments(model, frame, parameters, NOW)
    noise = np.random.default_rng(1).normal(1, 0.02, frame.shape)
    later, tomorrow = NOW + timedelta(days=30), frame * noise

    calm = ids(assign_segments(model, tomorrow, parameters, later, today.members))
    nervous = ids(assign_segments(model, tomorrow, bare, later, today.members))

    assert flip_rate(ids(today), calm) < flip_rate(ids(today), nervous)


def invoices(folder: Path) -> pd.DataFrame:
    """Sales of Online Retail by invoice: customer, day and amount."""
    file = folder / "online_retail/online_retail_uci_2010-12_2011-12.csv.gz"
    frame = pd.read_csv(file, dtype={"CustomerID": str, "InvoiceNo": str})
    assert len(frame) == 541_909
    frame = frame[frame["CustomerID"].notna() & (frame["Quantity"] > 0) & (frame["UnitPrice"] > 0)]
    frame["day"] = pd.to_datetime(frame["InvoiceDate"], format="mixed").dt.normalize()
    frame["amount"] = frame["Quantity"] * frame["UnitPrice"]
    by_invoice = frame.groupby(["CustomerID", "InvoiceNo"])
    return by_invoice.agg(day=("day", "min"), amount=("amount", "sum")).reset_index()


def bought_until(sales: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Recency, number and amount of each customer, as known at the end of a day."""
    groups = sales[sales["day"] <= day].groupby("CustomerID")
    recency = (day - groups["day"].max()).dt.days
    return pd.DataFrame(
        {"recency": recency, "orders": groups.size(), "amount": groups["amount"].sum()}
    )


@pytest.fixture(scope="module")
def retail_days(shared_folder: Path) -> list[tuple[datetime, pd.DataFrame]]:
    """What was known on each of the last 77 days of the file: 76 steps from day to day."""
    sales = invoices(shared_folder)
    days = pd.date_range(end=sales["day"].max(), periods=77)
    return [(day.to_pydatetime().replace(tzinfo=UTC), bought_until(sales, day)) for day in days]


@pytest.mark.parametrize("count", [4, 5])
def test_segments_of_online_retail_stay_through_76_days(
    retail_days: list[tuple[datetime, pd.DataFrame]], count: int
) -> None:
    parameters = SegmentParameters(columns=("recency", "orders", "amount"), segments=count)
    model = fit_segments(retail_days[0][1], parameters, 42)
    held: dict[str, Membership] = {}
    alike, flips, agreement = [], [], []

    for now, known in retail_days:
        members = assign_segments(model, known, parameters, now, held).members
        fresh = assign_segments(model, known, parameters, now).members
        agreement.append(np.mean([members[who].segment == fresh[who].segment for who in members]))
        if held:
            before = {who: member.segment for who, member in held.items()}
            after = {who: members[who].segment for who in before}
            alike.append(adjusted_rand_score(list(before.values()), list(after.values())))
            flips.append(flip_rate(before, after))
        held = members

    assert len(flips) == 76
    assert np.mean(alike) >= 0.96
    assert np.mean(flips) <= 0.018
    assert np.mean(agreement) >= 0.90
