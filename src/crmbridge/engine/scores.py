"""What a visit to each customer is worth today, on each coming day, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers
from crmbridge.engine.parameters import ScoreParameters
from crmbridge.engine.parts import (
    Part,
    Rhythm,
    chance_part,
    market_part,
    need_part,
    product_part,
    rhythm,
    uplift_part,
    urgency_at,
    urgency_part,
)
from crmbridge.engine.reasons import exact_shares, geometric_mean
from crmbridge.records import Finding, Reason

_URGENCY = 3
"""Place of urgency among the parts."""
_DIGITS = 6
"""Scores and weights are rounded so that they are the same on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCustomers:
    """Customers with the worth of a visit, best first, ties by id.

    Args:
        frame: indexed by customer id; `score` in [0, 1]; `tier` high, medium or low; `reasons`
            a tuple of Reason whose weights sum to the score; `value` for planning on the day
            of `as_of`, 0 to 100; `worth`, `urgency`, `last_visit_days`, `interval_days`.
        as_of: the day the score is for, in the zone of the `now` it was computed with.
        findings: what should be known about the result, counted, in sentences.
    """

    frame: pd.DataFrame
    as_of: date
    findings: tuple[Finding, ...] = ()


def score_visits(
    customers: pd.DataFrame, features: pd.DataFrame, parameters: ScoreParameters, now: datetime
) -> ScoredCustomers:
    """Score customers by need x market x product fit x urgency, and x chance where it was learned.

    Where a control group showed whom visits move, what a visit adds takes the place of the chance:
    who would order anyway is not worth the way.

    The score is the weighted geometric mean of the parts, each in [0, 1]: with equal weights it
    ranks as their product does, and 0.5 stays what an average customer has. A missing part
    counts as `parameters.neutral`, has the weight 0 and says so. The chance is a part only where
    a model with a signal gave it to somebody; else it is left out for all, and changes nothing.

    Args:
        customers: canonical customer columns, indexed by customer id; columns may be absent.
            A repeated id counts once, by its first row.
        features: the store's feature columns by the same ids; `need_name`, `open_cases` (service
            cases not solved), `product_fit` and `product_fit_name` (see `affinity.best_offers`),
            `chance` and `chance_usual` (of a visit with effect, see `propensity`), `uplift` and
            `uplift_usual` (what a visit adds to it, see `uplift`) are used where present.
        now: aware; "today" is its date in its own zone.
    """
    unique = customers[~customers.index.duplicated()]
    facts = features[~features.index.duplicated()].reindex(unique.index)
    beat = rhythm(unique, facts, parameters, now)
    parts = [
        need_part(unique, facts, parameters, now),
        market_part(unique, parameters),
        product_part(unique, facts, parameters),
        urgency_part(beat, parameters, now),
    ]
    if _is_known(facts, "uplift"):
        parts.append(uplift_part(facts))
    elif _is_known(facts, "chance"):
        parts.append(chance_part(facts))
    frame = _scored(unique.index, parts, beat, parameters)
    findings = (*_repeated(len(customers) - len(unique)), *_missing(parts))
    return ScoredCustomers(frame=frame, as_of=now.date(), findings=findings)


def _scored(
    ids: pd.Index, parts: list[Part], beat: Rhythm, parameters: ScoreParameters
) -> pd.DataFrame:
    matrix = np.column_stack([np.nan_to_num(p.values, nan=parameters.neutral) for p in parts])
    weights = np.array([getattr(parameters.weights, part.name) for part in parts])
    score = np.round(geometric_mean(matrix, weights), _DIGITS)
    shares = np.round(exact_shares(matrix, parameters.neutral, weights), _DIGITS)
    worth = _worth(matrix, weights, parameters)
    frame = pd.DataFrame(
        {
            "score": score,
            "tier": [tier(value, parameters) for value in score],
            "reasons": _reasons(parts, score, shares),
            "value": np.round(100 * worth * matrix[:, _URGENCY], _DIGITS),
            "worth": worth,
            "urgency": matrix[:, _URGENCY],
            "last_visit_days": beat.since,
            "interval_days": beat.interval,
        },
        index=ids,
    )
    keys = [(-value, str(key)) for value, key in zip(score, ids, strict=True)]
    return frame.iloc[sorted(range(len(keys)), key=keys.__getitem__)]


def _is_known(facts: pd.DataFrame, column: str) -> bool:
    return column in facts.columns and bool(facts[column].notna().any())


def _worth(matrix: Numbers, weights: Numbers, parameters: ScoreParameters) -> Numbers:
    """What a visit is worth whenever it is made: the score without its urgency."""
    others = np.delete(matrix, _URGENCY, axis=1), np.delete(weights, _URGENCY)
    if not others[1].any():
        return np.full(len(matrix), parameters.neutral)
    return np.round(geometric_mean(*others), _DIGITS)


def tier(score: float, parameters: ScoreParameters) -> str:
    """high, medium or low by the fixed cut-offs."""
    if score >= parameters.high:
        return "high"
    return "medium" if score >= parameters.medium else "low"


def _reasons(parts: list[Part], score: Numbers, shares: Numbers) -> list[tuple[Reason, ...]]:
    rows = []
    for row, total in enumerate(score):
        found = [
            Reason(code=part.codes[row], text=part.sentences[row], weight=float(share))
            for part, share in zip(parts, shares[row], strict=True)
        ]
        found.sort(key=lambda reason: -abs(reason.weight))
        # The base takes what rounding left over, so that the weights sum to the score.
        base = round(float(total) - sum(reason.weight for reason in found), _DIGITS + 3)
        rows.append((*found, Reason(code="base", text="An average customer", weight=base)))
    return rows


def visit_values(
    scored: ScoredCustomers, days: Sequence[date], parameters: ScoreParameters
) -> pd.DataFrame:
    """What a visit is worth on each day: worth x urgency of that day x 100.

    It grows as a visit becomes due and overdue, up to the end of the urgency curve; it is the
    same on all days for a customer whose last visit or interval is not known.

    Returns:
        one row per customer in the order of `scored`, one column per day, values 0 to 100.
    """
    frame = scored.frame
    since, interval = numbers(frame, "last_visit_days"), numbers(frame, "interval_days")
    beat = Rhythm(since=since, interval=interval)
    worth, today = numbers(frame, "worth"), numbers(frame, "urgency")
    columns = {}
    for day in days:
        urgency = urgency_at(beat, (day - scored.as_of).days, parameters)
        steady = np.where(np.isnan(urgency), today, urgency)
        columns[day] = np.round(100 * worth * steady, _DIGITS)
    return pd.DataFrame(columns, index=frame.index)


def _repeated(count: int) -> tuple[Finding, ...]:
    if not count:
        return ()
    sentence = f"{count} rows repeat a customer id; the first row of each counted"
    return (Finding(code="score.repeated", count=count, example=sentence),)


_REMEDIES = {
    "need": "Map customers.need, or pull needs, deals, feedback or orders.",
    "market": "Map customers.situation, or set engine.score.market by segment or region.",
    "product": "Map customers.feature, pull order lines, or set engine.score.fit by industry.",
    "urgency": "Pull visits, and set visit intervals by class.",
    "chance": "Analyze again when the model is fitted next.",
}


def _missing(parts: list[Part]) -> tuple[Finding, ...]:
    if not len(parts[0].values):
        return (Finding(code="score.empty", count=0, example="No customers, so no scores"),)
    found = []
    for part in parts:
        count = int(np.isnan(part.values).sum())
        if count:
            sentence = f"{part.name} is not known for {count} of {len(part.values)} customers"
            code, remedy = f"score.missing_{part.name}", _REMEDIES[part.name]
            found.append(Finding(code=code, count=count, example=sentence, remedy=remedy))
    return tuple(found)
