"""Learns whom visits and campaigns move, where some customers were left alone by lot."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.engine.campaigns import Excluded
from crmbridge.engine.uplift import Uplift, UpliftParameters, fit_uplift
from crmbridge.engine.visit_effect import HELD_OUT, VISITED
from crmbridge.jobs.analysis.chances import AS_OF, CAMPAIGNS, VISITS, is_fit_due
from crmbridge.jobs.analysis.history import OPEN, Decisions, learning_table
from crmbridge.jobs.analysis.holdout import drawn_arms
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding, to_millis
from crmbridge.store.campaigns import armed_candidates
from crmbridge.store.features import FEATURES
from crmbridge.store.history import order_times
from crmbridge.store.models import Model, latest_model, save_model

_NOBODY = "Not learned: nobody was left alone by lot, or it is too early to know what came of it"
TREATED, CONTROL = "treated", "control"
DAY = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a treatment adds to the chance of an order, by customer.

    Args:
        of: customer id -> what it adds; empty where choosing by it gains nothing.
        usual: mean over everybody that was tried.
        card: the verdict, the learner and its Qini coefficient.
    """

    of: Mapping[str, float] = field(default_factory=dict)
    usual: float = 0.0
    card: Mapping[str, Any] = field(default_factory=dict)


def model_name(base: str, what: str) -> str:
    """What a model is kept as."""
    return f"uplift/{base}/{what}"


def known_moved(workspace: Workspace, base: str, what: str) -> Moved | None:
    """What was learned last of `VISITS` or `CAMPAIGNS`; None before the first analysis."""
    with workspace.store.read() as tx:
        held = latest_model(tx, model_name(base, what))
    if held is None:
        return None
    payload = json.loads(held.payload)
    return Moved(of=payload["of"], usual=payload["usual"], card=json.loads(held.card))


def learned_moved(
    workspace: Workspace,
    base: str,
    sources: Sequence[str],
    customers: pd.DataFrame,
    features: pd.DataFrame,
) -> tuple[dict[str, Moved], tuple[Finding, ...]]:
    """Whom visits and campaigns move, fitted anew where that is due.

    Args:
        customers: canonical columns by customer id.
        features: by the same ids.
    """
    findings: list[Finding] = []
    found = {}
    for what, trials in _TRIALS.items():
        if is_fit_due(workspace, model_name(base, what)):
            decisions = trials(workspace, base, sources)
            findings += _fit(workspace, (base, what), sources, decisions, (customers, features))
        found[what] = known_moved(workspace, base, what) or Moved()
    return found, tuple(findings)


def with_moved(features: pd.DataFrame, moved: Moved) -> pd.DataFrame:
    """Features with the columns that the score reads; as they were where nothing is gained."""
    if not moved.of or moved.usual <= 0:
        return features
    of = pd.Series(moved.of, dtype=float).reindex(features.index)
    return features.assign(uplift=of, uplift_usual=moved.usual)


def visit_trials(workspace: Workspace, base: str, sources: Sequence[str]) -> Decisions:
    """Who was drawn to be visited or held out, and whether an order followed in `effect_days`."""
    with workspace.store.read() as tx:
        drawn = drawn_arms(tx, base, workspace.settings.planning.holdout_share)
    rows = [(id_, at, _ARMS[arm]) for id_, (arm, _, at) in drawn.items()]
    return _decided(workspace, sources, rows, "customers drawn to be visited or held out")


def campaign_trials(workspace: Workspace, base: str, sources: Sequence[str]) -> Decisions:
    """Who was drawn for campaigns or held out of them, and whether an order followed."""
    out = Excluded.HOLDOUT.name.lower()
    with workspace.store.read() as tx:
        candidates = armed_candidates(tx, base)
    rows = [
        (one.customer_id, one.decided_at, CONTROL if one.reason == out else TREATED)
        for one in candidates
    ]
    return _decided(workspace, sources, rows, "people drawn for campaigns or held out")


_ARMS = {VISITED: TREATED, HELD_OUT: CONTROL}
_TRIALS: Mapping[str, Callable[[Workspace, str, Sequence[str]], Decisions]] = {
    VISITS: visit_trials,
    CAMPAIGNS: campaign_trials,
}


def _decided(
    workspace: Workspace, sources: Sequence[str], rows: list[tuple[str, int, str]], told: str
) -> Decisions:
    """Those whose outcome can be known by now."""
    days = workspace.settings.engine.score.effect_days
    now = to_millis(workspace.clock.now())
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "arm"])
    frame = frame[frame["at"] < now - days * DAY].reset_index(drop=True)
    since = int(frame["at"].min()) if len(frame) else now
    with workspace.store.read() as tx:
        orders = order_times(tx, sources, since)
    joined = frame.reset_index().merge(orders, on="customer_id")
    after = joined["ordered_at"] - joined["at"]
    came = joined.loc[(after > 0) & (after <= days * DAY), "index"].unique()
    outcome = np.isin(frame.index, came).astype(np.float64)
    return Decisions(rows=frame.assign(outcome=outcome), told=told)


def _fit(
    workspace: Workspace,
    name: tuple[str, str],
    sources: Sequence[str],
    decisions: Decisions,
    known: tuple[pd.DataFrame, pd.DataFrame],
) -> tuple[Finding, ...]:
    at = to_millis(workspace.clock.now())
    table = learning_table(workspace, sources, decisions, *known, at)
    is_open = table["at"].isna().to_numpy()
    arms = table["arm"] if "arm" in table.columns else pd.Series("", index=table.index)
    outcome = pd.to_numeric(table["outcome"].replace(OPEN, np.nan), errors="coerce")
    fields = workspace.settings.engine.score.learn_from
    columns = tuple(n for n in (*FEATURES, *fields) if n in table.columns and n not in AS_OF)
    found = fit_uplift(
        table.assign(arm=arms.where(~is_open, ""), outcome=outcome),
        UpliftParameters(
            arm="arm", treated=TREATED, control=CONTROL, outcome="outcome", columns=columns
        ),
        workspace.settings.planning.seed,
    )
    if decisions.rows.empty:
        found = replace(found, verdict=_NOBODY)
    _keep(workspace, model_name(*name), found, found.frame["uplift"][is_open], decisions.told)
    return found.findings


def _keep(
    workspace: Workspace, name: str, found: Uplift, today: "pd.Series[float]", told: str
) -> None:
    best = found.learner
    payload = {
        "of": {str(id_): round(float(u), 6) for id_, u in today.items()} if found.has_gain else {},
        "usual": round(found.average, 6) if best is not None else 0.0,
    }
    card = {
        "verdict": found.verdict,
        "data": told,
        "learner": best.value if best is not None else "",
        "qini": round(found.qini[best], 6) if best is not None else None,
    }
    model = Model(
        name=name,
        version=f"{workspace.clock.now():%Y-%m-%d}",
        payload=json.dumps(payload, sort_keys=True),
        card=json.dumps(card, sort_keys=True),
        fitted_at=to_millis(workspace.clock.now()),
    )
    with workspace.store.write() as tx:
        save_model(tx, model)
