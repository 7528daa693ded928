"""When customers buy again: the BG/NBD model of Fader, Hardie and Lee (2005)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, hyp2f1

from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.likelihood import most_likely

DAY_MILLIS = 86_400_000
_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, 1.0, -0.5, 1.0), (1.0, 1.0, 1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatBuying:
    """A fitted BG/NBD model; times are in the unit of the summary it was fitted on.

    While a customer buys, orders come by chance at a rate that varies over customers as
    gamma(r, alpha); after each one the customer is lost with a chance that varies as beta(a, b).
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


def repeat_summary(orders: pd.DataFrame, until: int, unit_days: float = 7.0) -> pd.DataFrame:
    """Orders as the model wants them, one row per customer in order of id.

    Orders of one customer on one day (UTC) count as one.

    Args:
        orders: `customer_id`, `ordered_at` in milliseconds, `amount`.
        until: milliseconds; orders from then on do not count.
        unit_days: length of the unit of time, in days; > 0.

    Returns:
        `repeats` (order days after the first), `recency` (first to last order), `age` (first
        order to `until`), in units, and `amount_mean` (of the repeats; NaN for none).
    """
    rows = pd.DataFrame(
        {
            "customer": pd.Series(texts(orders, "customer_id"), dtype=object),
            "at": numbers(orders, "ordered_at"),
            "amount": numbers(orders, "amount"),
        }
    )
    rows = rows[(rows["customer"] != "") & (rows["at"] < until)]
    rows = rows.assign(day=np.floor(rows["at"] / DAY_MILLIS))
    days = rows.groupby(["customer", "day"], sort=True)["amount"].sum().reset_index()
    first = days.groupby("customer")["day"].transform("min")
    again = days[days["day"] > first]
    groups = days.groupby("customer")
    summary = pd.DataFrame({"repeats": groups.size() - 1.0})
    summary["recency"] = (groups["day"].max() - groups["day"].min()) / unit_days
    summary["age"] = (until / DAY_MILLIS - groups["day"].min()) / unit_days
    summary["amount_mean"] = again.groupby("customer")["amount"].mean()
    return summary.rename_axis(None)


def fit_repeat_buying(summary: pd.DataFrame) -> RepeatBuying | None:
    """Maximum likelihood over all customers; None where nobody, or everybody at once, bought again.

    Args:
        summary: see `repeat_summary`; rows with a missing value do not count.
    """
    rows = summary[["repeats", "recency", "age"]].astype(float).to_numpy()
    rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, 2] > 0)]
    if len(rows) < 2 or rows[:, 0].max() <= 0:
        return None
    scale = float(rows[:, 2].mean()) / 10
    # Most who never came back share their age with others: each kind is reckoned once.
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    x, recency, age = kinds[:, 0], kinds[:, 1] / scale, kinds[:, 2] / scale
    shares = counts / counts.sum()
    best, loss = most_likely(lambda values: _loss(values, x, recency, age, shares), _STARTS)
    r, alpha, a, b = (float(value) for value in best)
    # Measured in other units, the density of each repeat changes by the unit.
    likelihood = -loss * len(rows) - float(rows[:, 0].sum()) * np.log(scale)
    return RepeatBuying(r=r, alpha=alpha * scale, a=a, b=b, log_likelihood=float(likelihood))


def _loss(values: Numbers, x: Numbers, recency: Numbers, age: Numbers, shares: Numbers) -> float:
    r, alpha, a, b = values
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    loss = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    stays = -(r + x) * np.log(alpha + age)
    with np.errstate(divide="ignore"):
        left = np.log(a) - np.log(np.maximum(b + x - 1, 1e-300)) - (r + x) * np.log(alpha + recency)
    tail = np.where(x > 0, np.logaddexp(stays, np.where(x > 0, left, -np.inf)), stays)
    return -float(((rate + loss + tail) * shares).sum())


def chance_alive(model: RepeatBuying, summary: pd.DataFrame) -> Numbers:
    """The chance that each customer still buys, in [0, 1]; 1 for one who bought once only."""
    x, recency, age = (summary[name].to_numpy(float) for name in ("repeats", "recency", "age"))
    return np.asarray(1 / (1 + _odds_left(model, x, recency, age)), dtype=np.float64)


def expected_orders(model: RepeatBuying, summary: pd.DataFrame, ahead: float) -> Numbers:
    """Order days expected of each customer in the next `ahead` units; >= 0."""
    x, recency, age = (summary[name].to_numpy(float) for name in ("repeats", "recency", "age"))
    # At a = 1 both factors are 0 and infinite; beside it the product is smooth.
    a = model.a if abs(model.a - 1) > 1e-6 else 1 + 1e-6
    share = ahead / (model.alpha + age + ahead)
    series = hyp2f1(model.r + x, model.b + x, a + model.b + x - 1, share)
    kept = ((model.alpha + age) / (model.alpha + age + ahead)) ** (model.r + x) * series
    orders = (a + model.b + x - 1) / (a - 1) * (1 - kept)
    alive = 1 / (1 + _odds_left(model, x, recency, age))
    return np.asarray(np.maximum(orders * alive, 0.0), dtype=np.float64)


def _odds_left(model: RepeatBuying, x: Numbers, recency: Numbers, age: Numbers) -> Numbers:
    ratio = ((model.alpha + age) / (model.alpha + recency)) ** (model.r + x)
    return np.where(x > 0, model.a / np.maximum(model.b + x - 1, 1e-12) * ratio, 0.0)
