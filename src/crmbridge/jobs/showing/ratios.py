"""The four ratios of satisfaction and effect: by customer, segment, rep and period."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.engine.satisfaction import (
    RATIOS,
    Satisfaction,
    satisfaction_ratios,
    strategy_visits,
    visit_facts,
)
from crmbridge.jobs.analysis.customers import (
    base_connections,
    completed_customers,
    score_parameters,
)
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import from_millis, to_millis
from crmbridge.store.history import order_times, past_visits
from crmbridge.store.segments import load_segments
from crmbridge.store.territory import Record, load_stream

HEADERS = ("by", "group", "ratio", "value", "sentence")
GROUPS: Mapping[str, str] = {
    "all": "", "segment": "segment", "rep": "rep", "period": "period", "customer_id": "customer_id",
}  # fmt: skip
"""What ratios are grouped by -> the facts' column."""

DAYS, MONTHS = 365, 12


def base_sources(workspace: Workspace, base: str) -> tuple[str, ...]:
    """A base connection and those that complete it."""
    return base_connections(workspace.settings)[base]


def ratio_rows(facts: pd.DataFrame, groups: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows under `HEADERS`, of some of `GROUPS`; a ratio without a denominator has a sentence."""
    for by in groups:
        for group, row in ratios_by(facts, by).frame.iterrows():
            for ratio, sentence in zip(RATIOS, row["sentences"], strict=True):
                yield (by, group, ratio.name, row[ratio.name], sentence)


def ratios_by(facts: pd.DataFrame, by: str) -> Satisfaction:
    """The four ratios by one of `GROUPS`."""
    column = GROUPS[by]
    of_period = _by_month(facts) if by == "period" else facts
    return satisfaction_ratios(of_period, (column,) if column else ())


def ratio_facts(workspace: Workspace, base: str) -> pd.DataFrame:
    """What the four ratios are made of, of the last year: needs, feedback, visits and the visits
    that the strategy asks for, each with customer, segment, rep and period where it has one."""
    now = workspace.clock.now()
    sources = base_sources(workspace, base)
    records = completed_customers(workspace, sources)
    since = now - timedelta(days=DAYS)
    with workspace.store.read() as tx:
        visits = past_visits(tx, sources, to_millis(since), to_millis(now))
        orders = order_times(tx, sources, to_millis(since))
        feedback = load_stream(tx, "feedback", sources)
        segments = {one.key.id: one.name or one.segment for one in load_segments(tx, base)}
        reps = {row["id"]: row["name"] or row["email"] for row in load_stream(tx, "reps", sources)}
    owners = {row["id"]: row["owner_id"] or "" for row in records}
    window = workspace.settings.engine.score.effect_days
    frames = [
        visit_facts(visits, orders, since.date(), now.date(), window),
        pd.DataFrame([_feedback(row) for row in feedback if _is_within(row, since, now)]),
        _strategy(workspace, sources, records),
        _stated(records, workspace.settings.engine.satisfaction.expected),
    ]
    facts = pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)
    if "customer_id" not in facts.columns:
        return facts
    facts["segment"] = [segments.get(str(id_), "") for id_ in facts["customer_id"]]
    facts["rep"] = [reps.get(rep, rep) for rep in _reps(facts, owners)]
    return facts


def _reps(facts: pd.DataFrame, owners: Mapping[str, str]) -> list[str]:
    """Who made the visit, else whose customer it is."""
    made = facts.get("rep_id", pd.Series(np.nan, index=facts.index))
    return [
        str(rep) if isinstance(rep, str) and rep else owners.get(str(id_), "")
        for rep, id_ in zip(made, facts["customer_id"], strict=True)
    ]


def _is_within(row: Record, since: datetime, now: datetime) -> bool:
    """Whether feedback was given in the stretch; where nobody noted when, it counts."""
    at = row["given_at"]
    return at is None or to_millis(since) <= at <= to_millis(now)


def _feedback(row: Record) -> dict[str, Any]:
    names = ("customer_id", "expected", "actual", "needs", "needs_met")
    at = row["given_at"]
    period = f"{from_millis(at):%Y-%m}" if at is not None else ""
    return {**{name: row[name] for name in names}, "period": period}


def _strategy(
    workspace: Workspace, sources: Sequence[str], records: Sequence[Record]
) -> pd.DataFrame:
    """The visits that each customer's interval asks for in a year."""
    by_class = score_parameters(workspace, sources, workspace.clock.now()).intervals
    days = [row["visit_interval_days"] or by_class.get(row["class"] or "") for row in records]
    intervals = np.array([np.nan if one is None else one for one in days], dtype=np.float64)
    return pd.DataFrame(
        {
            "customer_id": [row["id"] for row in records],
            "strategy_visits": strategy_visits(intervals, DAYS),
        }
    )


def _stated(records: Sequence[Record], expected: float | None) -> pd.DataFrame:
    """Satisfaction as customers' own records state it, against what is expected of all."""
    known = [row for row in records if row["satisfaction"] is not None]
    if expected is None or not known:
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "customer_id": [row["id"] for row in known],
            "actual": [float(row["satisfaction"]) for row in known],
            "expected": expected,
        }
    )


def _by_month(facts: pd.DataFrame) -> pd.DataFrame:
    """The facts with the strategy's visits of a year spread over the months there are visits in."""
    if not {"strategy_visits", "effective_visits", "period"} <= set(facts.columns):
        return facts.drop(columns="strategy_visits", errors="ignore")
    asked = facts[facts["strategy_visits"].notna()]
    counted = facts[facts["effective_visits"].notna()]
    counted = counted[counted["customer_id"].isin(asked["customer_id"])]
    months = counted.groupby("period")["effective_visits"].sum()
    spread = pd.DataFrame(
        {
            "period": months.index,
            "effective_visits": months.to_numpy(),
            "strategy_visits": asked["strategy_visits"].sum() / MONTHS,
        }
    )
    rest = facts[facts["strategy_visits"].isna()].drop(columns=["strategy_visits", "customer_id"])
    return pd.concat([rest, spread], ignore_index=True)
