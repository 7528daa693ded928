"""Segments by plain rules: how large a customer is, and where its orders are going."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmbridge.engine.columns import numbers
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.records import Finding, Reason

_LARGE_SHARE, _MEDIUM_SHARE = 0.7, 0.95
_GROWING, _COOLING = 1.25, 0.75
_LAPSED_DAYS = 365.0
NO_ORDERS = "rfm-none"


def fit_rules(features: pd.DataFrame, findings: tuple[Finding, ...] = ()) -> SegmentModel:
    """Freeze the cut-offs between large, medium and small.

    Large are the customers that together make the first 70 % of all orders' amount, medium
    those up to 95 % (ABC analysis). The cut-offs are kept in the model, so that a customer's
    size does not change because another one grew.
    """
    amounts = np.nan_to_num(numbers(features, "orders_amount"))
    ranked = np.sort(amounts[amounts > 0])[::-1]
    if not ranked.size:
        sentence = "No customer has orders, so all are in one segment"
        findings = (*findings, Finding(code="segments.no_orders", example=sentence))
    payload = {
        "large": _cut_off(ranked, _LARGE_SHARE),
        "medium": _cut_off(ranked, _MEDIUM_SHARE),
    }
    card = {"customers": len(features), "with_orders": int(ranked.size), **payload}
    return SegmentModel(kind="rules", payload=payload, card=card, findings=findings)


def _cut_off(ranked: np.ndarray[tuple[int], np.dtype[np.float64]], share: float) -> float:
    if not ranked.size:
        return 0.0
    before = np.cumsum(ranked) - ranked
    return round(float(ranked[before < share * ranked.sum()][-1]), 2)


def rule_segments(
    model: SegmentModel, features: pd.DataFrame, previous: Sequence[str], hysteresis: float
) -> list[tuple[str, str, tuple[Reason, ...]]]:
    """Segment id, name and reasons of each customer, in the order of `features`.

    Args:
        previous: the id each customer has now, "" for none. A size or a trend is kept while
            the amount or the ratio is within `hysteresis` of the cut-off.
    """
    amounts = np.nan_to_num(numbers(features, "orders_amount"))
    lately = np.nan_to_num(numbers(features, "orders_amount_365"))
    before = np.nan_to_num(numbers(features, "orders_amount_prev_365"))
    since = numbers(features, "last_order_days")
    return [
        _judge(model, float(a), (float(n), float(b), float(s)), held, hysteresis)
        for a, n, b, s, held in zip(amounts, lately, before, since, previous, strict=True)
    ]


def _judge(
    model: SegmentModel,
    amount: float,
    trend: tuple[float, float, float],
    held: str,
    hysteresis: float,
) -> tuple[str, str, tuple[Reason, ...]]:
    if amount <= 0:
        return NO_ORDERS, "no orders yet", (Reason(code="rfm.none", text="No orders on record"),)
    parts = held.split("-")
    held_size, held_trend = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    band = (1.0, 1 - hysteresis, 1 + hysteresis)
    size = _kept(held_size, [_size(model, amount * factor) for factor in band])
    way = _kept(held_trend, [_trend(amount, *trend, factor=factor) for factor in band])
    reasons = (
        Reason(code=f"rfm.{size}", text=f"Orders of {amount:,.0f} in all"),
        Reason(code=f"rfm.{way}", text=_trend_sentence(way, *trend)),
    )
    return f"rfm-{size}-{way}", f"{size}, {way}", reasons


def _kept(held: str, found: list[str]) -> str:
    return held if held in found else found[0]


def _size(model: SegmentModel, amount: float) -> str:
    if amount >= model.payload["large"]:
        return "large"
    return "medium" if amount >= model.payload["medium"] else "small"


def _trend(amount: float, lately: float, before: float, since: float, *, factor: float) -> str:
    if lately <= 0 or since * factor > _LAPSED_DAYS:
        return "lapsed"
    if before <= 0:
        return "returning" if amount > 1.001 * lately else "new"
    ratio = lately / before * factor
    if ratio >= _GROWING:
        return "growing"
    return "cooling" if ratio <= _COOLING else "steady"


def _trend_sentence(way: str, lately: float, before: float, since: float) -> str:
    if way == "new":
        return "First orders within the last year"
    if way == "returning":
        return "Ordered again after a year without orders"
    if way == "lapsed" or before <= 0:
        return "No order for a year" if np.isnan(since) else f"Last order {since:.0f} days ago"
    return f"Orders at {100 * lately / before:.0f} % of the year before"
