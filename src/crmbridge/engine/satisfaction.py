"""Four ratios of satisfaction: of needs, of expectations, of the plan and of the strategy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.records import Finding

DAY_MILLIS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One ratio: the sum of one column over the sum of another.

    Args:
        missing: the sentence where the lower sum is 0 or nothing is known.
        joined: the column by which both sides belong together, where they stand in different
            rows; "" if in the same one.
    """

    name: str
    title: str
    over: str
    under: str
    missing: str
    joined: str = ""


RATIOS = (
    Ratio(
        name="needs_ratio",
        title="Needs met",
        over="needs_met",
        under="needs",
        missing="No needs on record, so there is no share of needs met",
    ),
    Ratio(
        name="expectation_ratio",
        title="Satisfaction against what was expected",
        over="actual",
        under="expected",
        missing="No feedback with an expectation, so satisfaction has nothing to be compared to",
    ),
    Ratio(
        name="plan_ratio",
        title="Visits with effect against the plan",
        over="effective_visits",
        under="planned_visits",
        missing="No visits were planned, so their effect has no plan to be compared to",
    ),
    Ratio(
        name="strategy_ratio",
        title="Visits with effect against the strategy",
        over="effective_visits",
        under="strategy_visits",
        joined="customer_id",
        missing="The strategy asks for no visits, so their effect has nothing to be compared to",
    ),
)
"""What is measured. A visit has an effect if an order follows it (see `visits_with_effect`); the
strategy asks for one visit in each visit interval of a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """The four ratios by group.

    Args:
        frame: one row per group, in order of its key; the four ratios (NaN where there is none),
            the sums they are made of, and `sentences`, one per ratio.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def satisfaction_ratios(facts: pd.DataFrame, by: Sequence[str] = ()) -> Satisfaction:
    """The four ratios, over all or by customer, segment, rep or period.

    A ratio is the sum above over the sum below, over the rows in which both are known: a group's
    ratio is not the mean of its members' ratios, in which the smallest would count most.

    Args:
        facts: any of `needs`, `needs_met`, `expected`, `actual`, `effective_visits`,
            `planned_visits`, `strategy_visits`, and the columns named in `by`.
        by: columns to group by; none for one row with the key "all".
    """
    keys = _keys(facts, by)
    sums = pd.DataFrame(index=pd.Index(sorted(set(keys)), name=None))
    for ratio in RATIOS:
        over, under = _sums(facts, keys, ratio)
        sums[f"{ratio.name}_over"], sums[f"{ratio.name}_under"] = over, under
        lower = sums[f"{ratio.name}_under"]
        sums[ratio.name] = sums[f"{ratio.name}_over"].div(lower).where(lower > 0)
    sums["sentences"] = list(zip(*(_sentences(sums, ratio) for ratio in RATIOS), strict=True))
    return Satisfaction(frame=sums, findings=_findings(sums))


def _keys(facts: pd.DataFrame, by: Sequence[str]) -> list[str]:
    if not by:
        return ["all"] * len(facts)
    columns = [texts(facts, name) for name in by]
    return [" / ".join(value or "not known" for value in row) for row in zip(*columns, strict=True)]


def _sums(facts: pd.DataFrame, keys: list[str], ratio: Ratio) -> tuple[pd.Series, pd.Series]:
    over, under = numbers(facts, ratio.over), numbers(facts, ratio.under)
    has_over, has_under = ~np.isnan(over), ~np.isnan(under) & (under >= 0)
    if ratio.joined in facts.columns:
        # Who was never visited counts below; a visit of somebody with no strategy counts nowhere.
        ids = np.array(texts(facts, ratio.joined), dtype=object)
        has_over &= np.isin(ids, ids[has_under])
    else:
        has_over = has_under = has_over & has_under
    groups = pd.Series(keys, dtype=object)
    upper = pd.Series(np.where(has_over, over, 0.0)).groupby(groups).sum()
    lower = pd.Series(np.where(has_under, under, 0.0)).groupby(groups).sum()
    return upper, lower


def _sentences(sums: pd.DataFrame, ratio: Ratio) -> list[str]:
    columns = (sums[f"{ratio.name}_over"], sums[f"{ratio.name}_under"])
    return [
        f"{ratio.title}: {_told(over)} of {_told(under)} ({100 * over / under:.0f} %)"
        if under > 0
        else ratio.missing
        for over, under in zip(*columns, strict=True)
    ]


def _findings(frame: pd.DataFrame) -> tuple[Finding, ...]:
    if frame.empty:
        sentence = "No facts, so there are no ratios of satisfaction"
        return (Finding(code="satisfaction.empty", count=0, example=sentence),)
    found = []
    for ratio in RATIOS:
        count = int(frame[ratio.name].isna().sum())
        if count:
            code = f"satisfaction.no_{ratio.name}"
            found.append(Finding(code=code, count=count, example=ratio.missing))
    return tuple(found)


def visits_with_effect(
    visits: pd.DataFrame, orders: pd.DataFrame, window_days: int = 28
) -> Numbers:
    """1 for each visit that an order of the same customer follows, else 0.

    An order counts for the last visit before it, and for no other, so that a customer who is
    visited daily does not make every visit effective.

    Args:
        visits: `customer_id` and `start_at` in milliseconds; row order is kept.
        orders: `customer_id` and `ordered_at` in milliseconds.
        window_days: days after the visit within which an order counts for it; > 0.
    """
    started = pd.DataFrame(
        {"customer": texts(visits, "customer_id"), "at": numbers(visits, "start_at")}
    )
    started["row"] = np.arange(len(visits))
    placed = pd.DataFrame(
        {"customer": texts(orders, "customer_id"), "at": numbers(orders, "ordered_at")}
    )
    left = placed.dropna().sort_values("at", kind="stable")
    right = started.dropna().sort_values("at", kind="stable")
    effect = np.zeros(len(visits))
    if left.empty or right.empty:
        return effect
    found = pd.merge_asof(left, right, on="at", by="customer", tolerance=window_days * DAY_MILLIS)
    effect[found["row"].dropna().to_numpy(dtype=np.int64)] = 1.0
    return effect


def visit_facts(
    visits: pd.DataFrame, orders: pd.DataFrame, since: date, until: date, window_days: int = 28
) -> pd.DataFrame:
    """Planned and effective visits of a period, one row per visit, ready for `satisfaction_ratios`.

    Args:
        visits: `customer_id`, `rep_id`, `start_at`, `status`; cancelled ones do not count.
        since, until: the period in UTC days, `until` excluded.

    Returns:
        `customer_id`, `rep_id`, `period` (YYYY-MM), `planned_visits`, `effective_visits`.
    """
    start = pd.to_datetime(pd.Series(numbers(visits, "start_at")), unit="ms")
    status = np.array(texts(visits, "status"), dtype=object)
    inside = (start >= pd.Timestamp(since)) & (start < pd.Timestamp(until))
    effect = np.where(status == "done", visits_with_effect(visits, orders, window_days), 0.0)
    facts = pd.DataFrame(
        {
            "customer_id": texts(visits, "customer_id"),
            "rep_id": texts(visits, "rep_id"),
            "period": start.dt.strftime("%Y-%m"),
            "planned_visits": 1.0,
            "effective_visits": effect,
        }
    )
    kept = inside.to_numpy() & (status != "cancelled")
    return facts.take(np.flatnonzero(kept)).reset_index(drop=True)


def strategy_visits(interval_days: Numbers, days: int) -> Numbers:
    """Visits that the strategy asks for in `days` days: one in each interval; NaN stays NaN."""
    known = np.where(interval_days >= 1, interval_days, np.nan)
    return np.asarray(days / known, dtype=np.float64)


def _told(figure: float) -> str:
    """To one decimal, with none where it is whole; small figures keep three digits."""
    rounded = round(figure, 1)
    return f"{rounded:,.1f}".removesuffix(".0") if rounded >= 1 else f"{figure:.3g}"
