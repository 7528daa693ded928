"""Segments by plain rules: how large a customer is, and where its orders are going."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmbridge.engine.columns import numbers
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.engine.trend import amount_before, amount_lately
from crmbridge.records import Finding, Reason

_LARGE_SHARE, _MEDIUM_SHARE = 0.7, 0.95
_GROWING, _COOLING = 1.25, 0.75
_LAPSED_DAYS = 365.0
NO_ORDERS = "rfm-none"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Orders:
    """A customer's orders: amounts in all, of the last year, of the year before and older."""

    amount: float
    lately: float
    before: float
    older: float
    since: float


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
    lately, before = amount_lately(features), amount_before(features)
    since = numbers(features, "last_order_days")
    older = amounts - lately - np.nan_to_num(numbers(features, "orders_amount_prev_365"))
    orders = (
        _Orders(amount=float(a), lately=float(n), before=float(b), since=float(s), older=float(o))
        for a, n, b, s, o in zip(amounts, lately, before, since, older, strict=True)
    )
    return [
        _judge(model, order, held, hysteresis) for order, held in zip(orders, previous, strict=True)
    ]


def _judge(
    model: SegmentModel, orders: _Orders, held: str, hysteresis: float
) -> tuple[str, str, tuple[Reason, ...]]:
    if orders.amount <= 0:
        return NO_ORDERS, "no orders yet", (Reason(code="rfm.none", text="No orders on record"),)
    parts = held.split("-")
    held_size, held_trend = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    band = (1.0, 1 - hysteresis, 1 + hysteresis)
    size = _kept(held_size, [_size(model, orders.amount * factor) for factor in band])
    way = _kept(held_trend, [_trend(orders, factor) for factor in band])
    reasons = (
        Reason(code=f"rfm.{size}", text=f"Orders of {orders.amount:,.0f} in all"),
        Reason(code=f"rfm.{way}", text=_trend_sentence(way, orders)),
    )
    return f"rfm-{size}-{way}", f"{size}, {way}", reasons


def _kept(held: str, found: list[str]) -> str:
    return held if held in found else found[0]


def _size(model: SegmentModel, amount: float) -> str:
    if amount >= model.payload["large"]:
        return "large"
    return "medium" if amount >= model.payload["medium"] else "small"


def _trend(orders: _Orders, factor: float) -> str:
    if orders.lately <= 0 or orders.since * factor > _LAPSED_DAYS:
        return "lapsed"
    if orders.before <= 0:
        return "returning" if orders.older > 0.001 * orders.amount else "new"
    ratio = orders.lately / orders.before * factor
    if ratio >= _GROWING:
        return "growing"
    return "cooling" if ratio <= _COOLING else "steady"


def _trend_sentence(way: str, orders: _Orders) -> str:
    if way == "new":
        return "First orders about a year ago or later"
    if way == "returning":
        return "Ordered again after a year without orders"
    if way == "lapsed" or orders.before <= 0:
        known = not np.isnan(orders.since)
        return f"Last order {orders.since:.0f} days ago" if known else "No order for a year"
    return f"Orders at {100 * orders.lately / orders.before:.0f} % of the year before"
