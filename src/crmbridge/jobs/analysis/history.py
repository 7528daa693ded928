"""Makes past decisions into rows to learn from: what was known then, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import pandas as pd

from crmbridge.engine.satisfaction import visits_with_effect
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import to_millis
from crmbridge.store.features import FEATURES, reduce_features
from crmbridge.store.history import memberships, order_times, past_visits

DAY = 86_400_000
STEP, STEPS = 30 * DAY, 12
"""Features are reduced once for each step: as of its first moment, for what happened in it."""

MOST = 50_000
"""Decisions learned from; of more, every so manieth is taken, evenly over the year."""

YES, NO, OPEN = "yes", "no", "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Past decisions: `customer_id`, `at` (ms) and `outcome` (yes or no); by time.

    Args:
        told: where they came from, in words.
    """

    rows: pd.DataFrame
    told: str


def past_visit_decisions(workspace: Workspace, sources: Sequence[str], now: int) -> Decisions:
    """Visits of the last year that took place, and whether an order followed; those too young to
    know are left out."""
    days = workspace.settings.engine.score.effect_days
    since, until = now - STEP * STEPS, now - days * DAY
    with workspace.store.read() as tx:
        visits = past_visits(tx, sources, since, until)
        orders = order_times(tx, sources, since)
    visits = visits[~visits["status"].isin(["cancelled", "missed"])].reset_index(drop=True)
    effect = visits_with_effect(visits, orders, days)
    rows = pd.DataFrame(
        {
            "customer_id": visits["customer_id"],
            "at": visits["start_at"],
            "outcome": np.where(effect > 0, YES, NO),
        }
    )
    return Decisions(rows=rows, told=f"visits, and whether an order followed within {days} days")


def past_campaign_decisions(workspace: Workspace, sources: Sequence[str], now: int) -> Decisions:
    """Who was reached by campaigns of the last year, and whether they responded; campaigns that
    began less than a month ago are left out."""
    with workspace.store.read() as tx:
        members = memberships(tx, sources)
    members = members[~members["status"].isin(["candidate", "removed"])]
    at = np.array([_midnight(day) for day in members["starts_on"]], dtype=np.int64)
    yes = (members["responded"] == 1) | (members["converted"] == 1)
    yes |= members["responded_at"].notna() | members["status"].isin(["responded", "converted"])
    rows = pd.DataFrame(
        {
            "customer_id": members["customer_id"].to_numpy(),
            "at": at,
            "outcome": np.where(yes, YES, NO),
        }
    )
    kept = (at >= now - STEP * STEPS) & (at < now - STEP)
    return Decisions(
        rows=rows[kept].reset_index(drop=True), told="campaign members, and whether they responded"
    )


def _midnight(day: str) -> int:
    return to_millis(datetime.combine(date.fromisoformat(day), time(), UTC))


def learning_table(
    workspace: Workspace,
    sources: Sequence[str],
    decisions: Decisions,
    customers: pd.DataFrame,
    features: pd.DataFrame,
    now: int,
) -> pd.DataFrame:
    """Past decisions with the features of before, then today's customers, whose outcome is open.

    Args:
        customers: canonical columns by customer id.
        features: today's, by the same ids.

    Returns:
        `FEATURES`, the fields that the settings name (which an outcome does not change: they hold
        today's values, which would tell the model what came later), `at`, `outcome` and what else
        the decisions hold, indexed by customer id.
    """
    parts = []
    taken = decisions.rows.iloc[:: max(1, -(-len(decisions.rows) // MOST))]
    for step in range(STEPS, 0, -1):
        start = now - step * STEP
        part = taken[(taken["at"] >= start) & (taken["at"] < start + STEP)]
        part = part[part["customer_id"].isin(features.index)]
        if len(part):
            before = reduce_features(
                workspace.store, tuple(sources), start, sorted(set(part["customer_id"]))
            )
            before = before[~before.index.duplicated()].reindex(part["customer_id"])
            known = before[list(FEATURES)]
            told = {str(name): part[name].to_numpy() for name in part if name != "customer_id"}
            parts.append(known.assign(**told))
    today = features.reindex(columns=list(FEATURES)).assign(at=np.nan, outcome=OPEN)
    table = pd.concat([*parts, today])
    fields = list(workspace.settings.engine.score.learn_from)
    lasting = customers[~customers.index.duplicated()].reindex(columns=fields)
    return table.join(lasting)
