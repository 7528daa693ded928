"""Tables learned from counts: what a market or a trade has shown, as values in [0, 1]."""

from datetime import datetime

import numpy as np
import pandas as pd

from crmbridge.engine.columns import numbers, texts, unit_column
from crmbridge.engine.parameters import WORDS

_MONTHS = 3


def smoothed_table(
    frame: pd.DataFrame, key: str, hits: str, trials: str, strength: float = 20.0
) -> dict[str, float]:
    """Turn counts by a text column into a table for `ScoreParameters.market` or `.fit`.

    The rate of a key is (hits + strength x overall rate) / (trials + strength): few trials stay
    near the overall rate (the mean of a beta posterior). The value is rate / (rate + overall
    rate), so that the overall rate is 0.5 and twice that is 0.67.

    Args:
        hits, trials: columns of counts, such as won deals and all closed deals.
        strength: trials that the overall rate is worth; > 0.

    Returns:
        value in [0, 1] by lower-case key; empty where nothing was tried or nothing was hit.
    """
    words = [text.lower() for text in texts(frame, key)]
    counts = pd.DataFrame({"hits": numbers(frame, hits), "trials": numbers(frame, trials)})
    sums = counts.clip(lower=0).fillna(0.0).groupby(pd.Series(words, dtype=object)).sum()
    sums = sums[sums.index != ""]
    overall = _ratio(float(sums["hits"].sum()), float(sums["trials"].sum()))
    if overall <= 0:
        return {}
    rates = (sums["hits"] + strength * overall) / (sums["trials"] + strength)
    return {str(word): round(float(rate / (rate + overall)), 6) for word, rate in rates.items()}


def _ratio(over: float, under: float) -> float:
    return over / under if under > 0 else 0.0


def market_table(facts: pd.DataFrame, now: datetime) -> dict[str, float]:
    """Turn market facts into a table for `ScoreParameters.market`.

    A key's value is the mean situation of its last three periods; where no situation is on
    record, the sales of the last three periods against the same ones a year earlier: equal
    sales are 0.5, twice as much 0.67.

    Args:
        facts: canonical market facts: `key`, `period_on`, `situation`, `sales`.
        now: periods that begin after its date do not count.

    Returns:
        value in [0, 1] by lower-case key; keys of which nothing is known are absent.
    """
    table = pd.DataFrame(
        {
            "key": [text.lower() for text in texts(facts, "key")],
            "period": pd.Series(texts(facts, "period_on"), dtype=object),
            "situation": unit_column(facts, "situation", None, WORDS),
            "sales": numbers(facts, "sales"),
        }
    )
    table = table[(table["period"] <= now.date().isoformat()) & (table["key"] != "")]
    values = {str(key): _situation(group) for key, group in table.groupby("key")}
    return {key: round(value, 6) for key, value in values.items() if not np.isnan(value)}


def _situation(group: pd.DataFrame) -> float:
    periods = group.groupby("period")[["situation", "sales"]].mean().sort_index()
    known = periods["situation"].dropna()
    if len(known):
        return float(known.iloc[-_MONTHS:].mean())
    sales = periods["sales"].dropna()
    last = sales.iloc[-_MONTHS:]
    earlier = sales.reindex([_year_before(str(period)) for period in last.index]).dropna()
    same = last[[_year_before(str(period)) in earlier.index for period in last.index]]
    total = float(same.sum() + earlier.sum())
    return float(same.sum()) / total if total > 0 else np.nan


def _year_before(period: str) -> str:
    return f"{int(period[:4]) - 1}{period[4:]}" if period[:4].isdigit() else ""
