"""What customers will probably buy, and what that is worth today."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers
from crmbridge.engine.likelihood import LIMIT
from crmbridge.engine.parameters import within
from crmbridge.engine.repeat_buying import (
    RepeatBuying,
    chance_alive,
    expected_orders,
    fit_repeat_buying,
)
from crmbridge.engine.spending import Spending, expected_amount, fit_spending
from crmbridge.engine.value_draws import value_intervals
from crmbridge.records import Finding

COLUMNS = (
    "alive", "orders", "amount", "value", "orders_low", "orders_high", "value_low", "value_high",
)  # fmt: skip
"""What is told of each customer."""

_FEW = 50
_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueParameters:
    """How far ahead customers are valued.

    Args:
        horizon_days: days looked ahead, 1 to 3650.
        discount_rate: a year's; what comes in a year is worth 1 / (1 + rate) today; 0 to 1.
        unit_days: the unit of time of the summaries, in days.
        confidence: of intervals, 0.5 to 0.999.
    """

    horizon_days: int = 365
    discount_rate: float = 0.10
    unit_days: float = 7.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("engine.value.horizon_days", self.horizon_days, 1, 3650)
        within("engine.value.discount_rate", self.discount_rate, 0, 1)
        within("engine.value.unit_days", self.unit_days, 1e-6, 365)
        within("engine.value.confidence", self.confidence, 0.5, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerValues:
    """What customers are worth.

    Args:
        frame: by customer id, in the order of the summary: `alive` (chance that the customer
            still buys), `orders` expected in the horizon, `amount` expected of each, `value`
            (discounted); `orders_low`, `orders_high`, `value_low`, `value_high`: ends of the
            intervals of what one customer may really do, which is wider than what is not known
            of its mean; empty if nothing could be fitted.
        orders_model, spending_model: what was fitted; None where there was too little.
    """

    frame: pd.DataFrame
    orders_model: RepeatBuying | None
    spending_model: Spending | None
    findings: tuple[Finding, ...] = ()


def value_customers(summary: pd.DataFrame, parameters: ValueParameters) -> CustomerValues:
    """Value customers by their repeat buying and spending.

    Args:
        summary: see `repeat_buying.repeat_summary`; rows with a missing value are left out.
    """
    facts = summary[["repeats", "recency", "age"]].to_numpy(dtype=np.float64)
    rows = summary.take(np.flatnonzero(np.isfinite(facts).all(axis=1)))
    orders_model, spending_model = fit_repeat_buying(rows), fit_spending(rows)
    findings = _findings(rows, orders_model, spending_model)
    if orders_model is None:
        return CustomerValues(
            frame=pd.DataFrame(columns=list(COLUMNS), dtype=float),
            orders_model=None,
            spending_model=spending_model,
            findings=findings,
        )
    frame = _valued(rows, orders_model, spending_model, parameters)
    return CustomerValues(
        frame=frame, orders_model=orders_model, spending_model=spending_model, findings=findings
    )


def _valued(
    rows: pd.DataFrame,
    orders_model: RepeatBuying,
    spending_model: Spending | None,
    parameters: ValueParameters,
) -> pd.DataFrame:
    amount = np.full(len(rows), np.nan)
    if spending_model is not None:
        amount = expected_amount(spending_model, rows)
    amount = np.where(np.isnan(amount), _overall_mean(rows), amount)
    total, discounted = _flow(rows, orders_model, parameters)
    today = np.divide(discounted, total, out=np.ones(len(rows)), where=total > 0)
    ends = value_intervals(
        rows,
        (orders_model, spending_model),
        (amount, today),
        parameters.horizon_days / parameters.unit_days,
        parameters.confidence,
    )
    columns = (
        chance_alive(orders_model, rows),
        total,
        amount,
        discounted * amount,
        *(ends.orders_low, ends.orders_high, ends.value_low, ends.value_high),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), index=rows.index)


def _overall_mean(rows: pd.DataFrame) -> float:
    mean = rows["amount_mean"].astype(float)
    mean = mean[np.isfinite(mean)]
    return float(mean.mean()) if len(mean) else 0.0


def _flow(
    rows: pd.DataFrame, model: RepeatBuying, parameters: ValueParameters
) -> tuple[Numbers, Numbers]:
    """Expected orders, and the same discounted in twelve steps of the horizon."""
    total, discounted = np.zeros(len(rows)), np.zeros(len(rows))
    for step in range(1, _STEPS + 1):
        days = parameters.horizon_days * step / _STEPS
        so_far = expected_orders(model, rows, days / parameters.unit_days)
        middle = days - parameters.horizon_days / _STEPS / 2
        discounted += (so_far - total) / (1 + parameters.discount_rate) ** (middle / 365)
        total = so_far
    return total, discounted


def _findings(
    rows: pd.DataFrame, orders_model: RepeatBuying | None, spending_model: Spending | None
) -> tuple[Finding, ...]:
    repeated = int((rows["repeats"] > 0).sum())
    found = []
    if orders_model is None:
        sentence = f"{repeated} of {len(rows)} customers bought again: too few to value anybody"
        found.append(Finding(code="value.too_little", count=repeated, example=sentence))
    elif _is_flat(orders_model):
        sentence = "The orders do not tell the parameters: one of them grew without limit"
        found.append(Finding(code="value.flat", count=repeated, example=sentence))
    elif repeated < _FEW:
        sentence = f"Only {repeated} customers bought again: values are rough"
        found.append(Finding(code="value.few", count=repeated, example=sentence))
    if spending_model is None:
        sentence = "Amounts do not vary, or are not known: everybody has the same mean amount"
        found.append(Finding(code="value.no_spending", example=sentence))
    return tuple(found)


def _is_flat(model: RepeatBuying) -> bool:
    logs = np.abs(np.log([model.r, model.a, model.b]))
    return bool((logs > LIMIT - 0.1).any())


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """How well expected orders agreed with those that came.

    Args:
        top_share: share of all orders that came from the tenth expected to order most.
    """

    correlation: float
    rmse: float
    expected: float
    came: float
    top_share: float


def check_holdout(expected: Numbers, came: Numbers) -> Holdout | None:
    """Compare what was expected with what came; None for fewer than two customers.

    The mean absolute error is left out on purpose: where most customers order nothing, to expect
    nothing of anybody beats every model by it.
    """
    if len(expected) < 2:
        return None
    order = np.argsort(-expected, kind="stable")[: max(1, round(len(expected) / 10))]
    varies = np.ptp(expected) > 0 and np.ptp(came) > 0
    total = float(came.sum())
    return Holdout(
        correlation=float(np.corrcoef(expected, came)[0, 1]) if varies else 0.0,
        rmse=float(np.sqrt(((expected - came) ** 2).mean())),
        expected=float(expected.sum()),
        came=total,
        top_share=float(came[order].sum()) / total if total > 0 else 0.0,
    )
