"""Learns from past visits and campaigns who will probably say yes, and keeps the model's card."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

from crmbridge.engine.propensity import Method, Propensity, PropensityParameters, fit_propensity
from crmbridge.jobs.analysis.history import (
    YES,
    Decisions,
    learning_table,
    past_campaign_decisions,
    past_visit_decisions,
)
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding, from_millis, to_millis
from crmbridge.store.features import FEATURES
from crmbridge.store.models import Model, latest_model, save_model

VISITS, CAMPAIGNS = "visits", "campaigns"
AS_OF = ("won_deals", "won_amount", "lost_deals")
"""Named like what is known only at the end; ours are of the deals that had ended by then."""

_SOURCES: Mapping[str, Callable[[Workspace, Sequence[str], int], Decisions]] = {
    VISITS: past_visit_decisions,
    CAMPAIGNS: past_campaign_decisions,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """Learned chances, and what they are worth.

    Args:
        of: customer id -> chance; empty where no model carries.
        usual: share of yes among all past decisions.
        card: what the model was learned from and how good it is, or why there is none.
        version: "" where there is no model.
    """

    of: Mapping[str, float] = field(default_factory=dict)
    usual: float = 0.0
    card: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


def model_name(base: str, what: str) -> str:
    """What a model is kept as.

    Args:
        what: `VISITS` or `CAMPAIGNS`.
    """
    return f"propensity/{base}/{what}"


def known_chances(workspace: Workspace, base: str, what: str) -> Chances | None:
    """The chances that were learned last; None before the first analysis."""
    with workspace.store.read() as tx:
        held = latest_model(tx, model_name(base, what))
    if held is None:
        return None
    payload = json.loads(held.payload)
    version = held.version if payload["chances"] else ""
    return Chances(
        of=payload["chances"],
        usual=payload["usual"],
        card=json.loads(held.card),
        version=version,
    )


def learned_chances(
    workspace: Workspace,
    base: str,
    sources: Sequence[str],
    customers: pd.DataFrame,
    features: pd.DataFrame,
) -> tuple[dict[str, Chances], tuple[Finding, ...]]:
    """Chances of visits and campaigns, fitted anew where they are due.

    Args:
        customers: canonical columns by customer id.
        features: by the same ids.

    Returns:
        By `VISITS` and `CAMPAIGNS`; and what a new fit found.
    """
    findings: list[Finding] = []
    found = {}
    for what in _SOURCES:
        if is_fit_due(workspace, model_name(base, what)):
            findings += _fit(workspace, base, what, sources, customers, features)
        found[what] = known_chances(workspace, base, what) or Chances()
    return found, tuple(findings)


def is_fit_due(workspace: Workspace, name: str) -> bool:
    """Whether a model was never fitted, or longer ago than the settings allow."""
    with workspace.store.read() as tx:
        held = latest_model(tx, name)
    if held is None:
        return True
    age = workspace.clock.now() - from_millis(held.fitted_at)
    return age >= timedelta(days=workspace.settings.engine.score.refit_days)


def _fit(
    workspace: Workspace,
    base: str,
    what: str,
    sources: Sequence[str],
    customers: pd.DataFrame,
    features: pd.DataFrame,
) -> tuple[Finding, ...]:
    at = to_millis(workspace.clock.now())
    decisions = _SOURCES[what](workspace, sources, at)
    table = learning_table(workspace, sources, decisions, customers, features, at)
    parameters = PropensityParameters(
        outcome="outcome",
        time="at",
        columns=(*FEATURES, *workspace.settings.engine.score.learn_from),
        trusted=AS_OF,
        data=decisions.told,
    )
    fitted = fit_propensity(table, parameters, workspace.settings.planning.seed)
    is_model = fitted.method is not Method.NONE
    open_ = table["at"].isna()
    chances = fitted.frame["chance"][open_.to_numpy()] if is_model else pd.Series(dtype=float)
    payload = {
        "chances": {str(id_): round(float(p), 6) for id_, p in chances.items()},
        "usual": round(float((table["outcome"][~open_] == YES).mean()), 6) if is_model else 0.0,
    }
    model = Model(
        name=model_name(base, what),
        version=f"{workspace.clock.now():%Y-%m-%d}",
        payload=json.dumps(payload, sort_keys=True),
        card=json.dumps(_card(fitted), sort_keys=True),
        fitted_at=at,
    )
    with workspace.store.write() as tx:
        save_model(tx, model)
    return fitted.findings


def _card(fitted: Propensity) -> dict[str, Any]:
    """The engine's card with the verdict, and the period in days."""
    document = fitted.card.document()
    days = [str(from_millis(int(float(at))).date()) if at else "" for at in document["period"]]
    return {**document, "period": days, "verdict": fitted.verdict}


def with_chances(features: pd.DataFrame, chances: Chances) -> pd.DataFrame:
    """Features with the columns that the score reads; as they were where there is no model."""
    if not chances.of:
        return features
    of = pd.Series(chances.of, dtype=float).reindex(features.index)
    return features.assign(chance=of, chance_usual=chances.usual)
