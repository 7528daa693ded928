from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.parameters import PartWeights, ScoreParameters
from crmbridge.engine.reasons import exact_shares, geometric_mean, reasons_text
from crmbridge.engine.scores import ScoredCustomers, score_visits, visit_values
from crmbridge.errors import ConfigError
from crmbridge.records import Reason, to_millis

NOW = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)


Rows = Mapping[str, Mapping[str, Any]]


def table(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame.from_dict(dict(rows), orient="index")


def score(
    customers: Rows,
    features: Rows | None = None,
    parameters: ScoreParameters | None = None,
) -> ScoredCustomers:
    facts = table(features or {key: {} for key in customers})
    return score_visits(table(customers), facts, parameters or ScoreParameters(), NOW)


def cell(scored: ScoredCustomers, key: str, column: str) -> Any:
    return dict(zip(scored.frame.index, scored.frame[column], strict=True))[key]


def reason(scored: ScoredCustomers, key: str, prefix: str) -> Reason:
    reasons: tuple[Reason, ...] = cell(scored, key, "reasons")
    return next(r for r in reasons if r.code.startswith(prefix))


def test_classic_files_rank_by_need_times_situation_times_feature() -> None:
    customers = {
        "1": {"need": 0.8, "situation": 0.5, "feature": 0.9},  # product .36
        "2": {"need": 0.9, "situation": 0.9, "feature": 0.9},  # product .729
        "3": {"need": 0.4, "situation": 0.9, "feature": 0.7},  # product .252
    }

    scored = score(customers)

    assert list(scored.frame.index) == ["2", "1", "3"]


def test_words_and_numbers_mean_the_same() -> None:
    words = score({"1": {"need": "High", "situation": "stable", "feature": "poor"}})
    figures = score({"1": {"need": 0.75, "situation": 0.5, "feature": 0.25}})

    assert cell(words, "1", "score") == cell(figures, "1", "score")


def test_a_scale_of_ten_is_found_in_the_column_and_can_be_set() -> None:
    rows: Rows = {"1": {"need": 8}, "2": {"need": 2}}

    found = score(rows)
    fixed = score(rows, parameters=ScoreParameters(scales={"need": 16}))

    assert reason(found, "1", "need").text == "Need on record: 80 of 100"
    assert reason(fixed, "1", "need").text == "Need on record: 50 of 100"


def test_reasons_sum_to_the_score() -> None:
    generator = np.random.default_rng(5)
    rows = {
        f"c{i}": {"need": x, "situation": y, "feature": z, "class": "A"}
        for i, (x, y, z) in enumerate(generator.random((200, 3)))
    }
    days = {key: {"last_visit_days": float(generator.integers(0, 60))} for key in rows}

    scored = score(rows, days)

    for _, row in scored.frame.iterrows():
        assert abs(sum(r.weight for r in row["reasons"]) - row["score"]) < 1e-9
        assert 0 <= row["score"] <= 1


def test_a_missing_part_is_neutral_and_says_so() -> None:
    scored = score({"1": {"need": 0.9, "situation": 0.9, "feature": None}, "2": {"feature": 0.2}})

    said = reason(scored, "1", "product")

    assert said == Reason(
        code="product.unknown", text="Product fit not known, counted as average", weight=0.0
    )
    assert {f.code: f.count for f in scored.findings}["score.missing_product"] == 1


def test_a_customer_of_whom_nothing_is_known_scores_the_neutral_value() -> None:
    scored = score({"1": {}})

    assert cell(scored, "1", "score") == 0.5
    assert reason(scored, "1", "base").weight == 0.5


def test_no_customers_is_a_sentence_not_an_error() -> None:
    empty = pd.DataFrame()

    scored = score_visits(empty, empty, ScoreParameters(), NOW)

    assert len(scored.frame) == 0
    assert scored.findings[0].example == "No customers, so no scores"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, "??", None, -3, 1e308])
def test_no_nan_or_infinity_comes_out(bad: object) -> None:
    scored = score(
        {"1": {"need": bad, "situation": bad, "feature": bad}, "2": {"need": 0.5}},
        {"1": {"last_visit_days": bad, "orders_amount_prev_365": bad, "open_needs": bad}},
    )

    numbers = scored.frame[["score", "value", "worth", "urgency"]].to_numpy(float)
    assert np.isfinite(numbers).all()


def test_equal_scores_are_ordered_by_id_whatever_the_input_order() -> None:
    keys = ["b", "a", "c"]

    scored = score({key: {"need": 0.5} for key in keys})

    assert list(scored.frame.index) == ["a", "b", "c"]


def test_another_customer_changes_nobodys_reasons() -> None:
    one = {"1": {"need": 0.4, "situation": 0.7}}
    more = one | {"2": {"need": 0.9, "situation": 0.1}}

    assert cell(score(one), "1", "reasons") == cell(score(more), "1", "reasons")


def test_the_last_visit_and_its_interval_are_told() -> None:
    scored = score({"1": {"class": "A"}}, {"1": {"last_visit_days": 47}})

    assert reason(scored, "1", "urgency").text == "Last visit on 2026-09-16, due every 14 days"
    assert cell(scored, "1", "urgency") == 1.0


def test_the_later_of_the_crms_and_our_last_visit_counts() -> None:
    three_days_ago = to_millis(NOW - timedelta(days=3))

    scored = score(
        {"1": {"last_visit_at": three_days_ago, "visit_interval_days": 30}},
        {"1": {"last_visit_days": 20}},
    )

    assert cell(scored, "1", "last_visit_days") == 3


def test_never_visited_is_urgent_only_where_visits_are_kept() -> None:
    kept = score({"1": {}, "2": {}}, {"1": {"last_visit_days": 5}})
    not_kept = score({"1": {}, "2": {}})

    assert reason(kept, "2", "urgency").text == "Never visited"
    assert reason(not_kept, "2", "urgency").code == "urgency.unknown"


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"open_needs": 1, "need_strength_max": 0.8, "need_name": "pumps"},
            "Open need: pumps (strong)",
        ),
        ({"open_needs": 2, "need_strength_max": None}, "Open need (medium)"),
        ({"open_needs": 2, "need_strength_max": 0.3, "open_cases": 2}, "2 open service cases"),
        (
            {"feedback_actual_mean": 2.8, "feedback_expected_mean": 4},
            "Satisfied to about 70 % of what it expected",
        ),
        ({"open_deals": 1, "feedback_actual_mean": 5, "feedback_expected_mean": 4}, "1 open deal"),
        ({"open_deals": 1}, "1 open deal"),
        (
            {"orders_amount_365": 200, "orders_amount_prev_365": 1000},
            "Orders at about 20 % of the year before",
        ),
        (
            {"order_days": 5, "first_order_days": 200, "last_order_days": 80},
            "Last order on 2026-08-14, usually every 30 days",  # (200 - 80) / 4
        ),
    ],
)
def test_the_strongest_sign_of_need_is_told(facts: dict[str, object], text: str) -> None:
    scored = score({"1": {}, "2": {}}, {"1": facts, "2": {}})

    assert reason(scored, "1", "need").text == text


def test_no_open_need_lowers_the_score_only_where_needs_are_kept() -> None:
    kept = score({"1": {}, "2": {}}, {"1": {"open_needs": 1}, "2": {"open_needs": 0}})
    not_kept = score({"1": {}, "2": {}}, {"1": {"open_needs": 0}, "2": {"open_needs": 0}})

    assert reason(kept, "2", "need").weight < 0
    assert reason(not_kept, "2", "need").weight == 0


def test_a_fit_is_said_by_the_product_and_by_the_industry() -> None:
    parameters = ScoreParameters(fit={"dairy": 0.3, "mills": 0.5})

    scored = score(
        {"1": {"industry": "Dairy"}, "2": {"feature": 9.0}, "3": {"industry": "Mills"}, "4": {}},
        {"4": {"product_fit": 0.57, "product_fit_name": "Valve Pro"}},
        parameters=parameters,
    )

    texts = [reason(scored, id_, "product").text for id_ in "1234"]
    assert texts == [
        "Our products suit Dairy little (30 of 100)",
        "Our products suit it well (90 of 100)",
        "Our products suit Mills fairly well (50 of 100)",
        "Similar customers also buy Valve Pro",
    ]


def test_market_comes_from_the_segment_then_the_region() -> None:
    parameters = ScoreParameters(market={"dairy": 0.9, "north": 0.2})

    scored = score(
        {"1": {"segment": "Dairy", "region": "North"}, "2": {"segment": "x", "region": "North"}},
        parameters=parameters,
    )

    assert reason(scored, "1", "market").text == "The market for Dairy is good (90 of 100)"
    assert reason(scored, "2", "market").text == "The market in North is weak (20 of 100)"


@pytest.mark.parametrize(
    ("need", "name"), [(0.6, "high"), (0.599, "medium"), (0.4, "medium"), (0.399, "low")]
)
def test_tiers_have_fixed_cut_offs(need: float, name: str) -> None:
    only_need = ScoreParameters(weights=PartWeights(market=0, product=0, urgency=0))

    scored = score({"1": {"need": need}}, parameters=only_need)

    assert cell(scored, "1", "tier") == name


def test_a_visits_value_grows_to_the_due_day_and_beyond_up_to_the_cap() -> None:
    scored = score({"1": {"class": "A"}}, {"1": {"last_visit_days": 0}})
    days = [date(2026, 11, 2) + timedelta(days=i) for i in range(40)]

    values = visit_values(scored, days, ScoreParameters()).loc["1"].to_numpy()

    assert (np.diff(values) >= 0).all()
    assert values[14] == pytest.approx(100 * 0.5 * 0.5)  # due: worth .5, urgency .5
    assert values[28] == values[39] == pytest.approx(100 * 0.5 * 1.0)  # twice the interval


def test_todays_visit_value_is_the_value_of_the_score() -> None:
    scored = score(
        {"1": {"class": "B", "need": 0.7}, "2": {"need": 0.2}}, {"1": {"last_visit_days": 21}}
    )

    values = visit_values(scored, [date(2026, 11, 2)], ScoreParameters())

    assert values.iloc[:, 0].to_list() == scored.frame["value"].to_list()


def test_a_repeated_id_counts_once_and_is_told() -> None:
    customers = pd.DataFrame({"need": [0.9, 0.1]}, index=["1", "1"])

    scored = score_visits(customers, pd.DataFrame(index=["1"]), ScoreParameters(), NOW)

    assert len(scored.frame) == 1
    assert scored.findings[0].code == "score.repeated"


def test_shares_of_equal_parts_are_equal_and_of_neutral_parts_zero() -> None:
    parts = np.array([[0.9, 0.9, 0.5, 0.5]])
    weights = np.ones(4)

    shares = exact_shares(parts, 0.5, weights)

    assert shares[0, 0] == pytest.approx(shares[0, 1])
    assert shares[0, 2:] == pytest.approx([0, 0])
    assert shares.sum() == pytest.approx(geometric_mean(parts, weights)[0] - 0.5)


def test_a_weight_of_zero_leaves_a_part_out() -> None:
    parameters = ScoreParameters(weights=PartWeights(market=0, product=0, urgency=0))

    scored = score({"1": {"need": 0.3, "situation": 1.0}}, parameters=parameters)

    assert cell(scored, "1", "score") == pytest.approx(0.3)


@pytest.mark.parametrize(
    "setting",
    [{"high": 1.5}, {"neutral": 0}, {"medium": 0.9}, {"urgency": ()}, {"market": {"x": 2.0}}],
)
def test_settings_out_of_range_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"engine\.score"):
        ScoreParameters(**setting)


def test_reasons_fit_the_crms_field() -> None:
    reasons = (
        Reason(code="need.open", text="Open need: pumps (strong)", weight=0.2),
        Reason(code="market.said", text="Its market is weak (20 of 100)", weight=-0.1),
        Reason(code="base", text="An average customer", weight=0.5),
    )

    assert reasons_text(reasons) == "+ Open need: pumps (strong); − Its market is weak (20 of 100)"
    assert reasons_text(reasons, 40) == "+ Open need: pumps (strong)"
    assert len(reasons_text(reasons, 10)) == 10


def test_reasons_for_the_crm_are_the_same_the_next_day() -> None:
    customers = table({"1": {"class": "A", "need": 0.8}})
    days = (table({"1": {"last_visit_days": 20.0 + later}}) for later in (0, 1))

    texts = [
        reasons_text(cell(score_visits(customers, facts, ScoreParameters(), now), "1", "reasons"))
        for facts, now in zip(days, (NOW, NOW + timedelta(days=1)), strict=True)
    ]

    assert texts[0] == texts[1]


def test_a_learned_chance_is_a_part_and_reasons_still_sum_to_the_score() -> None:
    customers = {"1": {"need": 0.8}, "2": {"need": 0.8}, "3": {"need": 0.8}}
    learned = {
        "1": {"chance": 0.6, "chance_usual": 0.2},  # .6 / .8 = .75
        "2": {"chance": 0.2, "chance_usual": 0.2},  # as usual: .5, which moves nothing
        "3": {"chance": np.nan, "chance_usual": 0.2},
    }

    scored = score(customers, learned)

    assert list(scored.frame.index) == ["1", "2", "3"]
    assert cell(scored, "2", "score") == cell(scored, "3", "score")
    told = reason(scored, "1", "chance")
    assert told.text == "A visit leads to an order in 6 of 10 cases, usually in 2 of 10 cases"
    assert told.weight > 0
    for key in customers:
        weights = [one.weight for one in cell(scored, key, "reasons")]
        assert sum(weights) == pytest.approx(cell(scored, key, "score"), abs=1e-9)


def test_without_a_learned_chance_scores_are_what_they_were() -> None:
    nobody = {"1": {"chance": np.nan, "chance_usual": np.nan}}

    assert cell(score({"1": {"need": 0.8}}, nobody), "1", "score") == cell(
        score({"1": {"need": 0.8}}), "1", "score"
    )


def test_urgency_grows_by_the_day_beside_a_chance() -> None:
    facts = {"1": {"chance": 0.6, "chance_usual": 0.2, "last_visit_days": 10}}
    scored = score({"1": {"visit_interval_days": 20}}, facts)

    values = visit_values(scored, [NOW.date(), NOW.date() + timedelta(days=15)], ScoreParameters())

    assert values.iloc[0, 0] == cell(scored, "1", "value")
    assert values.iloc[0, 1] > values.iloc[0, 0]
