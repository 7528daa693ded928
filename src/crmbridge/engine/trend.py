"""Where a customer's orders are going: this year against the year before, and the usual gap."""

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers

_YEAR = 365.0
_LEAST_DAYS = 90.0
"""Days of the year before that must lie after the first order, to be compared at all."""
_LEAST_ORDER_DAYS = 4


def amount_before(features: pd.DataFrame) -> Numbers:
    """Amount ordered in the year before the last one, as if it were a whole year.

    Somebody whose first order was 18 months ago had half a year to order in: without this, each
    such customer would seem to have doubled. 0 where that part is shorter than 90 days.
    """
    amount = np.maximum(np.nan_to_num(numbers(features, "orders_amount_prev_365")), 0)
    first = numbers(features, "first_order_days")
    days = np.clip(np.nan_to_num(first, nan=2 * _YEAR) - _YEAR, 0, _YEAR)
    with np.errstate(over="ignore"):  # an amount near the largest float is somebody's typo
        whole = amount * (_YEAR / np.maximum(days, 1))
    return np.where(days >= _LEAST_DAYS, whole, 0.0)


def amount_lately(features: pd.DataFrame) -> Numbers:
    """Amount ordered in the last year; 0 where nothing is known."""
    return np.maximum(np.nan_to_num(numbers(features, "orders_amount_365")), 0)


def usual_gap_days(features: pd.DataFrame) -> Numbers:
    """Mean days between the days on which a customer ordered; NaN for fewer than four of them."""
    days = numbers(features, "order_days")
    span = numbers(features, "first_order_days") - numbers(features, "last_order_days")
    usable = (days >= _LEAST_ORDER_DAYS) & (span > 0)
    return np.where(usable, span / np.where(usable, days - 1, 1), np.nan)
